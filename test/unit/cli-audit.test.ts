/** The auditor's commands, from real folders on disk: no node, no network. */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { fingerprint } from "../../proto/agreement/identity.ts";
import { concat } from "../../proto/encoding/bytes.ts";
import { encodeBundle } from "../../proto/evidence/bundle.ts";
import { logFolder } from "../../proto/evidence/export.ts";
import { ententeHere } from "../support/command-line.ts";
import { BANK, JOB, originOf, PARTNER, runJob } from "../support/evidence-world.ts";

let folder: string;
let exported: ReadonlyMap<string, Uint8Array>;
const run = (line: string) => ententeHere(line.split(" "), { cwd: folder });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "entente-cli-audit-"));
  const { files } = await runJob();
  exported = files.contents;
  for (const [path, bytes] of files.contents) {
    if (!path.startsWith("/export/")) continue;
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), bytes);
  }
  const prints = [BANK, PARTNER].map(({ name, keys }) => `${fingerprint(keys.identity.publicKey)} # ${name}\n`);
  await writeFile(join(folder, "trust"), prints.join(""));
  await writeFile(join(folder, "no-trust"), prints[0] as string);
  const checkpoints = await Promise.all(
    [BANK, PARTNER].map((party) =>
      readFile(join(folder, "export", party.name, "logs", logFolder(originOf(party)), "checkpoint"), "utf8"),
    ),
  );
  await writeFile(join(folder, "kept"), checkpoints.join(""));
});
afterAll(() => rm(folder, { recursive: true }));

test("verify: a folder that holds the exports, with and without trust and kept checkpoints", async () => {
  const people = await run("audit verify export --require-openings");
  expect([people.code, people.stdout.split("\n")[0]]).toEqual([
    0,
    "VERIFIED: consistent under the keys in these folders. Compare the fingerprints with those that the parties gave you.",
  ]);
  expect(people.stdout).toContain("bank 1000");
  expect(people.stdout).toContain("4 commitments opened; 0 committed, not opened.");
  const trusted = await run("audit verify export/bank export/partner --trust trust --since kept --json");
  expect([trusted.code, JSON.parse(trusted.stdout)]).toMatchObject([0, { verdict: "verified", trusted: true }]);
  const untrusted = await run("audit verify export --trust no-trust --json");
  expect([untrusted.code, JSON.parse(untrusted.stdout).firstProblem.code]).toEqual([1, "IDENTITY_UNTRUSTED"]);
  const alone = await run("audit verify export/bank");
  expect([alone.code, alone.stdout.startsWith("INCOMPLETE")]).toEqual([2, true]);
});

test("verify: an export that came as one file, beside a folder; and what is none", async () => {
  const files = [...exported].flatMap(([path, bytes]) =>
    path.startsWith("/export/bank/") ? [{ path: path.slice("/export/bank/".length), bytes }] : [],
  );
  await writeFile(join(folder, "bank.jsonl"), concat(...encodeBundle(files)));
  const { code, stdout } = await run("audit verify bank.jsonl export/partner --trust trust --json");
  expect([code, JSON.parse(stdout)]).toMatchObject([0, { verdict: "verified", trusted: true, problems: [] }]);
  await writeFile(join(folder, "other.jsonl"), "no bundle\n");
  const other = await run("audit verify export/partner other.jsonl --json");
  expect([other.code, JSON.parse(other.stdout).firstProblem]).toMatchObject([1, { code: "MANIFEST_INVALID" }]);
});

test("report: a page and a document in a new folder", async () => {
  const { code, stdout } = await run("audit report export --out report");
  expect([code, stdout.includes("VERIFIED")]).toEqual([0, true]);
  expect((await readdir(join(folder, "report"))).sort()).toEqual(["report.html", "report.json"]);
  const report = JSON.parse(await readFile(join(folder, "report/report.json"), "utf8"));
  expect(report).toMatchObject({ format: "entente-audit-report/1", jobs: [{ jobId: JOB.jobId, cameOut: "640" }] });
  expect(await readFile(join(folder, "report/report.html"), "utf8")).toMatch(/^<!doctype html>/);
  expect((await run("audit report export --out report")).code).toBe(1);
});

test("prove and verify-proof: one job's entries, each in a file of its own", async () => {
  const made = await run(`audit prove export --job ${JOB.jobId} --out proofs --json`);
  expect([made.code, JSON.parse(made.stdout).proofs.length]).toEqual([0, 12]);
  const one = await run("audit verify-proof proofs/bank-0005-receipt.tlog-proof --trust trust");
  expect([one.code, one.stdout.split("\n")[0]]).toEqual([
    0,
    "VERIFIED: the entry is in the log, under a checkpoint that another party cosigned.",
  ]);
  expect(one.stdout).toContain(JOB.jobDigest);
  const unknown = await run(`audit prove export --job ${"00".repeat(16)} --out nothing`);
  expect([unknown.code, unknown.stderr.includes("NOT_FOUND")]).toEqual([2, true]);
  const bytes = await readFile(join(folder, "proofs/bank-0005-receipt.tlog-proof"));
  await writeFile(join(folder, "proofs/changed"), bytes.toString().replace("index 5", "index 4"));
  expect((await run("audit verify-proof proofs/changed")).code).toBe(1);
});

test("wrong usage is 64, and is no verdict", async () => {
  for (const line of [
    "audit verify nowhere",
    "audit verify export --since trust",
    "audit verify-proof trust --keysets nowhere",
    "audit report export",
  ])
    expect((await run(line)).code, line).toBe(64);
});
