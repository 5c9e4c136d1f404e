/** Both roles of a VOLE in memory, over its frames, and the check of what they got. */
import { readFileSync } from "node:fs";
import * as vole from "../../party/crypto/vole/index.ts";
import { createPlatform, type PlatformOptions } from "../../party/session/platform.ts";
import { createVolePlatform } from "../../party/session/vole-platform.ts";
import type { Frame } from "../../proto/codec/frame.ts";

const wasm = new Uint8Array(readFileSync(new URL("../../party/wasm/gen/vole.wasm", import.meta.url)));

/** A platform with kernel memory of its own, as each worker has it. */
export async function volePlatform(options: PlatformOptions = {}): Promise<vole.VolePlatform> {
  return createVolePlatform(await createPlatform(options), wasm);
}

export const testScope: vole.VoleScope = { sessionId: new Uint8Array(32).fill(0x51), partition: 3 };

export interface VoleRun extends vole.VoleReceiverOutput, vole.VoleSenderOutput {
  readonly frames: readonly { readonly by: "receiver" | "sender"; readonly frame: Frame }[];
}

export interface VoleParties {
  readonly receiver: vole.VolePlatform;
  readonly sender: vole.VolePlatform;
  readonly receiverScope?: vole.VoleScope;
}

export interface Meddling {
  /** Sees every frame on its way and returns those that arrive instead. */
  readonly tamper?: (frame: Frame) => readonly Frame[];
  /** Called before each frame is taken: `take` decodes and takes another in its place, from the same state. */
  readonly before?: (frame: Frame, take: (other: Frame) => void) => void;
}

/** Runs both roles to the end. */
export function runVole(parties: VoleParties, options: vole.VoleOptions, meddling: Meddling = {}): VoleRun {
  const { tamper = (frame) => [frame], before = () => {} } = meddling;
  const frames: VoleRun["frames"][number][] = [];
  const queues = { receiver: [] as Frame[], sender: [] as Frame[] };
  const deliver = (by: "receiver" | "sender", send: Iterable<vole.VoleMessage>) => {
    for (const message of send) {
      const frame = vole.encodeVole(message);
      frames.push({ by, frame });
      queues[by === "receiver" ? "sender" : "receiver"].push(...tamper(frame));
    }
  };
  let receiver = vole.startVoleReceiver(parties.receiver, parties.receiverScope ?? testScope, options);
  let sender = vole.startVoleSender(parties.sender, testScope, options);
  deliver("receiver", receiver.send);
  deliver("sender", sender.send);
  while (receiver.kind === "continue" || sender.kind === "continue") {
    const forSender = sender.kind === "continue" ? queues.sender.shift() : undefined;
    if (forSender !== undefined && sender.kind === "continue") {
      const { state } = sender;
      const take = (frame: Frame) =>
        vole.nextVoleSender(parties.sender, state, vole.decodeVole(frame, vole.voleSenderDue(state)));
      before(forSender, take);
      sender = take(forSender);
      deliver("sender", sender.send);
      continue;
    }
    const forReceiver = receiver.kind === "continue" ? queues.receiver.shift() : undefined;
    if (forReceiver === undefined || receiver.kind !== "continue") throw new Error("both sides wait");
    const { state } = receiver;
    const take = (frame: Frame) =>
      vole.nextVoleReceiver(parties.receiver, state, vole.decodeVole(frame, vole.voleReceiverDue(state)));
    before(forReceiver, take);
    receiver = take(forReceiver);
    deliver("receiver", receiver.send);
  }
  return { ...receiver.output, ...sender.output, frames };
}

/** Rows where C = A * Delta + B does not hold; the kernel that multiplies is tested against integers elsewhere. */
export function wrongRows(
  { kernels }: vole.VolePlatform,
  run: vole.VoleReceiverOutput & vole.VoleSenderOutput,
): number {
  const { call, ...memory } = kernels.vole;
  const product = memory.scoped(() => {
    const table = memory.allocate(8192);
    call.gfTable(table.at, memory.place(run.delta).at);
    const a = memory.place(run.a);
    call.gfMultiplyBy(a.at, a.at, table.at, run.a.length / 16);
    return a.copy();
  });
  let wrong = 0;
  for (let row = 0; row < product.length; row += 16)
    for (let i = row; i < row + 16; i++)
      if (((product[i] as number) ^ (run.b[i] as number)) !== run.c[i]) {
        wrong++;
        break;
      }
  return wrong;
}
