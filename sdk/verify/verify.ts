/** The offline verifier. Trusts no server and no clock; see README.md for its verbs. */
import type { Agreement } from "../../proto/agreement/agreement.ts";
import { collaborationOf } from "../../proto/agreement/identity.ts";
import { AGREEMENTS_FOLDER } from "../../proto/evidence/export.ts";
import type { OpeningKind } from "../../proto/evidence/opening-kinds.ts";
import { commitmentsIn, commitmentsOf, type MadeCommitment } from "../../proto/evidence/openings.ts";
import type { ParsedStatement } from "../../proto/evidence/statements.ts";
import { TILE_WIDTH } from "../../proto/evidence/tiles.ts";
import type { ChargedRun } from "../../proto/policy/history.ts";
import { compareClaims, compareCopies, compareJobs, cosignedSize, longestOf, requireCosigned } from "./agree.ts";
import { verifyAgreements, verifyRevocations } from "./agreements.ts";
import type { ReadFiles } from "./bundles.ts";
import { verifyEntry } from "./entries.ts";
import { exportsAt } from "./folders.ts";
import { verifyForks } from "./forks.ts";
import { type Keyring, verifyKeys } from "./keys.ts";
import { type ExportFolder, loadFolder } from "./load.ts";
import { type VerifiedLog, verifierKeys, verifyLogs } from "./log.ts";
import { type Openings, verifyOpenings } from "./openings.ts";
import { LogReplay } from "./replay.ts";
import { verifyNoteKey } from "./rotations.ts";
import { verifySince, verifyWitnessed } from "./since.ts";
import { sequencesOf } from "./successors.ts";
import { summariseJobs } from "./summary.ts";
import { verifyTimes } from "./times.ts";
import { type LogRecord, recordOf, type World } from "./trace.ts";
import { Findings, type Place, type VerifyReport } from "./verdict.ts";

export interface VerifyOptions {
  readonly files: ReadFiles;
  /** Identity fingerprints that the auditor got from somewhere else; any other identity in the folders is tampering. */
  readonly trust?: readonly string[] | undefined;
  /** Checkpoints that the auditor kept from earlier, as signed notes. */
  readonly since?: readonly Uint8Array[] | undefined;
  /** Whether commitments that their makers have not opened make the verdict incomplete. */
  readonly requireOpenings?: boolean | undefined;
  /** Told after each bundle of entries how many have been looked at, of how many in all logs. */
  readonly onEntries?: ((done: number, total: number) => void) | undefined;
}

/** A verification with what was seen on the way: for reports and proofs. */
export interface Examination extends World {
  readonly report: VerifyReport;
  readonly records: readonly LogRecord[];
  /** Charged runs by the log's origin, in order. */
  readonly runs: ReadonlyMap<string, readonly ChargedRun[]>;
}

/**
 * Verifies one or more exports together (each party exports its own log). A `dir` is an export, or a folder of exports.
 * Reads only below `dirs`; writes nothing. What is wrong with the folders is in the report, never thrown. Throws
 * BAD_REQUEST when `trust` holds no fingerprint, and when a file changes while it is being verified.
 */
export async function verifyFolders(dirs: readonly string[], options: VerifyOptions): Promise<VerifyReport> {
  return (await examineFolders(dirs, options)).report;
}

export async function examineFolders(dirs: readonly string[], options: VerifyOptions): Promise<Examination> {
  const { files, trust, since = [], requireOpenings = false, onEntries } = options;
  const findings = new Findings();
  const folders: ExportFolder[] = [];
  for (const dir of dirs) {
    for (const path of await exportsAt(files, dir, findings)) {
      const folder = await loadFolder(files, path, findings);
      if (folder !== undefined) folders.push(folder);
    }
  }
  const keyring = await verifyKeys(folders, trust, findings);
  const agreements = await verifyAgreements(folders, keyring, findings);
  const revocations = await verifyRevocations(folders, agreements, keyring, findings);
  const openings = await verifyOpenings(folders, findings);
  const forks = await verifyForks(folders, keyring, findings);
  const world: World = { agreements, revocations, keyring, openings, forks };
  const records: LogRecord[] = [];
  for (const folder of folders) records.push(...(await readLogs(folder, keyring, findings)));
  compareCopies(records, findings);
  const total = records.reduce((sum, { log }) => sum + log.tree.size, 0);
  let done = 0;
  const onEntry = () => {
    done++;
    if (done % TILE_WIDTH === 0 || done === total) onEntries?.(done, total);
  };
  const runs = new Map<string, readonly ChargedRun[]>();
  const commitments = new Commitments(openings);
  for (const folder of folders) commitments.countAgreements(folder, agreements);
  for (const sequence of sequencesOf(records)) {
    const [first, ...rest] = sequence as [LogRecord, ...LogRecord[]];
    const replay = new LogReplay(first, world, findings);
    for (const record of [first, ...rest]) {
      if (record !== first) replay.goOn(record);
      await replayEntries(record, replay, { commitments, world, findings, onEntry });
      for (const { path, ...note } of record.log.notes)
        verifyNoteKey(record, note, { folder: record.log.folder, path, log: record.log.origin }, findings);
      if (longestOf(records.filter(({ log }) => log.origin === record.log.origin)) === record)
        runs.set(record.log.origin, replay.policy.runs);
    }
    replay.finish();
  }
  for (const place of openings.unused())
    findings.report("OPENING_INVALID", place, "of no commitment in its party's log");
  const heads = compareClaims(records, keyring, findings);
  for (const record of records) {
    const { origin, cosigned } = record.log;
    verifyTimes(record, [...cosigned, ...(heads.get(origin) ?? [])], findings);
  }
  compareJobs(records, findings);
  const logs = [...Map.groupBy(records, ({ log }) => log.origin).values()];
  for (const copies of logs) requireCosigned(copies, witnessesOf(longestOf(copies), keyring), findings);
  for (const folder of folders) await verifyWitnessed(folder, records, keyring, findings);
  verifySince(since, records, keyring, findings);
  if (requireOpenings)
    for (const { kind, ...place } of commitments.notOpened) findings.report("NOT_OPENED", place, kind);
  if (dirs.length === 0) findings.report("NOTHING_TO_VERIFY", {});
  const report: VerifyReport = {
    verdict: findings.verdict,
    trusted: trust !== undefined,
    ...(findings.first === undefined ? {} : { firstProblem: findings.first }),
    problems: findings.problems,
    problemCount: findings.count,
    commitments: {
      opened: commitments.opened,
      notOpenedCount: commitments.notOpenedCount,
      notOpened: commitments.notOpened,
    },
    summary: {
      logs: records.map((record) => ({
        origin: record.log.origin,
        entries: record.log.tree.size,
        cosignedSize: cosignedSize([record], witnessesOf(record, keyring)),
        keys: verifierKeys(record.log.owner, keyring),
      })),
      jobs: summariseJobs(records, openings),
    },
    fingerprints: keyring.fingerprints(),
  };
  return { ...world, report, records, runs };
}

