/**
 * Receipt 1: one statement, signed by both nodes before the gate opens, that says what was run. Each builds it from what
 * it knows itself; only the other side's commitment, last cosigned head and the time are taken from the other.
 */

import type { JobSpec } from "../../proto/agreement/job-spec.ts";
import { equalBytes, toHex } from "../../proto/encoding/bytes.ts";
import { parseCanonicalJson } from "../../proto/encoding/canonical-json.ts";
import type { Envelope } from "../../proto/encoding/dsse.ts";
import type { SigningKey } from "../../proto/encoding/ed25519.ts";
import { EntenteError } from "../../proto/errors.ts";
import type { TreeHead } from "../../proto/evidence/checkpoint.ts";
import type { PredicateInput, Receipt } from "../../proto/evidence/predicates.ts";
import {
  assembleEntry,
  STATEMENT_PAYLOAD_TYPE,
  signStatement,
  statementPayload,
  verifyStatement,
} from "../../proto/evidence/statements.ts";
import type { Channel } from "../session/channel.ts";
import type { Peer } from "../session/peers.ts";

/** What both nodes know alike when the last partition is finished. */
export interface ReceiptFacts {
  readonly spec: JobSpec;
  readonly jobDigest: string;
  readonly parametersDigest: string;
  readonly protocolVersion: number;
  readonly senderSizeClass: number;
  /** Of every attempt that finished a partition, what both ends saw. */
  readonly attempts: readonly FinishedAttempt[];
}

type ReceiptAttempt = PredicateInput<"receipt">["attempts"][number];
export type FinishedAttempt = Omit<ReceiptAttempt, "gateKeyHash">;

export interface OwnPart {
  readonly inputCommitment: Uint8Array;
  /** This node's own log, as the peer cosigned it last. */
  readonly lastCosigned: TreeHead | undefined;
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
      protocol: { name: spec.protocol, parametersDigest: facts.parametersDigest, version: facts.protocolVersion },
      parties: { receiver: spec.receiver, sender: spec.provider },
      sizeClasses: { receiver: spec.receiverSizeClass, sender: facts.senderSizeClass },
      inputCommitments: {
        receiver: toHex(parts.receiver.inputCommitment),
        sender: toHex(parts.sender.inputCommitment),
      },
      attempts: facts.attempts.map((attempt, i) => ({ ...attempt, gateKeyHash: gateKeyHashes[i] as string })),
      lastCosigned: { receiver: parts.receiver.lastCosigned ?? null, sender: parts.sender.lastCosigned ?? null },
      finishedAt,
    },
  );
}

interface ExchangeInput {
  readonly channel: Channel;
  readonly facts: ReceiptFacts;
  readonly own: OwnPart;
  readonly jobsKey: SigningKey;
  readonly peer: Peer;
  readonly timeoutMs: number;
}

/** The sender proposes: the receiver's part arrives, the sender signs, the receiver signs back. Returns the log entry. */
export async function proposeReceipt(
  input: ExchangeInput & { readonly claims: Claims },
): Promise<{ entry: Uint8Array<ArrayBuffer>; gateKeyHashes: readonly string[] }> {
  const { channel, facts, own, jobsKey, peer, timeoutMs } = input;
  const part = await channel.hear(timeoutMs, "receiptPart");
  const receiver: OwnPart = {
    inputCommitment: part.inputCommitment,
    lastCosigned: part.lastCosigned && { ...part.lastCosigned, root: toHex(part.lastCosigned.root) },
  };
  const payload = payloadOf(facts, { receiver, sender: own }, input.claims);
  const ownSignature = signStatement(payload, jobsKey);
  await channel.say({
    kind: "receiptSignature",
    envelope: { payloadType: STATEMENT_PAYLOAD_TYPE, payload, signatures: [ownSignature] },
  });
  const reply = await channel.hear(timeoutMs, "receiptSignature");
  return { entry: assemble(payload, reply.envelope, ownSignature, peer), gateKeyHashes: input.claims.gateKeyHashes };
}

/** The receiver's half; also returns the hashes that the gate keys must have. Throws RECEIPT_MISMATCH when the sender
 * describes the job otherwise than this node. */
export async function acceptReceipt(
  input: ExchangeInput,
): Promise<{ entry: Uint8Array<ArrayBuffer>; gateKeyHashes: string[] }> {
  const { channel, facts, own, jobsKey, peer, timeoutMs } = input;
  const lastCosigned = own.lastCosigned && { ...own.lastCosigned, root: Uint8Array.fromHex(own.lastCosigned.root) };
  await channel.say({ kind: "receiptPart", inputCommitment: own.inputCommitment, lastCosigned });
  const { envelope } = await channel.hear(timeoutMs, "receiptSignature");
  const claimed = parseCanonicalJson(envelope.payload) as unknown as { predicate?: Partial<Receipt> };
  const { inputCommitments, lastCosigned: heads, finishedAt, attempts } = claimed.predicate ?? {};
  if (inputCommitments === undefined || heads === undefined || finishedAt === undefined || attempts === undefined)
    throw new EntenteError("RECEIPT_MISMATCH");
  const gateKeyHashes = attempts.map((attempt) => attempt.gateKeyHash);
  if (gateKeyHashes.length !== facts.attempts.length) throw new EntenteError("RECEIPT_MISMATCH");
  const sender: OwnPart = {
    inputCommitment: hexOrMismatch(inputCommitments.sender),
    lastCosigned: heads.sender ?? undefined,
  };
  const payload = payloadOf(facts, { receiver: own, sender }, { finishedAt, gateKeyHashes });
  if (!equalBytes(payload, envelope.payload)) throw new EntenteError("RECEIPT_MISMATCH");
  const ownSignature = signStatement(payload, jobsKey);
  const entry = assemble(payload, envelope, ownSignature, peer);
  await channel.say({
    kind: "receiptSignature",
    envelope: { payloadType: STATEMENT_PAYLOAD_TYPE, payload, signatures: [ownSignature] },
  });
  return { entry, gateKeyHashes };
}

function hexOrMismatch(text: unknown): Uint8Array {
  if (typeof text !== "string" || !/^[0-9a-f]{64}$/.test(text)) throw new EntenteError("RECEIPT_MISMATCH");
  return Uint8Array.fromHex(text);
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
