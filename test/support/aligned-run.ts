/** Both roles of aligned in memory, over its frames, with given labels in the score's place. */
import type { Platform } from "../../party/crypto/platform.ts";
import type { AlignedProtocol } from "../../party/protocols/aligned/protocol.ts";
import type { PartitionContext } from "../../party/protocols/step.ts";
import type { Frame } from "../../proto/codec/frame.ts";
import { labelsOf, type PsiRun, type SentFrame } from "./psi-run.ts";

/** A 16-byte id for each number, spread over the word that rows are looked up by, as keyed hashes are. */
export function spreadIds(numbers: readonly number[]): Uint8Array {
  const ids = new Uint8Array(16 * numbers.length);
  const view = new DataView(ids.buffer);
  for (const [i, number] of numbers.entries()) {
    view.setUint32(16 * i + 4, Math.imul(number, 0x9e3779b1));
    view.setUint32(16 * i + 12, number);
  }
  return ids;
}

export interface AlignedRunInput {
  readonly listed: readonly number[];
  readonly held: readonly number[];
  readonly gateKey: Uint8Array;
}

export interface AlignedRun extends PsiRun {
  /** The sender's own rows, in the list's order. */
  readonly rows: Uint32Array;
}

/** One partition to the end; `tamper` as in `runPsi`. A row's label is that of its number. */
export function runAligned(
  platform: Platform,
  protocol: AlignedProtocol,
  context: PartitionContext,
  { listed, held, gateKey }: AlignedRunInput,
  tamper: (sent: SentFrame) => readonly Frame[] = ({ frame }) => [frame],
): AlignedRun {
  const frames: SentFrame[] = [];
  const deliver = (by: SentFrame["by"], send: Iterable<Frame>) =>
    [...send].flatMap((frame) => {
      frames.push({ by, frame });
      return tamper({ by, frame });
    });
  let receiver = protocol.receiver.start(platform, context, { ids: spreadIds(listed) });
  let sender = protocol.sender.start(context, { ids: spreadIds(held) });
  for (const frame of deliver("receiver", receiver.send)) {
    if (sender.kind === "done") break;
    sender = protocol.sender.next(sender.state, frame);
  }
  if (sender.kind !== "done") throw new Error("the sender waits");
  const { rows } = sender.output;
  const labels = labelsOf(
    Array.from(rows, (row) => held[row] as number),
    context.labelBytes,
  );
  for (const frame of deliver("sender", protocol.sender.sealLabels(platform, context, { labels, gateKey }))) {
    if (receiver.kind === "done") break;
    receiver = protocol.receiver.next(receiver.state, frame);
  }
  if (receiver.kind !== "done") throw new Error("the receiver waits");
  return { sealed: receiver.output, rows, frames };
}
