/**
 * OT extension of Ishai, Kilian, Nissim and Petrank (Crypto 2003), semi-honest, with 128 base OTs: from a few OTs
 * turned round to as many as are wanted. Column j of the receiver's matrix T is stream j of choice 0; it sends
 * U_j = T_j + stream j of choice 1 + r. The sender has Q_j = T_j + s_j * r, hence rows q_i = t_i + r_i * s, and the
 * pads H(i, q_i), H(i, q_i + s). H is the tweakable circular correlation-robust hash
 * MMO(x, i) = p(p(x) + i) + p(x) of Guo, Katz, Wang, Yu (eprint 2019/074, section 7.4), where p is AES-128 under a public key
 * of this session, partition and chunk.
 */
import type { BlockCipher, ByteStream } from "../bulk.ts";
import { unpackBits, wordsOf, xorMasked } from "./bits.ts";
import { publicKey, type VoleScope } from "./derive.ts";
import { EXTENSION_BASE_OTS, SEED_BYTES } from "./params.ts";
import type { VolePlatform } from "./platform.ts";

/** Pads of a chunk: one block per OT. */
function hashRows(cipher: BlockCipher, rows: Uint8Array): Uint8Array {
  const once = new Uint8Array(rows.length);
  cipher(rows, once);
  const tweaked = once.slice();
  const words = wordsOf(tweaked);
  for (let i = 0; i * 4 < words.length; i++) words[i * 4] = (words[i * 4] as number) ^ i;
  const out = new Uint8Array(rows.length);
  cipher(tweaked, out);
  xorMasked(out, once, -1);
  return out;
}

/** Rows of 128 bits out of 128 columns of `ots` bits. */
function rowsOf({ kernels }: VolePlatform, columns: Uint8Array, ots: number): Uint8Array {
  const { vole } = kernels;
  return vole.scoped(() => {
    const placed = vole.place(columns);
    const rows = vole.allocate(ots * SEED_BYTES);
    vole.call.transpose128(rows.at, placed.at, ots / 8);
    return rows.copy();
  });
}

function hashOf(platform: VolePlatform, scope: VoleScope, chunk: number): BlockCipher {
  return platform.bulkAes.blockCipher(publicKey(platform, scope, "ot hash", chunk));
}

/** The receiver of the extended OTs: the sender of the base OTs. Its streams advance from chunk to chunk. */
export interface ExtensionReceiver {
  readonly zero: readonly ByteStream[];
  readonly one: readonly ByteStream[];
}

/** `seedsSecret`: both seeds of each base OT, as `baseOtSeeds` gives them. */
export function extensionReceiver(platform: VolePlatform, seedsSecret: Uint8Array): ExtensionReceiver {
  const streams = (choice: number) =>
    Array.from({ length: EXTENSION_BASE_OTS }, (_, j) =>
      platform.bulkAes.ctrStream(
        seedsSecret.subarray((2 * j + choice) * SEED_BYTES, (2 * j + choice + 1) * SEED_BYTES),
      ),
    );
  return { zero: streams(0), one: streams(1) };
}

export interface ExtendedChoice {
  /** U: 128 columns of ots / 8 bytes. */
  readonly message: Uint8Array;
  /** H(i, t_i): the pad of the message chosen. */
  readonly padsSecret: Uint8Array;
}

/** `choicesSecret`: bits, a multiple of 32 of them (so that columns are whole words). */
export function extendChoices(
  platform: VolePlatform,
  scope: VoleScope,
  receiver: ExtensionReceiver,
  choicesSecret: Uint8Array,
  chunk: number,
): ExtendedChoice {
  const columnBytes = choicesSecret.length;
  const columns = new Uint8Array(EXTENSION_BASE_OTS * columnBytes);
  const message = new Uint8Array(columns.length);
  for (let j = 0; j < EXTENSION_BASE_OTS; j++) {
    const column = columns.subarray(j * columnBytes, (j + 1) * columnBytes);
    const sent = message.subarray(j * columnBytes, (j + 1) * columnBytes);
    receiver.zero[j]?.(column);
    receiver.one[j]?.(sent);
    xorMasked(sent, column, -1);
    xorMasked(sent, choicesSecret, -1);
  }
  const rows = rowsOf(platform, columns, columnBytes * 8);
  columns.fill(0);
  const padsSecret = hashRows(hashOf(platform, scope, chunk), rows);
  rows.fill(0);
  return { message, padsSecret };
}

/** The sender of the extended OTs: the receiver of the base OTs, with the choices s. */
export interface ExtensionSender {
  readonly choicesSecret: Uint8Array;
  readonly streams: readonly ByteStream[];
}

/** `choicesSecret`: s, 16 bytes. `seedsSecret`: the 128 seeds chosen by it. */
export function extensionSender(
  platform: VolePlatform,
  choicesSecret: Uint8Array,
  seedsSecret: Uint8Array,
): ExtensionSender {
  const streams = Array.from({ length: EXTENSION_BASE_OTS }, (_, j) =>
    platform.bulkAes.ctrStream(seedsSecret.subarray(j * SEED_BYTES, (j + 1) * SEED_BYTES)),
  );
  return { choicesSecret, streams };
}

/** Both pads of every OT: [ots][2] blocks. `message`: U, of the length that the receiver's choices have. */
export function extendedPads(
  platform: VolePlatform,
  scope: VoleScope,
  sender: ExtensionSender,
  message: Uint8Array,
  chunk: number,
): Uint8Array {
  const columnBytes = message.length / EXTENSION_BASE_OTS;
  const ots = columnBytes * 8;
  const columns = new Uint8Array(message.length);
  unpackBits(sender.choicesSecret).forEach((bit, j) => {
    const column = columns.subarray(j * columnBytes, (j + 1) * columnBytes);
    sender.streams[j]?.(column);
    xorMasked(column, message.subarray(j * columnBytes, (j + 1) * columnBytes), -bit);
  });
  const rows = rowsOf(platform, columns, ots);
  columns.fill(0);
  const hash = hashOf(platform, scope, chunk);
  const zero = wordsOf(hashRows(hash, rows));
  const secret = wordsOf(sender.choicesSecret);
  const words = wordsOf(rows);
  for (let i = 0; i < words.length; i++) words[i] = (words[i] as number) ^ (secret[i & 3] as number);
  const one = wordsOf(hashRows(hash, rows));
  rows.fill(0);
  const pads = new Uint32Array(ots * 8);
  for (let i = 0; i < ots; i++) {
    pads.set(zero.subarray(i * 4, i * 4 + 4), i * 8);
    pads.set(one.subarray(i * 4, i * 4 + 4), i * 8 + 4);
  }
  zero.fill(0);
  one.fill(0);
  return new Uint8Array(pads.buffer);
}
