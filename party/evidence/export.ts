/** The folder for an auditor: this node's logs of a collaboration with their openings, the coordinator's log, every keyset,
 * agreements and revocations, how far this node has cosigned the others' logs, and the forks that it has seen. */
import { readAgreement } from "../../proto/agreement/agreement.ts";
import { utf8 } from "../../proto/encoding/bytes.ts";
import { decodeEnvelope, type Envelope } from "../../proto/encoding/dsse.ts";
import { EntenteError } from "../../proto/errors.ts";
import { parseCheckpointBody } from "../../proto/evidence/checkpoint.ts";
import { exportBundle } from "../../proto/evidence/export.ts";
import type { EvidenceLog, LogFile } from "../../proto/evidence/log.ts";
import { parseNote } from "../../proto/evidence/note.ts";
import { commitmentsIn, commitmentsOf, type MadeCommitment, type Opening } from "../../proto/evidence/openings.ts";
import { parseStatement } from "../../proto/evidence/statements.ts";
import type { CollaborationId } from "../../proto/ids.ts";
import type { CoordinatorLink } from "../coordinator-link/link.ts";
import type { Store } from "../store/store.ts";
import type { Forks } from "./forks.ts";
import { exportedKeysets, type KeysetSources } from "./keysets.ts";
import type { Logbook } from "./logbook.ts";

export interface EvidenceSources extends KeysetSources {
  readonly store: Store;
  readonly logbook: Logbook;
  readonly forks: Forks;
  /** What this node kept of a commitment (hex). */
  readonly vault: { opening(commitment: string): Promise<Opening["opened"]> };
}

interface ExportedLog {
  readonly log: EvidenceLog;
  readonly files: readonly LogFile[];
}

/** Throws NOT_FOUND when this node has no agreement in that collaboration. */
export async function exportEvidence(sources: EvidenceSources, collaboration: CollaborationId): Promise<LogFile[]> {
  const { keyring, store, logbook, link, enrolled, forks } = sources;
  let records = await agreementsOf(store, collaboration);
  if (records.length === 0) throw new EntenteError("NOT_FOUND", { detail: "collaboration" });
  // First: what an entry names is in the store by the time that it is looked for there.
  const logs: ExportedLog[] = [];
  for (const log of await logbook.logs(collaboration)) logs.push({ log, files: await log.exportFiles() });
  records = await agreementsOf(store, collaboration);
  const agreements = records.map((record) => decodeEnvelope(utf8(record.envelope)));
  const parties = new Set(
    agreements.flatMap((envelope) => readAgreement(envelope.payload).document.parties.map((party) => party.name)),
  );
  const complete = agreements.filter((envelope) => envelope.signatures.length === parties.size);
  const others = [...parties].filter((party) => party !== keyring.party);
  const keysets = await exportedKeysets(sources, others);
  const digests = new Set(records.map(({ digest }) => digest));
  const revocations = (await store.revocations()).filter(({ agreement }) => digests.has(agreement));
  const witnessed = [];
  for (const party of [...others, enrolled.coordinator]) {
    for (const record of await store.witnesses(`${party}/${collaboration}`))
      witnessed.push({ origin: record.origin, note: utf8(record.note) });
  }
  return exportBundle({
    collaboration,
    exportingParty: keyring.party,
    keysets,
    agreements: complete,
    revocations: revocations.map(({ envelope }) => decodeEnvelope(utf8(envelope))),
    openings: await ownOpenings(sources, logs, complete),
    witnessed,
    forks: (await forks.list(collaboration)).map(({ bytes }) => bytes),
    logs: [
      ...logs.map(({ log, files }) => ({ origin: log.origin, files })),
      ...(await coordinatorLog(link, collaboration)),
    ],
  });
}

async function agreementsOf(store: Store, collaboration: CollaborationId) {
  return (await store.agreements()).filter((record) => record.collaboration === collaboration);
}

function checkpointOf(files: readonly LogFile[]): ReturnType<typeof parseCheckpointBody> {
  const checkpoint = files.find(({ path }) => path === "checkpoint");
  if (checkpoint === undefined) throw new EntenteError("WIRE_INVALID", { detail: "a log without a checkpoint" });
  return parseCheckpointBody(parseNote(checkpoint.bytes).text);
}

/** One for each commitment that this node made in those logs or in the agreements, opened where it still has salt and value. */
async function ownOpenings(
  { keyring, vault }: EvidenceSources,
  logs: readonly ExportedLog[],
  agreements: readonly Envelope[],
): Promise<Opening[]> {
  const openings = new Map<string, Opening>();
  const put = async ({ by, kind, commitment }: MadeCommitment) => {
    if (by !== keyring.party || openings.has(commitment)) return;
    openings.set(commitment, { kind, commitment, opened: await vault.opening(commitment) });
  };
  for (const { payload } of agreements)
    for (const made of commitmentsOf(readAgreement(payload).document)) await put(made);
  for (const { log, files } of logs) {
    const { size } = checkpointOf(files);
    let index = 0;
    for await (const entry of log.entriesFrom(0)) {
      if (index++ >= size) break;
      for (const made of commitmentsIn(parseStatement(entry), keyring.party)) await put(made);
    }
  }
  return [...openings.values()];
}

/** The coordinator's log under the origin that its own checkpoint names: its year is that of its first entry. */
async function coordinatorLog(link: CoordinatorLink, collaboration: CollaborationId) {
  const files = await link.fetchLog(collaboration);
  return [{ origin: checkpointOf(files).origin, files }];
}
