/** Two parties with keys, an agreement and logs, who run one scripted job and export what they logged. */
import { type Agreement, makeAgreement, mergeSignatures, signAgreement } from "../../proto/agreement/agreement.ts";
import { type Keyset, signKeyset } from "../../proto/agreement/keyset.ts";
import { toHex } from "../../proto/encoding/bytes.ts";
import type { Envelope } from "../../proto/encoding/dsse.ts";
import { type SigningKey, signingKey } from "../../proto/encoding/ed25519.ts";
import { digestOf, domainHash } from "../../proto/encoding/sha256.ts";
import { type CosignedHead, cosign, cosignedHead } from "../../proto/evidence/cosignature.ts";
import { exportBundle, manifestBytes } from "../../proto/evidence/export.ts";
import { EvidenceLog, type LogFile } from "../../proto/evidence/log.ts";
import { encodeNote, encodeSignatureLine } from "../../proto/evidence/note.ts";
import type { OpeningKind } from "../../proto/evidence/opening-kinds.ts";
import {
  commitmentsIn,
  commitTo,
  type Opening,
  type OpeningValue,
  openingBytes,
} from "../../proto/evidence/openings.ts";
import type { PredicateInput } from "../../proto/evidence/predicates.ts";
import {
  assembleEntry,
  parseStatement,
  type Subject,
  signStatement,
  statementEntry,
  statementPayload,
} from "../../proto/evidence/statements.ts";
import { decide } from "../../proto/evidence/witness.ts";
import { type Digest, type PartyId, partyId } from "../../proto/ids.ts";
import { decide as decideJob, type JobRequest } from "../../proto/policy/rules.ts";
import { classRows } from "../../proto/size-class.ts";
import { MemoryFiles } from "./memory-files.ts";

export const AT = "2026-05-01T00:00:00.000Z";
const ROLES = ["identity", "session", "jobs", "log", "cosigner"] as const;
type Role = (typeof ROLES)[number];

export function testKey(party: string, role: Role): SigningKey {
  return signingKey(`${party}/${role}`, domainHash("test key", new TextEncoder().encode(`${party}/${role}`)));
}

/** A value that stands for a digest or commitment in a statement. */
export function testHash(label: string): Digest {
  return hashOf(label);
}

function hashOf(label: string): Digest {
  return digestOf(new TextEncoder().encode(label));
}

export interface TestParty {
  readonly name: PartyId;
  readonly keys: Readonly<Record<Role, SigningKey>>;
  readonly keyset: Envelope;
}

export function testParty(name: string): TestParty {
  const keys = Object.fromEntries(ROLES.map((role) => [role, testKey(name, role)])) as Record<Role, SigningKey>;
  const { session, jobs, log, cosigner, identity } = keys;
  const keyset: Keyset = {
    party: partyId(name),
    identity: identity.publicKey,
    validFrom: "2026-01-01T00:00:00.000Z",
    validUntil: "2027-01-01T00:00:00.000Z",
    keys: {
      session: session.publicKey,
      jobs: jobs.publicKey,
      log: log.publicKey,
      cosigner: cosigner.publicKey,
    },
    recovery: null,
  };
  return { name: partyId(name), keys, keyset: signKeyset(keyset, identity) };
}

export const BANK = testParty("bank");
export const PARTNER = testParty("partner");

export function agreementWith(
  changes: Record<string, unknown> = {},
  operation: Record<string, unknown> = {},
): Agreement {
  return makeAgreement({ ...draft(operation), ...changes });
}

const draft = (operation: Record<string, unknown>) => ({
  format: "entente-agreement/1",
  title: "Joint audience",
  purposes: [{ id: "test", text: "Test of the evidence", legalBasis: "None, nobody is concerned" }],
  parties: [BANK, PARTNER].map(({ name, keys }) => ({ name, identity: toHex(keys.identity.publicKey) })),
  datasets: [BANK, PARTNER].map(({ name }) => ({
    party: name,
    name: "customers",
    columns: [{ name: "phone", role: "id", normaliser: "opaque" }],
  })),
  operations: [
    {
      operation: "audience",
      receiver: "bank",
      receiverDataset: "customers",
      providerDataset: "customers",
      protocol: "psi-dh",
      ...operation,
    },
  ],
  validFrom: "2026-01-01T00:00:00.000Z",
  validUntil: "2026-12-01T00:00:00.000Z",
});

export const AGREEMENT: Agreement = agreementWith();

export function originOf(party: TestParty): string {
  return `${party.name}/${AGREEMENT.collaboration}/2026`;
}

