/** Two parties with keys, an agreement and logs, who run one scripted job and export what they logged. */
import { type Agreement, makeAgreement, mergeSignatures, signAgreement } from "../../proto/agreement/agreement.ts";
import { type Keyset, signKeyset } from "../../proto/agreement/keyset.ts";
import { toHex } from "../../proto/encoding/bytes.ts";
import type { Envelope } from "../../proto/encoding/dsse.ts";
import { type SigningKey, signingKey } from "../../proto/encoding/ed25519.ts";
import { digestOf, domainHash, sha256 } from "../../proto/encoding/sha256.ts";
import { type CosignedHead, cosign, cosignedHead } from "../../proto/evidence/cosignature.ts";
import { exportBundle, manifestBytes } from "../../proto/evidence/export.ts";
import { EvidenceLog, type LogFile } from "../../proto/evidence/log.ts";
import { encodeNote, encodeSignatureLine } from "../../proto/evidence/note.ts";
import type { PredicateInput } from "../../proto/evidence/predicates.ts";
import { assembleEntry, signStatement, statementEntry, statementPayload } from "../../proto/evidence/statements.ts";
import { decide } from "../../proto/evidence/witness.ts";
import { type PartyId, partyId } from "../../proto/ids.ts";
import { MemoryFiles } from "./memory-files.ts";

export const AT = "2026-05-01T00:00:00.000Z";
const ROLES = ["identity", "session", "jobs", "log", "cosigner"] as const;
type Role = (typeof ROLES)[number];

export function testKey(party: string, role: Role): SigningKey {
  return signingKey(`${party}/${role}`, domainHash("test key", new TextEncoder().encode(`${party}/${role}`)));
}

/** A value that stands for a digest or commitment in a statement. */
export function testHash(label: string): string {
  return toHex(sha256(new TextEncoder().encode(label)));
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
  };
  return { name: partyId(name), keys, keyset: signKeyset(keyset, identity) };
}

export const BANK = testParty("bank");
export const PARTNER = testParty("partner");

export const AGREEMENT: Agreement = makeAgreement({
  format: "entente-agreement/1",
  title: "Joint audience",
  purpose: "Test of the evidence",
  parties: [BANK, PARTNER].map(({ name, keys }) => ({ name, identity: toHex(keys.identity.publicKey) })),
  datasets: [BANK, PARTNER].map(({ name }) => ({
    party: name,
    name: "customers",
    normaliser: "trimmed",
    columns: [{ name: "phone", role: "id" }],
  })),
  operations: [
    {
      operation: "audience",
      receiver: "bank",
      receiverDataset: "customers",
      providerDataset: "customers",
      protocol: "psi-dh",
    },
  ],
  minimumInput: 1000,
  minimumResult: 100,
  validFrom: "2026-01-01T00:00:00.000Z",
  validUntil: "2026-12-01T00:00:00.000Z",
});
const SIGNED_AGREEMENT = mergeSignatures(
  signAgreement(AGREEMENT, BANK.keys.identity),
  signAgreement(AGREEMENT, PARTNER.keys.identity),
);

export function originOf(party: TestParty): string {
  return `${party.name}/${AGREEMENT.collaboration}/2026`;
}

export const JOB = { jobId: testHash("job id").slice(0, 32), jobDigest: testHash("job") };
export const ABOUT_JOB = [{ name: "job" as const, digest: { sha256: JOB.jobDigest } }];
const REQUEST = { ...JOB, agreementDigest: AGREEMENT.digest };

