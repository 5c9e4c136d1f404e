/** Both roles of a PSI protocol in memory, over its frames; the same for every protocol. */
import { createHash } from "node:crypto";
import type { Platform } from "../../party/crypto/platform.ts";
import { MAX_PARTITIONS } from "../../party/protocols/plan.ts";
import type { PsiProtocol } from "../../party/protocols/psi.ts";
import type { PartitionContext, PsiMatches, SealedPartition } from "../../party/protocols/step.ts";
import { encodeHeader, type Frame } from "../../proto/codec/frame.ts";

export interface SentFrame {
  readonly by: "receiver" | "sender";
  readonly frame: Frame;
}

export interface PsiRun {
  readonly sealed: SealedPartition;
  readonly frames: readonly SentFrame[];
}

export interface PsiRunInput {
  readonly receiverIds: Uint8Array;
  readonly senderIds: Uint8Array;
  readonly labels: Uint8Array;
  readonly gateKey: Uint8Array;
}

export function testContext(overrides: Partial<PartitionContext> = {}): PartitionContext {
  return {
    sessionId: new Uint8Array(32).fill(0x51),
    frameSession: new Uint8Array(8).fill(0x52),
    partition: 3,
    // The most that a job may have: what is fixed for it holds for all.
    partitions: MAX_PARTITIONS,
    receiverCapacity: 16,
    senderCapacity: 16,
    labelBytes: 8,
    ...overrides,
  };
}

/** A 16-byte id for each number. */
export function idsOf(...numbers: readonly number[]): Uint8Array {
  const ids = new Uint8Array(numbers.length * 16);
  const view = new DataView(ids.buffer);
  numbers.forEach((number, i) => {
    view.setUint32(i * 16 + 12, number);
  });
  return ids;
}

/** A label of `labelBytes` bytes that its id determines. */
export function labelsOf(numbers: readonly number[], labelBytes: number): Uint8Array {
  return Uint8Array.from(
    numbers.flatMap((number) => Array.from({ length: labelBytes }, (_, i) => (number * 7 + i) & 255)),
  );
}

/**
 * Runs one partition to the end. `tamper` sees every frame on its way and returns those that arrive instead, so that a
 * test can drop, change, repeat or add some.
 */
export function runPsi<R, S>(
  platform: Platform,
  protocol: PsiProtocol<R, S>,
  context: PartitionContext,
  input: PsiRunInput,
  tamper: (sent: SentFrame) => readonly Frame[] = ({ frame }) => [frame],
): PsiRun {
  const frames: SentFrame[] = [];
  const toSender: Frame[] = [];
  const toReceiver: Frame[] = [];
  const deliver = (by: SentFrame["by"], send: Iterable<Frame>) => {
    for (const frame of send) {
      frames.push({ by, frame });
      (by === "receiver" ? toSender : toReceiver).push(...tamper({ by, frame }));
    }
  };
  let receiver = protocol.receiver.start(platform, context, { ids: input.receiverIds });
  let sender = protocol.sender.start(platform, context, {
    ids: input.senderIds,
    labels: input.labels,
    gateKey: input.gateKey,
  });
  deliver("receiver", receiver.send);
  deliver("sender", sender.send);
  for (;;) {
    const forSender = sender.kind === "continue" ? toSender.shift() : undefined;
    if (forSender !== undefined && sender.kind === "continue") {
      sender = protocol.sender.next(platform, sender.state, forSender);
      deliver("sender", sender.send);
      continue;
    }
    if (receiver.kind === "done") return { sealed: receiver.output, frames };
    const forReceiver = toReceiver.shift();
    if (forReceiver === undefined) throw new Error("both sides wait");
    receiver = protocol.receiver.next(platform, receiver.state, forReceiver);
    deliver("receiver", receiver.send);
  }
}

/** All that the wire shows but the bytes themselves. */
export function wireShape({ frames }: Pick<PsiRun, "frames">): unknown[][] {
  return frames.map(({ by, frame: { type, round, partition, chunk, body } }) => [
    by,
    type,
    round,
    partition,
    chunk,
    body.length,
  ]);
}

/** SHA-256 over headers and bodies, hex: with fixed randomness it is fixed. */
export function transcriptDigest({ frames }: Pick<PsiRun, "frames">, { frameSession }: PartitionContext): string {
  const hash = createHash("sha256");
  for (const { frame } of frames) hash.update(encodeHeader(frame, frame.body.length, frameSession)).update(frame.body);
  return hash.digest("hex");
}

/** The plain answer: positions in the receiver's list and the labels of those rows. */
export function plainMatches(receiver: readonly number[], sender: readonly number[], labelBytes: number): PsiMatches {
  const held = new Set(sender);
  const rows = receiver.flatMap((number, row) => (held.has(number) ? [row] : []));
  const labels = labelsOf(
    rows.map((row) => receiver[row] as number),
    labelBytes,
  );
  return { rows: Uint32Array.from(rows), labels };
}