export const JOB = { jobId: testHash("job id").slice(0, 32), jobDigest: testHash("job") };
export const ABOUT_JOB = [{ name: "job" as const, digest: { sha256: JOB.jobDigest } }];
/** What the job takes from the budgets, as the provider knows it. */
export const CHARGE = {
  operation: "audience" as const,
  output: "list" as const,
  receiver: "bank",
  provider: "partner",
  receiverDataset: "customers",
  providerDataset: "customers",
  modelVersion: null,
  featureBits: null,
  receiverVersion: testHash("version bank"),
  providerVersion: testHash("version partner"),
};

const SALT = domainHash("test salt", new Uint8Array());
/** What the parties open: the commitments in this module's entries are to these. */
export const COUNTS = { bank: 1000, partner: 3900, matched: 640 };

function openingOf<K extends OpeningKind>(kind: K, value: OpeningValue<K>): Opening {
  const commitment = toHex(commitTo(kind, value, SALT));
  return { kind, commitment, opened: { salt: SALT, value: openingBytes(kind, value) } };
}

export const OPENINGS = {
  bank: {
    input: openingOf("input", { datasetVersion: hashOf("bank file"), rows: COUNTS.bank, digest: hashOf("bank rows") }),
    output: openingOf("output", { matched: COUNTS.matched, digest: hashOf("matched rows") }),
    tags: openingOf("tags", { count: COUNTS.matched, digest: hashOf("tag lines") }),
    approver: openingOf("approver", { person: "Li Wei" }),
  },
  partner: {
    input: openingOf("input", {
      datasetVersion: hashOf("partner file"),
      rows: COUNTS.partner,
      digest: hashOf("p rows"),
    }),
    approver: openingOf("approver", { person: "Zhao Min" }),
  },
} as const;

export function receiptOf(overrides: Partial<PredicateInput<"receipt">> = {}): PredicateInput<"receipt"> {
  return {
    job: JOB,
    agreementDigest: AGREEMENT.digest,
    operation: "audience",
    output: "list",
    modelVersion: null,
    protocol: { name: "psi-dh", parametersDigest: testHash("parameters"), version: 1 },
    parties: { receiver: "bank", sender: "partner" },
    sizeClasses: { receiver: 80, sender: 96 },
    inputCommitments: { receiver: OPENINGS.bank.input.commitment, sender: OPENINGS.partner.input.commitment },
    datasetVersions: { receiver: CHARGE.receiverVersion, sender: CHARGE.providerVersion },
    sketchCommitment: null,
    attempts: [
      {
        attempt: 1,
        exporter: testHash("exporter"),
        transcriptHash: testHash("transcript"),
        gateKeyHash: testHash("gate"),
        partitions: [0, 1],
      },
    ],
    lastCosigned: { receiver: null, sender: null },
    finishedAt: AT,
    ...overrides,
  };
}

/** Has `witness` cosign the newest checkpoint of `log`, as the two nodes do in a control session. */
export async function cosignBy(log: EvidenceLog, owner: TestParty, witness: TestParty): Promise<CosignedHead> {
  const known = log.lastCosigned()?.head;
  const oldSize = known?.size ?? 0;
  const decision = decide(
    known,
    { oldSize, proof: log.consistencyProof(oldSize, log.size), checkpoint: encodeNote(log.checkpointNote()) },
    { origin: log.origin, key: owner.keys.log },
  );
  if (decision.kind === "refused") throw decision.error;
  const signature = cosign(decision.body, witness.keys.cosigner, Date.parse(AT) / 1000);
  await log.addCosignature(encodeSignatureLine(signature), { size: log.size, cosigner: witness.keys.cosigner });
  return cosignedHead(decision.next, signature);
}

type Step =
  | "signing"
  | "requests"
  | "decisions"
  | "partitions"
  | "receipt"
  | "cosign"
  | "release"
  | "opened"
  | "final cosign"
  | "openings";

export interface Heads {
  readonly receiver: CosignedHead;
  readonly sender: CosignedHead;
}

type Decision = PredicateInput<"policy-decision">;

export interface Script {
  /** Steps to leave out, to make a story that must not verify. */
  readonly without?: readonly Step[];
  readonly receipt?: Partial<PredicateInput<"receipt">>;
  readonly opened?: Partial<PredicateInput<"opened">>;
  /** What the release entries say of the heads instead of the truth. */
  readonly heads?: (heads: Heads) => Heads;
  /** The peers cosign before the receipt, not after. */
  readonly cosignEarly?: boolean;
  /** Entries before the job, so that the log has more than one tile. */
  readonly padding?: number;
  /** Of this agreement, not of the module's. */
  readonly agreement?: Agreement;
  /** What a party's decision says instead. */
  readonly decision?: (decision: Decision, party: string) => Decision;
  /** Entries before the decision, after it, or after everything; by their owner, who signs them. */
  readonly before?: (party: TestParty) => readonly Uint8Array[];
  readonly meanwhile?: (party: TestParty) => readonly Uint8Array[];
  readonly afterwards?: (party: TestParty) => readonly Uint8Array[];
  readonly openings?: (openings: readonly Opening[], party: string) => readonly Opening[];
  readonly revocations?: readonly Envelope[];
}

