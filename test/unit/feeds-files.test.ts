/** Feeds into folders, and what all feeds have in common: modes, cursors, evidence, agreements. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { ExportedTags } from "../../party/tags/exported.ts";
import { AGREEMENT, FEED_START_MS, FeedWorld } from "../support/feed-world.ts";

const DAY_MS = 86_400_000;
const JOINT = "marketing:joint";
let world: FeedWorld;
let out: string;

beforeEach(async () => {
  world = await FeedWorld.make();
  out = join(world.folder, "out");
});
afterEach(() => world.close());

/** Subject, key, value and state of each line but the first. */
async function linesOf(name: string): Promise<string[]> {
  const lines = (await readFile(join(out, name), "utf8")).trimEnd().split("\r\n").slice(1);
  return lines.map((line) => {
    const cells = line.split(",");
    return [...cells.slice(0, 3), cells[10]].join(",");
  });
}

async function lastFile(): Promise<string[]> {
  const changes = (await readdir(out)).filter((name) => name.includes("-")).sort();
  return linesOf(changes.at(-1) as string);
}

test("a full delivery has what is in force, the next ones what has changed, in files of their own", async () => {
  await world.addFeed("crm", { kind: "csv", folder: out });
  await world.issue([
    ["a", JOINT, "yes"],
    ["b", JOINT, "yes"],
  ]);
  expect(await world.run("crm", "full")).toMatchObject({ state: "done", written: 2, ended: 0, fromChange: 0 });
  expect(await linesOf("crm.csv")).toEqual(["a,marketing:joint,yes,", "b,marketing:joint,yes,"]);
  expect(await world.run("crm")).toMatchObject({ state: "done", written: 0, ended: 0 });
  expect(await readdir(out)).toEqual(["crm.csv"]);
  await world.issue([
    ["b", JOINT, "no"],
    ["c", JOINT, "yes"],
  ]);
  expect(await world.run("crm")).toMatchObject({ written: 2, ended: 0 });
  expect(await lastFile()).toEqual(["b,marketing:joint,no,current", "c,marketing:joint,yes,current"]);
  expect((await world.feeds.list())[0]).toMatchObject({ behind: 0, last: { state: "done" } });
});

test("withdrawn, opted out and expired tags come as ended, without their values, once", async () => {
  await world.addFeed("crm", { kind: "csv", folder: out });
  const other = "6a".repeat(32);
  await world.issue([
    ["a", JOINT, "secret-a"],
    ["b", JOINT, "secret-b"],
  ]);
  await world.issue([["c", JOINT, "secret-c"]], { agreement: other });
  await world.run("crm");
  await world.store.withdrawTags(other, world.now());
  await world.store.withdrawTagsOf(["a"], world.now());
  expect(await world.run("crm")).toMatchObject({ written: 0, ended: 2 });
  expect(await lastFile()).toEqual(["a,marketing:joint,,ended", "c,marketing:joint,,ended"]);
  world.nowMs = FEED_START_MS + 30 * DAY_MS;
  expect(await world.run("crm")).toMatchObject({ written: 0, ended: 1 });
  expect(await lastFile()).toEqual(["b,marketing:joint,,ended"]);
  expect(await world.run("crm")).toMatchObject({ written: 0, ended: 0 });
  // Told to every feed: nobody needs to know any longer who had them.
  expect(await world.store.tagHistory("a", world.now())).toEqual([]);
});

test("a withdrawal uncovers the earlier value that is still in force, an expiry does not", async () => {
  await world.addFeed("crm", { kind: "csv", folder: out });
  const other = "6a".repeat(32);
  const soon = new Date(FEED_START_MS + DAY_MS).toISOString();
  await world.issue([
    ["a", JOINT, "first"],
    ["b", JOINT, "first"],
  ]);
  await world.issue([["a", JOINT, "second"]], { agreement: other });
  await world.issue([["b", JOINT, "second"]], { expiresAt: soon });
  await world.run("crm");
  await world.store.withdrawTags(other, world.now());
  expect(await world.store.tagHistory("a", world.now())).toMatchObject([
    { state: "withdrawn", value: "" },
    { state: "current" },
  ]);
  world.nowMs += DAY_MS;
  expect(await world.run("crm")).toMatchObject({ written: 1, ended: 1 });
  expect(await lastFile()).toEqual(["a,marketing:joint,first,current", "b,marketing:joint,,ended"]);
  expect(await world.store.tagHistory("b", world.now())).toMatchObject([{ state: "expired" }, { state: "superseded" }]);
});