export function receiptOf(overrides: Partial<PredicateInput<"receipt">> = {}): PredicateInput<"receipt"> {
  return {
    job: JOB,
    agreementDigest: AGREEMENT.digest,
    operation: "audience",
    protocol: { name: "psi-dh", parametersDigest: testHash("parameters"), version: 1 },
    parties: { receiver: "bank", sender: "partner" },
    sizeClasses: { receiver: 80, sender: 96 },
    inputCommitments: { receiver: testHash("in bank"), sender: testHash("in partner") },
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
  const signature = cosign(decision.body, witness.keys.cosigner, 1_777_600_000);
  await log.addCosignature(encodeSignatureLine(signature), { size: log.size, cosigner: witness.keys.cosigner });
  return cosignedHead(decision.next, signature);
}

type Step = "requests" | "receipt" | "cosign" | "release" | "opened" | "tags" | "final cosign";

export interface Heads {
  readonly receiver: CosignedHead;
  readonly sender: CosignedHead;
}

export interface Script {
  /** Steps to leave out, to make a story that must not verify. */
  readonly without?: readonly Step[];
  readonly receipt?: Partial<PredicateInput<"receipt">>;
  /** What the release entries say of the heads instead of the truth. */
  readonly heads?: (heads: Heads) => Heads;
  /** The peers cosign before the receipt, not after. */
  readonly cosignEarly?: boolean;
  /** Entries before the job, so that the log has more than one tile. */
  readonly padding?: number;
}

export interface Exports {
  readonly files: MemoryFiles;
  readonly dirs: readonly [string, string];
}

/** Runs the job of this module and exports the two logs to `/export/bank` and `/export/partner`. */
export async function runJob({
  without = [],
  receipt = {},
  padding = 0,
  heads = (same) => same,
  cosignEarly = false,
}: Script = {}): Promise<Exports> {
  const files = new MemoryFiles();
  const open = (party: TestParty) =>
    EvidenceLog.open({ files, folder: `/node/${party.name}`, origin: originOf(party), key: party.keys.log });
  const [bank, partner] = [await open(BANK), await open(PARTNER)];
  const does = (step: Step) => !without.includes(step);
  const padded = Array.from({ length: padding }, (_, i) =>
    statementEntry(
      "dataset-registered",
      [{ name: "dataset", digest: { sha256: testHash(`dataset ${i}`) } }],
      { datasetCommitment: testHash(`dataset ${i}`), at: AT },
      BANK.keys.jobs,
    ),
  );
  if (padding > 0) await bank.append(padded);
  if (does("requests")) {
    const request = { ...REQUEST, operation: "audience" as const, requester: "bank", at: AT };
    await bank.append([statementEntry("job-requested", ABOUT_JOB, request, BANK.keys.jobs)]);
    const decision = { ...REQUEST, decision: "allowed" as const, rules: [], budget: null, at: AT };
    await partner.append([statementEntry("policy-decision", ABOUT_JOB, decision, PARTNER.keys.jobs)]);
  }
  const payload = statementPayload("receipt", ABOUT_JOB, receiptOf(receipt));
  const entry = assembleEntry(payload, [
    signStatement(payload, PARTNER.keys.jobs),
    signStatement(payload, BANK.keys.jobs),
  ]);
  const receiptDigest = digestOf(entry);
  const cosignBoth = async (): Promise<Heads> => ({
    receiver: await cosignBy(bank, BANK, PARTNER),
    sender: await cosignBy(partner, PARTNER, BANK),
  });
  const early = cosignEarly ? await cosignBoth() : undefined;
  if (does("receipt")) for (const log of [bank, partner]) await log.append([entry]);
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
        outputCommitment: testHash("out"),
        outputSizeClass: null,
        tags: { commitment: testHash("tags"), expiresAt: AT },
        receiver: "bank",
      };
      await bank.append([statementEntry("opened", ABOUT_JOB, opened, BANK.keys.jobs)]);
    }
  }
  if (does("tags")) {
    const tags = { tagsCommitment: testHash("tags"), expiresAt: "2026-12-01T00:00:00.000Z", at: AT };
    const issued = { jobId: JOB.jobId, agreementDigest: AGREEMENT.digest, ...tags };
    await bank.append([statementEntry("tags-issued", ABOUT_JOB, issued, BANK.keys.jobs)]);
  }
  if (does("final cosign")) await cosignBy(bank, BANK, PARTNER);
  await exportTo(files, "/export/bank", BANK, bank);
  await exportTo(files, "/export/partner", PARTNER, partner);
  return { files, dirs: ["/export/bank", "/export/partner"] };
}

async function exportTo(files: MemoryFiles, dir: string, party: TestParty, log: EvidenceLog): Promise<void> {
  const bundle = exportBundle({
    collaboration: AGREEMENT.collaboration,
    exportingParty: party.name,
    keysets: [BANK, PARTNER].map(({ name, keys, keyset }) => ({
      party: name,
      identity: keys.identity.publicKey,
      envelope: keyset,
    })),
    agreements: [SIGNED_AGREEMENT],
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
