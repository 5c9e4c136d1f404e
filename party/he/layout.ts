/**
 * SEAL 4.1's serialised form without compression, little-endian: the only way to set or read coefficients through
 * node-seal. Headers are always written here from what this side expects, never taken from a peer.
 *
 * Outer and inner header, 16 bytes: magic a15e (u16), header size 16 (u8), version 4.1 (2 x u8), compression 0 (u8),
 * reserved (u16), total size with this header (u64). Plaintext: outer header, parameter id (32 bytes; zero outside NTT
 * form), coefficient count (u64), scale 1.0 (f64), inner header, count (u64), coefficients (u64 each): 88 bytes ahead of
 * them. Ciphertext and public key: outer header, parameter id, NTT form (u8), polynomials, degree, primes (u64 each),
 * scale 1.0 (f64), correction factor 1 (u64), inner header, count (u64), residues (u64 each): 113 bytes ahead.
 * A secret key has a plaintext's form. Tests compare these headers with what SEAL itself writes.
 */
import { EntenteError } from "../../proto/errors.ts";
import { BLOCK_ROWS } from "./params.ts";

export const PLAINTEXT_HEAD_BYTES = 88;
export const CIPHERTEXT_HEAD_BYTES = 113;
const HEADER_BYTES = 16;
const WORD_BYTES = 8;

/** Of a SEAL parameter set: 32 bytes that name the primes in use. */
export type ParameterId = Uint8Array;

function writeHeader(view: DataView, at: number, size: number): void {
  view.setUint16(at, 0xa15e, true);
  view.setUint8(at + 2, HEADER_BYTES);
  view.setUint8(at + 3, 4);
  view.setUint8(at + 4, 1);
  view.setBigUint64(at + 8, BigInt(size), true);
}

/** A buffer with its header written, for `count` coefficients that are still zero. */
export function plaintextBuffer(count: number, id?: ParameterId): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(PLAINTEXT_HEAD_BYTES + WORD_BYTES * count);
  const view = new DataView(bytes.buffer);
  writeHeader(view, 0, bytes.length);
  if (id !== undefined) bytes.set(id, 16);
  view.setBigUint64(48, BigInt(count), true);
  view.setFloat64(56, 1, true);
  writeHeader(view, 64, bytes.length - 64);
  view.setBigUint64(80, BigInt(count), true);
  return bytes;
}

/** Two polynomials of `residues`, in that form, for SEAL to load. */
export function ciphertextBuffer(residues: Uint32Array, id: ParameterId, nttForm: boolean): Uint8Array<ArrayBuffer> {
  const words = residues.length;
  const bytes = new Uint8Array(CIPHERTEXT_HEAD_BYTES + WORD_BYTES * words);
  const view = new DataView(bytes.buffer);
  writeHeader(view, 0, bytes.length);
  bytes.set(id, 16);
  view.setUint8(48, nttForm ? 1 : 0);
  view.setBigUint64(49, 2n, true);
  view.setBigUint64(57, BigInt(BLOCK_ROWS), true);
  view.setBigUint64(65, BigInt(words / (2 * BLOCK_ROWS)), true);
  view.setFloat64(73, 1, true);
  view.setBigUint64(81, 1n, true);
  writeHeader(view, 89, bytes.length - 89);
  view.setBigUint64(105, BigInt(words), true);
  // The words start at an odd offset, so they are laid out in an aligned array first.
  const aligned = new Uint32Array(2 * words);
  for (let i = 0; i < words; i++) aligned[2 * i] = residues[i] as number;
  bytes.set(new Uint8Array(aligned.buffer), CIPHERTEXT_HEAD_BYTES);
  return bytes;
}

/** The `count` words after the head of what this node's own SEAL saved. Each is below 2^32. */
export function savedWords(saved: Uint8Array, headBytes: number, count: number): Uint32Array<ArrayBuffer> {
  if (saved.length !== headBytes + WORD_BYTES * count)
    throw new EntenteError("INTERNAL", { detail: "length of a serialised polynomial" });
  const aligned = new Uint32Array(saved.slice(headBytes).buffer);
  const words = new Uint32Array(count);
  for (let i = 0; i < count; i++) words[i] = aligned[2 * i] as number;
  return words;
}
