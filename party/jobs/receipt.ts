/**
 * Receipt 1: one statement, signed by both nodes before the gate opens, that says what was run. Each builds it from what
 * it knows itself; only the other side's commitment, last cosigned head and the time are taken from the other.
 */

import type { Agreement } from "../../proto/agreement/agreement.ts";
import { AGGREGATE_OUTPUTS } from "../../proto/agreement/fields.ts";
import type { JobSpec } from "../../proto/agreement/job-spec.ts";
import { equalBytes, fromHex, toHex } from "../../proto/encoding/bytes.ts";
import type { Envelope } from "../../proto/encoding/dsse.ts";
import type { SigningKey } from "../../proto/encoding/ed25519.ts";
import { EntenteError } from "../../proto/errors.ts";
import type { TreeHead } from "../../proto/evidence/checkpoint.ts";
import type { EVIDENCE_PROTOCOLS, PredicateInput, Receipt } from "../../proto/evidence/predicates.ts";
import {
  assembleEntry,
  parseStatement,
  STATEMENT_PAYLOAD_TYPE,
  signStatement,
  statementPayload,
  verifyStatement,
} from "../../proto/evidence/statements.ts";
import type { Clock } from "../../proto/ports/ports.ts";
import type { Channel } from "../session/channel.ts";
import type { Peer } from "../session/peers.ts";
import { alignmentOf } from "../session/protocols.ts";

/** What both nodes know alike when the last partition is finished. */
export interface ReceiptFacts {
  readonly spec: JobSpec;
  readonly agreement: Agreement;
  readonly jobDigest: string;
  readonly parametersDigest: string;
  readonly protocolVersion: number;
  readonly senderSizeClass: number;
  /** Tag of the provider's dataset version, hex; the receiver's stands in the spec. */
  readonly providerVersion: string;
  /** Of every attempt that finished a partition, what both ends saw. */
  readonly attempts: readonly FinishedAttempt[];
}

type ReceiptAttempt = PredicateInput<"receipt">["attempts"][number];
export type FinishedAttempt = Omit<ReceiptAttempt, "gateKeyHash">;

export interface OwnPart {
  readonly inputCommitment: Uint8Array;
  /** This node's own log, as the peer cosigned it last. */
  readonly lastCosigned: TreeHead | undefined;
  /** The receiver's, of aggregate outputs. */
  readonly sketchCommitment: Uint8Array | undefined;
}

interface Parts {
  readonly receiver: OwnPart;
  readonly sender: OwnPart;
}

interface Claims {
  readonly finishedAt: string;
  /** Hex, one for each attempt: only the sender knows the keys before the gate opens. */
  readonly gateKeyHashes: readonly string[];
}

function payloadOf(facts: ReceiptFacts, parts: Parts, { finishedAt, gateKeyHashes }: Claims): Uint8Array<ArrayBuffer> {
  const { spec } = facts;
  return statementPayload(
    "receipt",
    [
      { name: "job", digest: { sha256: facts.jobDigest } },
      { name: "agreement", digest: { sha256: spec.agreement } },
    ],
    {
      job: { jobId: spec.jobId, jobDigest: facts.jobDigest },
      agreementDigest: spec.agreement,
      operation: spec.operation,
      output: spec.output,
      modelVersion: spec.model?.commitment ?? null,
      ...segmentOf(spec),
      ...releasedBy(spec),
      protocol: { name: protocolOf(spec), parametersDigest: facts.parametersDigest, version: facts.protocolVersion },
      parties: { receiver: spec.receiver, sender: spec.provider },
      sizeClasses: { receiver: spec.receiverSizeClass, sender: facts.senderSizeClass },
      inputCommitments: {
        receiver: toHex(parts.receiver.inputCommitment),
        sender: toHex(parts.sender.inputCommitment),
      },
      datasetVersions: { receiver: spec.receiverVersion, sender: facts.providerVersion },
      sketchCommitment: parts.receiver.sketchCommitment === undefined ? null : toHex(parts.receiver.sketchCommitment),
      attempts: facts.attempts.map((attempt, i) => ({ ...attempt, gateKeyHash: gateKeyHashes[i] as string })),
      lastCosigned: { receiver: parts.receiver.lastCosigned ?? null, sender: parts.sender.lastCosigned ?? null },
      finishedAt,
    },
  );
}

/** The provider's segment, as evidence names it. */
export function segmentOf({ providerSegment }: Pick<JobSpec, "providerSegment">): Pick<JobSpec, "providerSegment"> {
  return providerSegment === undefined ? {} : { providerSegment };
}

/** The columns that leave in clear, as evidence names them. */
export function releasedBy({ labels }: Pick<JobSpec, "labels">): { readonly releasedColumns?: string[] } {
  return labels === undefined ? {} : { releasedColumns: labels.map(({ name }) => name) };
}

/** A score is named by its scoring; the PSI under it stands in the agreement, and in the digest of the parameters. */
/** What aligned the people of a shared score is the news in it; of others with a model, what scored them. */
function protocolOf(spec: JobSpec): (typeof EVIDENCE_PROTOCOLS)[number] {
  if (spec.model === undefined || spec.alignment === "shared") return alignmentOf(spec);
  return `score-${spec.model.kind}`;
}

interface ExchangeInput {
  readonly channel: Channel;
  readonly facts: ReceiptFacts;
  readonly own: OwnPart;
  readonly jobsKey: SigningKey;
  readonly peer: Peer;
  readonly clock: Clock;
  readonly timeoutMs: number;
  /** Whether this node has cosigned that head of the peer's log. */
  hasCosigned(head: TreeHead): Promise<boolean>;
}

/** How far the two nodes' clocks may be apart. */
const CLOCK_SKEW_MS = 600_000;

