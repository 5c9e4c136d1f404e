/** A node that is copied while it runs, and put back: what it has then, and what it may do. */
import { appendFile, cp, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { writeConfig } from "../../party/config.ts";
import { backUpParty, restoreParty } from "../../party/store-commands.ts";
import type { CollaborationId, Digest } from "../../proto/ids.ts";
import { nodePorts } from "../../proto/ports/node.ts";
import { demoAgreement } from "../support/demo-agreement.ts";
import { requestOf, startWithLists, Times } from "../support/policy-nodes.ts";
import type { TwoNodes } from "../support/two-nodes.ts";

let nodes: TwoNodes;
let agreement: Digest;
let collaboration: CollaborationId;
let place: string;

beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), "entente-backup-"));
  ({ nodes } = await startWithLists(new Times()));
  const floors = { input: 10, result: 5, sizeRatio: 1_000 };
  agreement = await nodes.agree(demoAgreement({ title: "Backup", floors }));
  const api = { host: "127.0.0.1", port: 0 };
  await writeConfig(nodePorts.files, nodes.folder("bank"), { format: "entente-node/1", party: "bank", api });
  expect((await nodes.run(requestOf({ agreement }))).bank.state).toBe("done");
  const [record] = await nodes.bank.store.agreements();
  collaboration = record?.collaboration as CollaborationId;
});
afterAll(async () => {
  await nodes.close();
  await rm(place, { recursive: true });
});

const backUp = (name: string) => backUpParty({ folder: nodes.folder("bank"), to: join(place, name) });

async function putBack(name: string): Promise<void> {
  await nodes.bank.close();
  await rm(nodes.folder("bank"), { recursive: true });
  await restoreParty({ folder: nodes.folder("bank"), from: join(place, name) });
  await nodes.restart("bank");
}

async function standing(): Promise<string> {
  for (let tries = 0; ; tries++) {
    const { state } = await nodes.bank.logbook.standings.of(collaboration);
    if (state !== "read-only" || tries === 500) return state;
    await new Promise((done) => setTimeout(done, 20));
  }
}

test("a backup is made once, and restored into a folder that holds nothing", async () => {
  expect(await backUp("first")).toMatchObject({ party: "bank" });
  await expect(backUp("first")).rejects.toMatchObject({ code: "ALREADY_EXISTS" });
  const from = join(place, "first");
  await expect(restoreParty({ from, folder: nodes.folder("bank") })).rejects.toMatchObject({ code: "ALREADY_EXISTS" });
  await expect(restoreParty({ from: place, folder: join(place, "none") })).rejects.toMatchObject({ code: "NOT_FOUND" });
  expect((await readdir(place)).sort()).toEqual(["first"]);
});

test.each([
  ["its store", async (folder: string) => appendFile(join(folder, "store.db"), "x")],
  ["a file of it", async (folder: string) => rm(join(folder, "files", "keys", "log.seed"))],
  ["its list", async (folder: string) => writeFile(join(folder, "backup.json"), "{}")],
])("one of which %s is damaged restores nothing", async (_what, damage) => {
  const from = join(place, "damaged");
  await cp(join(place, "first"), from, { recursive: true });
  await damage(from);
  await expect(restoreParty({ from, folder: join(place, "none") })).rejects.toMatchObject({ code: "BACKUP_DAMAGED" });
  expect(await readdir(place)).not.toContain("none");
  await rm(from, { recursive: true });
});

test("with a backup that nothing has happened since, the node goes on when its peer has said so", async () => {
  const before = { counts: await nodes.bank.store.tagCounts("2000"), jobs: await nodes.bank.book.list() };
  expect(before.counts).toHaveLength(1);
  await backUp("second");
  await putBack("second");
  expect(await standing()).toBe("open");
  expect(await nodes.bank.store.tagCounts("2000")).toEqual(before.counts);
  expect(await nodes.bank.book.list()).toEqual(before.jobs);
  expect((await nodes.run(requestOf({ agreement }))).bank.state).toBe("done");
});

test("with one from before a job the log is forked, and nothing is written before a person begins it anew", async () => {
  await putBack("second");
  expect(await standing()).toBe("forked");
  expect(await nodes.bank.book.list()).toHaveLength(1);
  await expect(nodes.run(requestOf({ agreement }))).rejects.toMatchObject({ code: "LOG_FORKED" });
});
