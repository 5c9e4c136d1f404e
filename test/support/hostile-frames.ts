/** What any peer can do to a frame or a sealed partition, whatever the protocol: one table for the tests of all of them. */
import type { PartitionContext, SealedPartition } from "../../party/protocols/step.ts";
import type { Frame } from "../../proto/codec/frame.ts";
import { concat } from "../../proto/encoding/bytes.ts";

/** A name, and what arrives in a frame's place. */
export type Replacement = [string, (frame: Frame) => readonly Frame[]];

/** Headers that say that the frame is another than the one that is due: WIRE_UNEXPECTED. */
export const MISPLACED: readonly Replacement[] = [
  ["a later chunk number", (f) => [{ ...f, chunk: f.chunk + 1 }]],
  ["an absurd chunk number", (f) => [{ ...f, chunk: 0xffffffff }]],
  ["another round", (f) => [{ ...f, round: f.round + 1 }]],
  ["another partition", (f) => [{ ...f, partition: f.partition + 1 }]],
];

/** Bodies that no encoder makes of a message: WIRE_INVALID. */
export const MALFORMED: readonly Replacement[] = [
  ["a truncated body", (f) => [{ ...f, body: f.body.subarray(0, -1) }]],
  ["an empty body", (f) => [{ ...f, body: new Uint8Array(0) }]],
  ["a byte more", (f) => [{ ...f, body: concat(f.body, Uint8Array.of(0)) }]],
  ["an unknown field after the message", (f) => [{ ...f, body: concat(f.body, Uint8Array.of(0x78, 1)) }]],
  ["the message twice", (f) => [{ ...f, body: concat(f.body, f.body) }]],
  ["a body far too long", (f) => [{ ...f, body: new Uint8Array(1 << 20) }]],
  ["bytes that are no message", (f) => [{ ...f, body: f.body.map(() => 0xff) }]],
  // The first length as a varint with a needless last byte: same value, another encoding.
  ["a long form of a length", (f) => [{ ...f, body: longForm(f.body) }]],
];

/** Inserts a continuation into the second varint of a body, which is a length. */
function longForm(body: Uint8Array): Uint8Array {
  const endOfVarint = (from: number): number => {
    let at = from;
    while ((body[at] as number) & 0x80) at++;
    return at;
  };
  const end = endOfVarint(endOfVarint(0) + 1);
  return concat(body.subarray(0, end), Uint8Array.of((body[end] as number) | 0x80, 0), body.subarray(end + 1));
}

export function flip(bytes: Uint8Array, at: number): Uint8Array {
  return bytes.with(at, (bytes[at] as number) ^ 1);
}

/** A name, and what is opened with which key in which place: SEAL_INVALID. */
export type Damage = [string, SealedPartition, Uint8Array, PartitionContext];

/** `context`: of partition 3, of any session but the one of zeros. `sealed`: of two frames or more. */
export function damagedSeals(sealed: SealedPartition, gateKey: Uint8Array, context: PartitionContext): Damage[] {
  const [first, ...rest] = sealed.sealed as [(typeof sealed.sealed)[number], ...(typeof sealed.sealed)[number][]];
  const frames: [string, SealedPartition["sealed"]][] = [
    ["a changed byte", [{ ...first, body: flip(first.body, 5) }, ...rest]],
    ["a changed tag", [{ ...first, body: flip(first.body, first.body.length - 1) }, ...rest]],
    ["a changed header", [{ ...first, header: flip(first.header, 20) }, ...rest]],
    ["a cut body", [{ ...first, body: first.body.subarray(1) }, ...rest]],
    ["frames in another order", sealed.sealed.toReversed()],
    ["a frame twice", [first, first, ...rest.slice(1)]],
    ["a frame too many", [first, ...sealed.sealed]],
    ["the last frame left out", sealed.sealed.slice(0, -1)],
    ["the first frame left out", rest],
  ];
  return [
    ["another gate key", sealed, flip(gateKey, 31), context],
    ["a short gate key", sealed, gateKey.subarray(1), context],
    ...frames.map(([name, changed]): Damage => [name, { ...sealed, sealed: changed }, gateKey, context]),
    ["another partition", sealed, gateKey, { ...context, partition: 4 }],
    ["another session", sealed, gateKey, { ...context, sessionId: new Uint8Array(32) }],
  ];
}