test("evidence names the jobs whose tags leave, before they do; none where nothing but endings leaves", async () => {
  await world.addFeed("crm", { kind: "csv", folder: join(world.folder, "node.db", "not-a-folder") });
  const jobId = await world.issue([["a", JOINT, "yes"]]);
  await expect(world.run("crm")).rejects.toMatchObject({ code: "STORAGE_FAILED" });
  expect(world.recorded).toEqual([{ jobIds: [jobId], person: "Ada", format: "csv", destination: "feed crm (csv)" }]);
  expect(await world.feeds.history("crm")).toMatchObject([{ state: "failed", code: "STORAGE_FAILED" }]);
  // The same delivery once more: evidence has it.
  await expect(world.run("crm")).rejects.toMatchObject({ code: "STORAGE_FAILED" });
  expect(world.recorded).toHaveLength(1);
  expect(await world.feeds.history("crm")).toHaveLength(1);
  const next = await world.issue([["b", JOINT, "yes"]]);
  await expect(world.run("crm")).rejects.toMatchObject({ code: "STORAGE_FAILED" });
  expect(world.recorded.at(-1)?.jobIds).toEqual([jobId, next]);
});

test.each(["full", "since-last"] as const)(
  "what is issued or uncovered once evidence is written waits for the next delivery (%s)",
  async (mode) => {
    await world.close();
    const recorded: (readonly string[])[] = [];
    let meanwhile = async () => {};
    const record = async ({ jobIds }: ExportedTags) => {
      recorded.push(jobIds);
      await meanwhile();
      meanwhile = async () => {};
    };
    world = await FeedWorld.make(undefined, { record });
    out = join(world.folder, "out");
    await world.addFeed("crm", { kind: "csv", folder: out });
    const told = () => (mode === "full" ? linesOf("crm.csv") : lastFile());
    const other = "6a".repeat(32);
    const state = mode === "full" ? "" : "current";
    const hidden = await world.issue([["c", JOINT, "covered"]]);
    const first = await world.issue([
      ["a", JOINT, "yes"],
      ["b", JOINT, "yes"],
    ]);
    const covering = await world.issue([["c", JOINT, "over"]], { agreement: other });
    let late = "";
    meanwhile = async () => {
      late = await world.issue([
        ["b", JOINT, "late"],
        ["d", JOINT, "late"],
      ]);
      await world.store.withdrawTags(other, world.now());
    };
    await world.run("crm", mode);
    expect(await told()).toEqual([`a,marketing:joint,yes,${state}`, `b,marketing:joint,yes,${state}`]);
    expect(recorded).toEqual([[first, covering]]);
    await world.run("crm");
    expect(await lastFile()).toEqual(
      ["b", "c", "d"].map((id) => `${id},${JOINT},${id === "c" ? "covered" : "late"},current`),
    );
    expect(recorded[1]).toEqual([hidden, late]);
  },
);

test("when evidence cannot be written nothing leaves", async () => {
  await world.close();
  const record = async () => {
    throw new Error("disk");
  };
  world = await FeedWorld.make(undefined, { record });
  out = join(world.folder, "out");
  await world.addFeed("crm", { kind: "csv", folder: out });
  await world.issue([["a", JOINT, "yes"]]);
  await expect(world.run("crm")).rejects.toThrow("disk");
  await expect(readdir(out)).rejects.toThrow();
});

