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

/** What each side keeps of the exchange: of a job one receipt exists, however often a session breaks off in it. */
export interface ReceiverKeeps {
  /** When this node said its part first: with another part it would be another receipt. Milliseconds since 1970. */
  readonly sinceMs: number;
  /** Makes the receipt durable, in the log, too, before the signature leaves: the receiver is never behind. */
  readonly keep: (receipt: SignedReceipt) => Promise<void>;
}

export interface SenderKeeps {
  /** What was proposed before, as this node signed it. */
  readonly proposed: Envelope | undefined;
  /** Makes the proposal durable before it leaves: no other is ever signed. */
  readonly keep: (proposal: Envelope) => Promise<void>;
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

/** The sender finished after this node had said that it has, which may be an attempt or two ago. */
function checkTime({ clock, facts, sinceMs }: ExchangeInput & ReceiverKeeps, finishedAt: string): void {
  const { validFrom, validUntil } = facts.agreement.document;
  const atMs = Date.parse(finishedAt);
  const isNear = atMs >= sinceMs - CLOCK_SKEW_MS && atMs <= clock.nowMs() + CLOCK_SKEW_MS;
  if (!isNear || finishedAt < validFrom || finishedAt > validUntil)
    throw new EntenteError("RECEIPT_MISMATCH", { detail: "time" });
}

/** The log entry, and what of it only the sender knew before. */
export interface SignedReceipt extends Claims {
  readonly entry: Uint8Array<ArrayBuffer>;
}

/** The sender proposes: the receiver's part arrives, the sender signs, the receiver signs back. What was proposed before is
 * proposed again. Throws RECEIPT_MISMATCH when it cannot be: the peer describes the job otherwise by now. */
export async function proposeReceipt(
  input: ExchangeInput & SenderKeeps & { readonly claims: Claims },
): Promise<SignedReceipt> {
  const { channel, facts, jobsKey, peer, timeoutMs, proposed } = input;
  const part = await channel.hear(timeoutMs, "receiptPart");
  const receiver: OwnPart = {
    inputCommitment: part.inputCommitment,
    lastCosigned: part.lastCosigned && { ...part.lastCosigned, root: toHex(part.lastCosigned.root) },
    sketchCommitment: part.sketchCommitment,
  };
  checkSketch(facts.spec, receiver);
  await checkClaims(input, receiver.lastCosigned);
  const { own, claims } = proposed === undefined ? input : saidBefore(proposed);
  const payload = payloadOf(facts, { receiver, sender: own }, claims);
  if (proposed !== undefined && !equalBytes(payload, proposed.payload))
    throw new EntenteError("RECEIPT_MISMATCH", { detail: "another receipt was proposed before" });
  const proposal = proposed ?? {
    payloadType: STATEMENT_PAYLOAD_TYPE,
    payload,
    signatures: [signStatement(payload, jobsKey)],
  };
  if (proposed === undefined) await input.keep(proposal);
  await channel.say({ kind: "receiptSignature", envelope: proposal });
  const reply = await channel.hear(timeoutMs, "receiptSignature");
  return { entry: assemble(payload, reply.envelope, signatureOf(proposal), peer), ...claims };
}

function signatureOf({ signatures }: Envelope): Envelope["signatures"][number] {
  return signatures[0] as Envelope["signatures"][number];
}

/** What the sender said of itself in a proposal. */
function saidBefore(proposal: Envelope): { readonly own: OwnPart; readonly claims: Claims } {
  const { inputCommitments, lastCosigned, finishedAt, attempts } = readReceipt(proposal);
  const inputCommitment = fromHex(inputCommitments.sender);
  const own = { inputCommitment, lastCosigned: lastCosigned.sender ?? undefined, sketchCommitment: undefined };
  return { own, claims: { finishedAt, gateKeyHashes: attempts.map(({ gateKeyHash }) => gateKeyHash) } };
}

/** The receipt that a receiver hands over in a later session, signed by both: it must be what this node proposed. Throws
 * RECEIPT_MISMATCH, SIGNATURE_INVALID. */
export function takeReceipt(
  { payload, signatures }: Envelope,
  proposal: Envelope,
  peer: Peer,
): Uint8Array<ArrayBuffer> {
  if (!equalBytes(payload, proposal.payload)) throw new EntenteError("RECEIPT_MISMATCH");
  const theirs = signatures.filter(({ keyid }) => keyid === peer.key("jobs").keyId);
  const reply = { payloadType: STATEMENT_PAYLOAD_TYPE, payload, signatures: theirs };
  return assemble(payload, reply, signatureOf(proposal), peer);
}

/** What a receipt's entry says that only the sender knew before. */
export function claimsOf(entry: Uint8Array): Claims {
  const { event, statement } = parseStatement(entry);
  if (event !== "receipt") throw new EntenteError("STORAGE_FAILED", { detail: "the job's receipt is none" });
  const { finishedAt, attempts } = statement.predicate;
  return { finishedAt, gateKeyHashes: attempts.map(({ gateKeyHash }) => gateKeyHash) };
}

/** The receiver's half; also returns the hashes that the gate keys must have. Throws RECEIPT_MISMATCH when the sender
 * describes the job otherwise than this node. */
export async function acceptReceipt(input: ExchangeInput & ReceiverKeeps): Promise<SignedReceipt> {
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
  const signed = { entry: assemble(payload, envelope, ownSignature, peer), gateKeyHashes, finishedAt };
  await input.keep(signed);
  await channel.say({
    kind: "receiptSignature",
    envelope: { payloadType: STATEMENT_PAYLOAD_TYPE, payload, signatures: [ownSignature] },
  });
  return signed;
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