async function readLogs(folder: ExportFolder, keyring: Keyring, findings: Findings): Promise<LogRecord[]> {
  const { exportingParty, collaboration } = folder.manifest;
  const parties = partiesOf(collaboration, keyring);
  if (parties.length === 0)
    findings.report("KEYSET_INVALID", { folder: folder.folder }, "no keysets of the parties of this collaboration");
  const logs = await verifyLogs(folder, keyring, findings);
  if (!logs.some(({ owner }) => owner === exportingParty))
    findings.report("NOTHING_TO_VERIFY", { folder: folder.folder });
  return logs.map((log) => recordOf(log, parties.includes(log.owner)));
}

/** A collaboration's id is a digest of its parties' names: it says itself who they are. */
function partiesOf(collaboration: string, keyring: Keyring): string[] {
  const names = keyring.parties;
  for (const [i, a] of names.entries())
    for (const b of names.slice(i + 1)) if (collaborationOf([a, b]) === collaboration) return [a, b];
  return [];
}

/** Whose cosignatures a log needs: every other party's. */
function witnessesOf({ log }: LogRecord, keyring: Keyring): string[] {
  return partiesOf(log.collaboration, keyring).filter((party) => party !== log.owner);
}

async function replayEntries(
  { log }: LogRecord,
  replay: LogReplay,
  {
    commitments,
    world: { keyring },
    findings,
    onEntry,
  }: {
    readonly commitments: Commitments;
    readonly world: World;
    readonly findings: Findings;
    readonly onEntry: () => void;
  },
): Promise<void> {
  const owner = { party: log.owner, keyring, placeFor: (entry: ParsedStatement) => replay.keys.placeFor(entry) };
  let index = 0;
  for await (const bytes of log.entries()) {
    const entry = verifyEntry(bytes, index, owner);
    if (typeof entry === "string") findings.report(entry, { folder: log.folder, log: log.origin, index });
    else {
      replay.apply(entry);
      commitments.count(entry, log);
    }
    index++;
    onEntry();
  }
}

const MAX_NOT_OPENED = 1000;

/** The commitments that logs' owners made, each once. */
class Commitments {
  readonly #openings: Openings;
  readonly #seen = new Set<string>();
  opened = 0;
  notOpenedCount = 0;
  readonly notOpened: (Place & { readonly kind: OpeningKind })[] = [];

  constructor(openings: Openings) {
    this.#openings = openings;
  }

  /** Those to tier bounds, as far as their maker's own export is here. */
  countAgreements({ folder, manifest }: ExportFolder, agreements: ReadonlyMap<string, Agreement>): void {
    const { collaboration, exportingParty } = manifest;
    for (const agreement of agreements.values())
      if (agreement.collaboration === collaboration)
        for (const made of commitmentsOf(agreement.document))
          if (made.by === exportingParty)
            this.#count(made, { folder, path: `${AGREEMENTS_FOLDER}${agreement.digest}.json` });
  }

  count(entry: Parameters<typeof commitmentsIn>[0] & { readonly index: number }, log: VerifiedLog): void {
    const place = { folder: log.folder, log: log.origin, index: entry.index };
    for (const made of commitmentsIn(entry, log.owner)) if (made.by === log.owner) this.#count(made, place);
  }

  #count(made: MadeCommitment, place: Place): void {
    const name = `${made.by}/${made.commitment}`;
    if (this.#seen.has(name)) return;
    this.#seen.add(name);
    if (this.#openings.find(made) !== undefined) this.opened++;
    else if (this.notOpenedCount++ < MAX_NOT_OPENED) this.notOpened.push({ ...place, kind: made.kind });
  }
}