export interface Exports {
  readonly files: MemoryFiles;
  readonly dirs: readonly [string, string];
}

/** Both parties' signatures. */
export function signedByBoth(agreement: Agreement): Envelope {
  return mergeSignatures(signAgreement(agreement, BANK.keys.identity), signAgreement(agreement, PARTNER.keys.identity));
}

/** What the rules say of the job at a party's node when nothing ran before. */
function recordedRules(agreement: Agreement, party: TestParty, decision: Pick<Decision, "charge" | "at">) {
  const { modelVersion, featureBits, receiverVersion, providerVersion, ...pair } = decision.charge ?? CHARGE;
  const isReceiver = party === BANK;
  const classes = receiptOf().sizeClasses;
  const job: JobRequest = {
    ...pair,
    jobId: JOB.jobId,
    purpose: "test",
    tagDays: 30,
    protocol: "psi-dh",
    alignment: "hidden",
    role: isReceiver ? "receiver" : "provider",
    providerFeatures: [],
    ...(receiverVersion === null ? {} : { receiverVersion }),
    ...(providerVersion === null ? {} : { providerVersion }),
  };
  const facts = {
    nowMs: Date.parse(decision.at),
    ownRows: isReceiver ? COUNTS.bank : COUNTS.partner,
    state: "active" as const,
    ...(isReceiver ? {} : { peerMaxRows: classRows(classes.receiver) }),
  };
  return decideJob(agreement, job, [], facts).rules.map(({ code, outcome, inputs }) => ({
    code,
    outcome,
    inputs: { ...inputs },
  }));
}

/** A party's decision to allow the job, as its node would record it. */
export function decisionOf(party: TestParty, agreement: Agreement = AGREEMENT, at = AT): Decision {
  const charge = party === BANK ? { ...CHARGE, providerVersion: null } : CHARGE;
  const decision = { ...JOB, agreementDigest: agreement.digest, decision: "allowed" as const, charge, at };
  return { ...decision, rules: recordedRules(agreement, party, decision) };
}

