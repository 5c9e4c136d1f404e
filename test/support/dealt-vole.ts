/**
 * A VOLE whose outputs a dealer hands out, for tests of what is built on one: with the same three messages between the
 * roles whatever the size, and both profiles. Not a protocol.
 */
import { twinMultiply } from "../../party/crypto/okvs/twin.ts";
import type { VoleOptions, VoleReceiverOutput, VoleSenderOutput } from "../../party/crypto/vole/index.ts";
import type { Vole } from "../../party/protocols/psi-vole/vole.ts";
import { EntenteError } from "../../proto/errors.ts";
import { fixedRandom } from "./fixed-random.ts";

interface Waiting<Output> {
  readonly output: Output;
  readonly partition: number;
}

/** C = A * Delta + B with fixed A, B and Delta. */
function deal({ outputs, valueBytes = 16 }: VoleOptions): VoleReceiverOutput & VoleSenderOutput {
  const random = fixedRandom(`dealt vole/${outputs}`);
  const delta = random(16);
  const b = random(outputs * 16);
  const a = random(outputs * 16);
  const c = new Uint8Array(outputs * 16);
  // A few distinct values of A repeat: the products are by big integers, and slow.
  const distinct = 16;
  const products = Array.from({ length: distinct }, (_, i) => {
    const value = a.subarray(i * 16, (i + 1) * 16).fill(0, valueBytes);
    return twinMultiply(value, delta);
  });
  for (let i = 0; i < outputs; i++) {
    const which = (i * 7 + (i >> 5)) % distinct;
    const from = Math.min(which, outputs - 1);
    if (i >= distinct) a.copyWithin(i * 16, from * 16, from * 16 + 16);
    const product = products[i < distinct ? i : from] as Uint8Array;
    for (let k = 0; k < 16; k++) c[i * 16 + k] = (product[k] as number) ^ (b[i * 16 + k] as number);
  }
  return { a, b, c, delta };
}

const unexpected = () => new EntenteError("WIRE_UNEXPECTED");

/** Sends a base key, waits for the choices: the shortest exchange with the messages of the silent one. */
export const dealtVole: Vole<Waiting<VoleReceiverOutput>, Waiting<VoleSenderOutput>> = {
  receiver: {
    start(_, { partition }, request) {
      const { a, c } = deal(request);
      const send = [{ kind: "baseKey", round: 1, partition, chunk: 0, bytes: new Uint8Array(32).fill(9) }] as const;
      return { kind: "continue", state: { output: { a, c }, partition }, send };
    },
    due: () => ({ kind: "baseChoices", bytes: 64 }),
    next(_, { output, partition }, message) {
      if (message.round !== 2 || message.partition !== partition || message.chunk !== 0) throw unexpected();
      return { kind: "done", output, send: [] };
    },
    wipe: ({ output }) => void output.a.fill(0),
  },
  sender: {
    start(_, { partition }, request) {
      const { b, delta } = deal(request);
      return { kind: "continue", state: { output: { b, delta }, partition }, send: [] };
    },
    due: () => ({ kind: "baseKey", bytes: 32 }),
    next(_, { output, partition }, message) {
      if (message.round !== 1 || message.partition !== partition || message.chunk !== 0) throw unexpected();
      const send = [{ kind: "baseChoices", round: 2, partition, chunk: 0, bytes: new Uint8Array(64).fill(8) }] as const;
      return { kind: "done", output, send };
    },
    wipe: ({ output }) => void output.b.fill(0),
  },
};
