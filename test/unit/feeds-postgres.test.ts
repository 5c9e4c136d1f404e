/** Feeds into a table of a real PostgreSQL server. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { AGREEMENT, FeedWorld } from "../support/feed-world.ts";
import { startPostgres } from "../support/postgres.ts";

const JOINT = "marketing:joint";
const TARGET = { kind: "postgres", database: "crm", schema: "crm", table: "tags" };
const server = await startPostgres();

describe.skipIf(server === undefined)("a feed into PostgreSQL", () => {
  const { url, query } = server as NonNullable<typeof server>;
  let world: FeedWorld;

  beforeAll(() => {
    expect(url).toContain("postgresql://");
  });
  beforeEach(async () => {
    await query("DROP SCHEMA IF EXISTS crm CASCADE; CREATE SCHEMA crm");
    world = await FeedWorld.make(url);
    await world.addFeed("crm", TARGET);
  });
  afterEach(() => world.close());
  afterAll(() => server?.stop());

  const rows = async () =>
    (
      await query<{ subject: string; key: string; value: string }>(
        "SELECT subject, key, value FROM crm.tags ORDER BY 1, 2",
      )
    ).map(({ subject, key, value }) => `${subject} ${key} ${value}`);

  test("creates its table, then upserts and deletes what has changed", async () => {
    const other = "6a".repeat(32);
    await world.issue(
      [
        ["a", JOINT, "yes"],
        ["b", JOINT, "yes"],
        ["b", "risk:default", "A"],
      ],
      { score: 0.5 },
    );
    await world.issue([["c", JOINT, "yes"]], { agreement: other });
    expect(await world.run("crm")).toMatchObject({ state: "done", written: 4, ended: 0 });
    expect(await query("SELECT * FROM crm.tags WHERE subject = 'a'")).toEqual([
      {
        ...{ subject: "a", key: JOINT, value: "yes", score: 0.5, model: null, scored_at: null, agreement: AGREEMENT },
        job_id: "1".padStart(32, "0"),
        issued_at: new Date("2026-05-01T00:00:00Z"),
        expires_at: new Date("2026-05-31T00:00:00Z"),
      },
    ]);
    await world.issue([["b", JOINT, "no"]]);
    await world.store.withdrawTags(other, world.now());
    await world.store.withdrawTagsOf(["a"], world.now());
    expect(await world.run("crm")).toMatchObject({ written: 1, ended: 2 });
    expect(await rows()).toEqual(["b marketing:joint no", "b risk:default A"]);
    expect(await query("SELECT feed, mode, written, ended FROM crm.tags_deliveries ORDER BY applied_at")).toEqual([
      { feed: "crm", mode: "since-last", written: "4", ended: "0" },
      { feed: "crm", mode: "since-last", written: "1", ended: "2" },
    ]);
  });

  test("in full, makes the table what is in force, and leaves rows alone that are so already", async () => {
    await world.issue([
      ["a", JOINT, "yes"],
      ["b", JOINT, "yes"],
    ]);
    await world.run("crm", "full");
    await query("DELETE FROM crm.tags WHERE subject = 'a'");
    await query("UPDATE crm.tags SET subject = 'stray' WHERE subject = 'b'");
    const [before] = await query("SELECT xmin::text FROM crm.tags");
    await world.run("crm", "full");
    expect(await rows()).toEqual(["a marketing:joint yes", "b marketing:joint yes"]);
    const again = await query("SELECT xmin::text FROM crm.tags");
    await world.run("crm", "full");
    expect(await query("SELECT xmin::text FROM crm.tags")).toEqual(again);
    expect(again).not.toContainEqual(before);
  });

  test("a node that stops after the commit and before it knew applies the delivery once", async () => {
    await world.issue([["a", JOINT, "yes"]]);
    world.store.endDelivery = async () => {
      throw new Error("stopped");
    };
    await expect(world.run("crm")).rejects.toThrow("stopped");
    expect(await rows()).toEqual(["a marketing:joint yes"]);
    await query("UPDATE crm.tags SET value = 'touched'");
    await world.restart();
    expect(await world.run("crm")).toMatchObject({ state: "done", written: 1 });
    // The target knew it: it was not applied again.
    expect(await rows()).toEqual(["a marketing:joint touched"]);
    expect(await query("SELECT 1 FROM crm.tags_deliveries")).toHaveLength(1);
  });

  test("a delivery that breaks half way leaves the table as it was", async () => {
    await world.issue([["a", JOINT, "yes"]]);
    await world.run("crm");
    await world.issue([
      ["b", JOINT, "yes"],
      ["c\0", JOINT, "yes"],
    ]);
    await expect(world.run("crm")).rejects.toMatchObject({ code: "FEED_VALUE" });
    expect(await rows()).toEqual(["a marketing:joint yes"]);
    const changes = world.store.tagChanges.bind(world.store);
    world.store.tagChanges = async function* (filter) {
      yield* changes(filter);
      await query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'entente'");
    };
    await world.store.withdrawTagsOf(["c\0"], world.now());
    await expect(world.run("crm")).rejects.toMatchObject({ code: "DATABASE_UNREACHABLE" });
    expect(await rows()).toEqual(["a marketing:joint yes"]);
    world.store.tagChanges = changes;
    await world.run("crm");
    expect(await rows()).toEqual(["a marketing:joint yes", "b marketing:joint yes"]);
  });

  test("hostile texts are values and nothing else", async () => {
    const hostile = ["'; DROP TABLE crm.tags; --", "\\N", "\\.", "a\tb\nc\rd\\e", '"x",=1+1', "​王芳 "];
    await world.issue(hostile.map((text, i) => [text, JOINT, hostile[i] as string] as const));
    await world.run("crm");
    const found = await query<{ subject: string; value: string }>("SELECT subject, value FROM crm.tags");
    expect(found.map(({ subject, value }) => [subject, value]).sort()).toEqual(
      hostile.map((text) => [text, text]).sort(),
    );
  });

  test("the view shows what is in force by the server's clock", async () => {
    await world.issue([["a", JOINT, "yes"]], { expiresAt: "2999-01-01T00:00:00.000Z" });
    await world.issue([["b", JOINT, "yes"]], { expiresAt: "2026-05-02T00:00:00.000Z" });
    await world.run("crm");
    expect(await query("SELECT subject FROM crm.tags_current")).toEqual([{ subject: "a" }]);
  });

  test("what the server refuses says the database and the SQLSTATE, and no password", async () => {
    await query("CREATE TABLE crm.tags (subject text)");
    await world.issue([["planted-mark", JOINT, "yes"]]);
    await expect(world.run("crm")).rejects.toMatchObject({ code: "DATABASE_REFUSED", detail: "crm: SQLSTATE 42703" });
    await world.addFeed("other", { ...TARGET, database: "unknown" });
    await expect(world.run("other")).rejects.toMatchObject({ code: "DATABASE_UNKNOWN" });
    const said = JSON.stringify([await world.feeds.list(), world.log]);
    expect(said).not.toContain(new URL(url).password);
    expect(said).not.toContain("planted-mark");
  });

  test("two deliveries into one table at once wait for each other", async () => {
    await world.addFeed("second", TARGET);
    await world.issue([
      ["a", JOINT, "yes"],
      ["b", JOINT, "yes"],
    ]);
    await Promise.all([world.run("crm"), world.run("second")]);
    expect(await rows()).toHaveLength(2);
  });
});