/** Runs the job of this module and exports the two logs to `/export/bank` and `/export/partner`. */
export async function runJob(script: Script = {}): Promise<Exports> {
  const { without = [], padding = 0, heads = (same) => same, agreement = AGREEMENT } = script;
  const files = new MemoryFiles();
  const open = (party: TestParty) =>
    EvidenceLog.open({ files, folder: `/node/${party.name}`, origin: originOf(party), key: party.keys.log });
  const [bank, partner] = [await open(BANK), await open(PARTNER)];
  const logs = [
    [BANK, bank],
    [PARTNER, partner],
  ] as const;
  const does = (step: Step) => !without.includes(step);
  const append = async (log: EvidenceLog, entries: readonly Uint8Array[]) => {
    if (entries.length > 0) await log.append(entries);
  };
  const jobAndAgreement = { ...JOB, agreementDigest: agreement.digest };
  for (const [party, log] of logs) {
    const key = party.keys.jobs;
    const padded = Array.from({ length: party === BANK ? padding : 0 }, (_, i) =>
      statementEntry(
        "dataset-registered",
        [{ name: "dataset", digest: { sha256: testHash(`dataset ${i}`) } }],
        { datasetCommitment: testHash(`dataset ${i}`), at: AT },
        key,
      ),
    );
    await append(log, padded);
    if (does("signing")) {
      const signers = ["bank/identity", "partner/identity"];
      const signed = { agreementDigest: agreement.digest, supersedes: agreement.document.supersedes, signers, at: AT };
      await append(log, [statementEntry("agreement-signed", aboutAgreement(agreement), signed, key)]);
    }
    await append(log, script.before?.(party) ?? []);
    if (does("requests")) {
      const { operation, output } = CHARGE;
      const request = { ...jobAndAgreement, operation, output, purpose: "test", requester: "bank", at: AT };
      await append(log, [statementEntry("job-requested", ABOUT_JOB, request, key)]);
    }
    if (does("decisions")) {
      const decision = decisionOf(party, agreement);
      const told = script.decision?.(decision, party.name) ?? decision;
      await append(log, [statementEntry("policy-decision", ABOUT_JOB, told, key)]);
    }
    await append(log, script.meanwhile?.(party) ?? []);
    if (does("partitions"))
      for (const partition of [0, 1]) {
        const done = { jobId: JOB.jobId, attempt: 1, partition, transcriptHash: testHash("transcript"), at: AT };
        await append(log, [statementEntry("partition-finished", ABOUT_JOB, done, key)]);
      }
  }
  const payload = statementPayload(
    "receipt",
    ABOUT_JOB,
    receiptOf({ agreementDigest: agreement.digest, ...script.receipt }),
  );
  const entry = assembleEntry(payload, [
    signStatement(payload, PARTNER.keys.jobs),
    signStatement(payload, BANK.keys.jobs),
  ]);
  const receiptDigest = digestOf(entry);
  const cosignBoth = async (): Promise<Heads> => ({
    receiver: await cosignBy(bank, BANK, PARTNER),
    sender: await cosignBy(partner, PARTNER, BANK),
  });
  const early = script.cosignEarly ? await cosignBoth() : undefined;
  if (does("receipt")) for (const [, log] of logs) await log.append([entry]);
  if (does("cosign")) {
    const cosigned = heads(early ?? (await cosignBoth()));
    const about = { jobId: JOB.jobId, receiptDigest, cosigned, at: AT };
    if (does("release")) {
      const gates = { ...about, attempts: [{ attempt: 1, gateKeyHash: testHash("gate") }] };
      await partner.append([statementEntry("gate-key-released", ABOUT_JOB, gates, PARTNER.keys.jobs)]);
    }
    if (does("opened")) {
      const opened = {
        ...about,
        outputCommitment: OPENINGS.bank.output.commitment,
        outputSizeClass: 80,
        tags: { commitment: OPENINGS.bank.tags.commitment, expiresAt: "2026-05-31T00:00:00.000Z" },
        receiver: "bank",
        ...script.opened,
      };
      await bank.append([statementEntry("opened", ABOUT_JOB, opened, BANK.keys.jobs)]);
    }
  }
  for (const [party, log] of logs) await append(log, script.afterwards?.(party) ?? []);
  if (does("final cosign")) await cosignBoth();
  for (const [party, log] of logs) {
    const own = await openingsFor(party, log);
    const openings = does("openings") ? (script.openings?.(own, party.name) ?? own) : [];
    const extra = { agreement, openings, revocations: script.revocations ?? [] };
    await exportTo(files, `/export/${party.name}`, party, log, extra);
  }
  return { files, dirs: ["/export/bank", "/export/partner"] };
}

/** Of the commitments in the party's own log, as its node would export them. */
export async function openingsFor(party: TestParty, log: EvidenceLog): Promise<Opening[]> {
  const made = new Set<string>();
  for await (const entry of log.entriesFrom(0))
    for (const { by, commitment } of commitmentsIn(parseStatement(entry), party.name))
      if (by === party.name) made.add(commitment);
  return Object.values(OPENINGS[party.name as keyof typeof OPENINGS]).filter(({ commitment }) => made.has(commitment));
}

export function aboutAgreement({ digest }: Agreement): Subject {
  return [{ name: "agreement", digest: { sha256: digest } }];
}

interface Extra {
  readonly agreement: Agreement;
  readonly openings: readonly Opening[];
  readonly revocations: readonly Envelope[];
}

async function exportTo(
  files: MemoryFiles,
  dir: string,
  party: TestParty,
  log: EvidenceLog,
  { agreement, openings, revocations }: Extra,
): Promise<void> {
  const bundle = exportBundle({
    collaboration: AGREEMENT.collaboration,
    exportingParty: party.name,
    keysets: [BANK, PARTNER].map(({ name, keys, keyset }) => ({
      party: name,
      identity: keys.identity.publicKey,
      envelope: keyset,
    })),
    agreements: [signedByBoth(agreement)],
    revocations,
    openings,
    witnessed: [],
    forks: [],
    logs: [{ origin: log.origin, files: await log.exportFiles() }],
  });
  for (const { path, bytes } of bundle) files.contents.set(`${dir}/${path}`, bytes);
}

/** Writes the manifest of an export anew over what is there now: an attacker who knows the format. */
export function remakeManifest({ contents }: MemoryFiles, dir: string, party: TestParty): void {
  contents.delete(`${dir}/manifest.json`);
  const files: LogFile[] = [...contents]
    .filter(([path]) => path.startsWith(`${dir}/`))
    .map(([path, bytes]) => ({ path: path.slice(dir.length + 1), bytes }));
  const names = { collaboration: AGREEMENT.collaboration, exportingParty: party.name };
  contents.set(`${dir}/manifest.json`, manifestBytes(names, files));
}
