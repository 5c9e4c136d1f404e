/** The offline verifier: load, keys, agreements, logs, entries, replay, agree. Trusts no server and no clock. */
import { KEYSETS_PATH, MANIFEST_PATH } from "../../proto/evidence/export.ts";
import type { Files } from "../../proto/ports/ports.ts";
import { agree, compareCopies, summariseJobs } from "./agree.ts";
import { verifyAgreements } from "./agreements.ts";
import { verifyEntries } from "./entries.ts";
import { verifyKeys } from "./keys.ts";
import { type ExportFolder, loadFolder } from "./load.ts";
import { verifyLogs } from "./log.ts";
import { type ReplayedLog, replay, type World } from "./replay.ts";
import { Findings, type VerifyReport } from "./verdict.ts";

export interface VerifyOptions {
  readonly files: Files;
  /** Identity fingerprints that the auditor got from somewhere else; any other identity in the folders is tampering. */
  readonly trust?: readonly string[] | undefined;
}

/**
 * Verifies one or more exports together (each party exports its own log). Reads only below `dirs`; writes nothing.
 * What is wrong with the folders is in the report, never thrown. Throws BAD_REQUEST when `trust` holds no fingerprint.
 */
export async function verifyFolders(dirs: readonly string[], { files, trust }: VerifyOptions): Promise<VerifyReport> {
  const findings = new Findings();
  const folders: ExportFolder[] = [];
  for (const dir of dirs) {
    const folder = await loadFolder(files, dir, findings);
    if (folder === undefined) continue;
    folders.push(folder);
    reportMisplaced(folder, findings);
  }
  const keyring = verifyKeys(folders, trust, findings);
  const agreements = verifyAgreements(folders, keyring, findings);
  const logs: ReplayedLog[] = [];
  for (const folder of folders) {
    for (const log of await verifyLogs(folder, keyring, findings))
      logs.push({ log, entries: verifyEntries(log, keyring, findings) });
    const { exportingParty } = folder.manifest;
    if (!logs.some(({ log }) => log.folder === folder.folder && log.owner === exportingParty))
      findings.report("NOTHING_TO_VERIFY", { folder: folder.folder });
  }
  const world: World = { logs, agreements, keyring };
  compareCopies(logs, findings);
  for (const log of logs) replay(log, world, findings);
  agree(logs, findings);
  if (dirs.length === 0) findings.report("NOTHING_TO_VERIFY", {});
  return {
    verdict: findings.verdict,
    trusted: trust !== undefined,
    ...(findings.first === undefined ? {} : { firstProblem: findings.first }),
    problems: findings.problems,
    summary: {
      logs: logs.map(({ log }) => ({
        origin: log.origin,
        entries: log.entries.length,
        cosignedSize: log.cosignedSize,
      })),
      jobs: summariseJobs(logs),
    },
    fingerprints: keyring.fingerprints(),
  };
}

/** A file that the manifest lists and no verb looks at would be vouched for without having been verified. */
function reportMisplaced({ folder, files }: ExportFolder, findings: Findings): void {
  for (const path of files.keys()) {
    const isKnown =
      [KEYSETS_PATH, MANIFEST_PATH].includes(path) || /^(?:agreements\/[^/]+|logs\/[^/]+\/.+)$/.test(path);
    if (!isKnown) findings.report("FILE_EXTRA", { folder, path });
  }
}
