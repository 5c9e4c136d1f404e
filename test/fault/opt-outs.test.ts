/** An opt-out that breaks off half-way: the person is listed and without tags, or neither. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { openSqliteStore } from "../../party/store/sqlite.ts";
import { OptOuts } from "../../party/tags/opt-outs.ts";
import { nodePorts } from "../../proto/ports/node.ts";

const AT = "2026-05-01T00:00:00.000Z";
const LATER = "2026-06-01T00:00:00.000Z";

test.each([
  ["the tags cannot be withdrawn", "BEFORE UPDATE ON tag"],
  ["the list cannot be written", "BEFORE INSERT ON opt_out"],
])("when %s nothing of it has happened, and the next try does all of it", async (_what, when) => {
  const folder = await mkdtemp(join(tmpdir(), "entente-opt-outs-"));
  const path = join(folder, "node.db");
  const store = openSqliteStore(path);
  const { random } = nodePorts;
  const clock = { nowMs: () => Date.parse(AT), monotonicMs: () => 0 };
  const optOuts = new OptOuts({ store, clock, random, key: new Uint8Array(32) });
  const ofScore = { score: null, model: null, scoredAt: null };
  const common = { key: "k", value: "yes", jobId: "1", agreement: "5f".repeat(32), issuedAt: AT, expiresAt: LATER };
  await store.putTags("1", 0, [{ subject: "a@b.example", ...common, ...ofScore }]);
  await store.publishTags("1", AT, null);
  const now = async () => [(await optOuts.has("email"))("a@b.example"), (await store.tagCounts(AT)).length];

  const other = new DatabaseSync(path);
  other.exec(`CREATE TRIGGER stopped ${when} BEGIN SELECT RAISE(ABORT, 'stopped'); END`);
  const stopped = { code: "STORAGE_FAILED", cause: { message: expect.stringContaining("stopped") } };
  await expect(optOuts.add("email", ["a@b.example"], "Ada")).rejects.toMatchObject(stopped);
  expect(await now()).toEqual([false, 1]);
  other.exec("DROP TRIGGER stopped");
  other.close();
  expect(await optOuts.add("email", ["a@b.example"], "Ada")).toMatchObject({ added: 1, withdrawnTags: 1 });
  expect(await now()).toEqual([true, 0]);
  await store.close();
  await rm(folder, { recursive: true });
});