/** What this node signs of the other's word must be what it knows. Throws RECEIPT_MISMATCH. */
async function checkClaims({ hasCosigned, peer, facts }: ExchangeInput, head: TreeHead | undefined): Promise<void> {
  const { collaboration } = facts.agreement;
  const isKnown =
    head === undefined || (head.origin.startsWith(`${peer.party}/${collaboration}/`) && (await hasCosigned(head)));
  if (!isKnown) throw new EntenteError("RECEIPT_MISMATCH", { detail: "last cosigned head" });
}

/** The receiver commits to the sketch of its list exactly when the output is an aggregate. */
function checkSketch({ output }: JobSpec, { sketchCommitment }: OwnPart): void {
  if (AGGREGATE_OUTPUTS.includes(output) !== (sketchCommitment !== undefined))
    throw new EntenteError("RECEIPT_MISMATCH", { detail: "sketch of the receiver's list" });
}

function checkTime({ clock, facts }: ExchangeInput, finishedAt: string): void {
  const { validFrom, validUntil } = facts.agreement.document;
  const isNear = Math.abs(Date.parse(finishedAt) - clock.nowMs()) <= CLOCK_SKEW_MS;
  if (!isNear || finishedAt < validFrom || finishedAt > validUntil)
    throw new EntenteError("RECEIPT_MISMATCH", { detail: "time" });
}

/** The log entry, and what of it only the sender knew before. */
export interface SignedReceipt extends Claims {
  readonly entry: Uint8Array<ArrayBuffer>;
}

/** The sender proposes: the receiver's part arrives, the sender signs, the receiver signs back. */
export async function proposeReceipt(input: ExchangeInput & { readonly claims: Claims }): Promise<SignedReceipt> {
  const { channel, facts, own, jobsKey, peer, timeoutMs } = input;
  const part = await channel.hear(timeoutMs, "receiptPart");
  const receiver: OwnPart = {
    inputCommitment: part.inputCommitment,
    lastCosigned: part.lastCosigned && { ...part.lastCosigned, root: toHex(part.lastCosigned.root) },
    sketchCommitment: part.sketchCommitment,
  };
  checkSketch(facts.spec, receiver);
  await checkClaims(input, receiver.lastCosigned);
  const payload = payloadOf(facts, { receiver, sender: own }, input.claims);
  const ownSignature = signStatement(payload, jobsKey);
  await channel.say({
    kind: "receiptSignature",
    envelope: { payloadType: STATEMENT_PAYLOAD_TYPE, payload, signatures: [ownSignature] },
  });
  const reply = await channel.hear(timeoutMs, "receiptSignature");
  return { entry: assemble(payload, reply.envelope, ownSignature, peer), ...input.claims };
}

/** The receiver's half; also returns the hashes that the gate keys must have. Throws RECEIPT_MISMATCH when the sender
 * describes the job otherwise than this node. */
export async function acceptReceipt(input: ExchangeInput): Promise<SignedReceipt> {
  const { channel, facts, own, jobsKey, peer, timeoutMs } = input;
  const lastCosigned = own.lastCosigned && { ...own.lastCosigned, root: Uint8Array.fromHex(own.lastCosigned.root) };
  const { inputCommitment, sketchCommitment } = own;
  await channel.say({ kind: "receiptPart", inputCommitment, sketchCommitment, lastCosigned });
  const { envelope } = await channel.hear(timeoutMs, "receiptSignature");
  const { inputCommitments, lastCosigned: heads, finishedAt, attempts } = readReceipt(envelope);
  const gateKeyHashes = attempts.map((attempt) => attempt.gateKeyHash);
  if (gateKeyHashes.length !== facts.attempts.length) throw new EntenteError("RECEIPT_MISMATCH");
  const sender: OwnPart = {
    inputCommitment: fromHex(inputCommitments.sender),
    lastCosigned: heads.sender ?? undefined,
    sketchCommitment: undefined,
  };
  await checkClaims(input, sender.lastCosigned);
  checkTime(input, finishedAt);
  const payload = payloadOf(facts, { receiver: own, sender }, { finishedAt, gateKeyHashes });
  if (!equalBytes(payload, envelope.payload)) throw new EntenteError("RECEIPT_MISMATCH");
  const ownSignature = signStatement(payload, jobsKey);
  const entry = assemble(payload, envelope, ownSignature, peer);
  await channel.say({
    kind: "receiptSignature",
    envelope: { payloadType: STATEMENT_PAYLOAD_TYPE, payload, signatures: [ownSignature] },
  });
  return { entry, gateKeyHashes, finishedAt };
}

/** What the sender proposed, when it is of a receipt's form. Throws RECEIPT_MISMATCH. */
function readReceipt({ payload, signatures }: Envelope): Receipt {
  try {
    const { event, statement } = parseStatement(assembleEntry(payload, signatures));
    if (event === "receipt") return statement.predicate;
  } catch (cause) {
    throw new EntenteError("RECEIPT_MISMATCH", { cause });
  }
  throw new EntenteError("RECEIPT_MISMATCH");
}

function assemble(
  payload: Uint8Array,
  theirs: Envelope,
  ownSignature: Envelope["signatures"][number],
  peer: Peer,
): Uint8Array<ArrayBuffer> {
  const key = peer.key("jobs");
  const [signature] = theirs.signatures;
  if (!equalBytes(theirs.payload, payload)) throw new EntenteError("RECEIPT_MISMATCH");
  if (theirs.signatures.length !== 1 || signature === undefined)
    throw new EntenteError("SIGNATURE_INVALID", { detail: "receipt" });
  verifyStatement(theirs, key);
  return assembleEntry(payload, [ownSignature, signature]);
}
