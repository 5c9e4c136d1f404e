/**
 * `npm run bench -- evidence [--entries N] [--batch N] [--dir FOLDER]`: a log of random entries of 300 bytes on disk.
 * Prints one JSON line each for appending (with fsync, in batches), for rebuilding the tree and comparing it with all
 * tiles, for verifying the export's files and tree (both in processes of their own, with their peak memory), and for
 * verifying signed statements. `--dir` names a place on the disk that is meant: a temporary folder may be in memory.
 */
import { execFile } from "node:child_process";
import { randomFillSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import { equalBytes } from "../../proto/encoding/bytes.ts";
import { parseCheckpointBody } from "../../proto/evidence/checkpoint.ts";
import { exportBundle, logFolder, manifestBytes } from "../../proto/evidence/export.ts";
import { EvidenceLog, type LogFile } from "../../proto/evidence/log.ts";
import { parseNote } from "../../proto/evidence/note.ts";
import { rebuild } from "../../proto/evidence/rebuild.ts";
import { nodePorts } from "../../proto/ports/node.ts";
import { Keyring, readHistories } from "../../sdk/verify/keys.ts";
import { loadFolder } from "../../sdk/verify/load.ts";
import { verifyLogs } from "../../sdk/verify/log.ts";
import { Findings } from "../../sdk/verify/verdict.ts";
import { verifyFolders } from "../../sdk/verify/verify.ts";
import { AGREEMENT, BANK, originOf, PARTNER, runJob } from "../support/evidence-world.ts";

const ENTRY_BYTES = 300;
const SIGNED_ENTRIES = 10_000;
const run = promisify(execFile);
const { files } = nodePorts;
const { values } = parseArgs({
  args: process.argv.slice(3),
  options: {
    entries: { type: "string", default: "1000000" },
    batch: { type: "string", default: "8192" },
    dir: { type: "string", default: tmpdir() },
    phase: { type: "string" },
  },
});

function line(what: string, startMs: number, figures: Record<string, number>): void {
  const seconds = (performance.now() - startMs) / 1000;
  const { entries = 0 } = figures;
  const perSecond = Math.round(entries / seconds);
  console.log(JSON.stringify({ what, ...figures, seconds: Number(seconds.toFixed(2)), perSecond }));
}

/** Peak resident set; the operating system's figure for children would include the parent's. */
function peakMB(): number {
  const peak = /VmHWM:\s+(\d+) kB/.exec(readFileSync("/proc/self/status", "utf8"));
  return Math.round(Number(peak?.[1]) / 1024);
}

const LOG = `logs/${logFolder(originOf(BANK))}`;

async function append(folder: string, count: number, batch: number): Promise<void> {
  const origin = originOf(BANK);
  const log = await EvidenceLog.open({ files, folder: join(folder, LOG), origin, key: BANK.keys.log });
  const pool = randomFillSync(new Uint8Array(ENTRY_BYTES * batch));
  const startMs = performance.now();
  for (let at = 0; at < count; at += batch) {
    const entries = Array.from({ length: Math.min(batch, count - at) }, (_, i) => {
      const entry = pool.subarray(i * ENTRY_BYTES, (i + 1) * ENTRY_BYTES);
      new DataView(entry.buffer, entry.byteOffset).setUint32(0, at + i);
      return entry;
    });
    await log.append(entries);
  }
  line("append, fsync in batches", startMs, { entries: count, batch });
  const own = await log.exportFiles();
  const identities = [BANK, PARTNER].map(({ name, keys, keyset }) => ({
    ...{ party: name, identity: keys.identity.publicKey, envelope: keyset },
  }));
  const content = { collaboration: AGREEMENT.collaboration, exportingParty: BANK.name, keysets: identities };
  const none = { agreements: [], revocations: [], forks: [], openings: [], witnessed: [], logs: [] };
  const beside = exportBundle({ ...content, ...none }).filter(({ path }) => path !== "manifest.json");
  const listed: LogFile[] = [...beside, ...own.map(({ path, bytes }) => ({ path: `${LOG}/${path}`, bytes }))];
  for (const { path, bytes } of [...beside, { path: "manifest.json", bytes: manifestBytes(content, listed) }])
    await files.writeDurable(join(folder, path), bytes);
}

async function rebuildTree(folder: string): Promise<void> {
  const startMs = performance.now();
  const read = (path: string) => files.read(join(folder, LOG, path));
  const { size, root } = parseCheckpointBody(parseNote((await read("checkpoint")) as Uint8Array).text);
  const rebuilt = await rebuild(size, read);
  if (!("tree" in rebuilt) || !equalBytes(rebuilt.tree.root(), root)) throw new Error("the log does not verify");
  line("rebuild the tree, compare all tiles", startMs, { entries: size, peakMB: peakMB() });
}

async function verifyExport(folder: string): Promise<void> {
  const startMs = performance.now();
  const findings = new Findings();
  const loaded = await loadFolder(files, folder, findings);
  const keyring = new Keyring();
  for (const history of readHistories(await loaded?.read("keysets.json"))) if (history) keyring.add(history);
  const [log] = loaded === undefined ? [] : await verifyLogs(loaded, keyring, findings);
  let entries = 0;
  for await (const _ of log?.entries() ?? []) entries++;
  if (findings.count > 0 || log?.tree.size !== entries) throw new Error("the export does not verify");
  line("verify an export's files, tree and tiles, read its entries", startMs, { entries, peakMB: peakMB() });
}

/** Signatures, policy and all, on entries as nodes write them. */
async function verifySigned(): Promise<void> {
  const { files: made, dirs } = await runJob({ padding: SIGNED_ENTRIES });
  const startMs = performance.now();
  const { verdict, summary } = await verifyFolders(dirs, { files: made });
  if (verdict !== "verified") throw new Error("the signed entries do not verify");
  const entries = summary.logs.reduce((sum, log) => sum + log.entries, 0);
  line("verify signed entries, in memory", startMs, { entries });
}

if (values.phase === undefined) {
  const folder = await mkdtemp(join(values.dir, "entente-bench-"));
  try {
    await append(folder, Number(values.entries), Number(values.batch));
    for (const phase of ["rebuild", "verify", "signed"]) {
      const main = fileURLToPath(new URL("main.ts", import.meta.url));
      const { stdout } = await run(process.execPath, [main, "evidence", "--phase", phase, "--dir", folder]);
      process.stdout.write(stdout);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
} else if (values.phase === "rebuild") await rebuildTree(values.dir);
else if (values.phase === "verify") await verifyExport(values.dir);
else await verifySigned();