test("while an agreement is not known to be in force its tags stay, and what has ended is told all the same", async () => {
  await world.addFeed("crm", { kind: "csv", folder: out });
  const other = "6a".repeat(32);
  await world.issue([["a", JOINT, "yes"]]);
  await world.issue([["b", JOINT, "yes"]], { agreement: other });
  await world.run("crm");
  world.lapsed.add(AGREEMENT);
  await world.issue([["c", JOINT, "yes"]]);
  await world.store.withdrawTags(other, world.now());
  await expect(world.run("crm")).rejects.toMatchObject({ code: "AGREEMENT_NOT_IN_FORCE" });
  expect(await lastFile()).toEqual(["b,marketing:joint,,ended"]);
  await expect(world.run("crm", "full")).rejects.toMatchObject({ code: "AGREEMENT_NOT_IN_FORCE" });
  world.lapsed.clear();
  expect(await world.run("crm")).toMatchObject({ written: 1, ended: 1 });
  expect(await lastFile()).toEqual(["b,marketing:joint,,ended", "c,marketing:joint,yes,current"]);
});

test("a feed that has not run for long is told to run in full", async () => {
  await world.addFeed("crm", { kind: "csv", folder: out });
  await world.issue([
    ["a", JOINT, "yes"],
    ["b", JOINT, "yes"],
  ]);
  await world.run("crm");
  await world.store.withdrawTagsOf(["a"], world.now());
  world.nowMs += 31 * DAY_MS;
  await world.feeds.keepUp();
  await expect(world.run("crm")).rejects.toMatchObject({ code: "FEED_BEHIND" });
  expect(await world.run("crm", "full")).toMatchObject({ state: "done" });
  expect(await world.run("crm")).toMatchObject({ state: "done" });
});

test("a feed of some keys has no others, and one with a time of its own runs by itself", async () => {
  await world.addFeed("crm", { kind: "csv", folder: out }, { keys: [JOINT], everyMinutes: 5 });
  await world.issue([
    ["a", JOINT, "yes"],
    ["a", "risk:default", "A"],
  ]);
  await world.feeds.keepUp();
  expect(await lastFile()).toEqual(["a,marketing:joint,yes,current"]);
  await world.issue([["b", JOINT, "yes"]]);
  await world.feeds.keepUp();
  expect(await lastFile()).toEqual(["a,marketing:joint,yes,current"]);
  world.nowMs += 5 * 60_000;
  await world.feeds.keepUp();
  expect(await lastFile()).toEqual(["b,marketing:joint,yes,current"]);
  expect((await world.feeds.history("crm")).map(({ person }) => person)).toEqual(["schedule", "schedule"]);
});

test("Parquet has the same columns and types, and the state", async () => {
  await world.addFeed("lake", { kind: "parquet", folder: out });
  await world.issue(
    [
      ["a", JOINT, '=cmd|"x"'],
      ["b\0", JOINT, "王芳"],
    ],
    { score: 0.25 },
  );
  await world.run("lake");
  const [name] = await readdir(out);
  const db = await (await DuckDBInstance.create(":memory:")).connect();
  const found = await db.runAndReadAll(
    `SELECT subject, value, score, state FROM '${join(out, name as string)}' ORDER BY 1`,
  );
  expect(found.getRowsJson()).toEqual([
    ["a", '=cmd|"x"', 0.25, "current"],
    ["b\0", "王芳", 0.25, "current"],
  ]);
  db.closeSync();
});

test("names are taken once, paths are absolute, and a removed feed is forgotten", async () => {
  await world.addFeed("crm", { kind: "csv", folder: out });
  await expect(world.addFeed("crm", { kind: "csv", folder: out })).rejects.toMatchObject({ code: "ALREADY_EXISTS" });
  await expect(world.addFeed("b", { kind: "csv", folder: "out" })).rejects.toMatchObject({ code: "BAD_REQUEST" });
  await world.feeds.remove("crm");
  await expect(world.run("crm")).rejects.toMatchObject({ code: "NOT_FOUND" });
});
