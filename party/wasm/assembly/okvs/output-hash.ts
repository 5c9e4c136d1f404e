/**
 * From the linear part to the OPRF output: F = BLAKE2s-256 of (linear part, value) under the partition's key; its first
 * half is what tags are cut from, the second the key of the row's label pad.
 */
import { compressFrom } from "./blake2s";
import { loadRows, toRows } from "./lanes";
import { RECORD_BYTES } from "./row-hash";

const OUTPUT_BYTES: usize = 32;
/** Key block, linear part and value. */
const HASHED_BYTES: i32 = 64 + 32;
/** Key block, label key and counter. */
const PAD_HASHED_BYTES: i32 = 64 + 20;

/** out[i] = F(linear i, value of record i), 32 bytes each; all read and written up to a multiple of four rows. */
export function outputs(linear: usize, records: usize, count: u32, state: usize, out: usize, scratch: usize): void {
  const ones = i32x4.splat(-1);
  const digest = scratch + 256;
  memory.fill(scratch, 0, 256);
  for (const end = linear + 16 * count; linear < end; linear += 64, records += 4 * RECORD_BYTES, out += 128) {
    loadRows(linear, 16, scratch);
    loadRows(records, RECORD_BYTES, scratch + 64);
    compressFrom(state, scratch, i32x4.splat(HASHED_BYTES), ones, digest);
    toRows(digest);
    toRows(digest + 64);
    for (let lane: usize = 0; lane < 4; lane++) {
      v128.store(out + OUTPUT_BYTES * lane, v128.load(digest + 16 * lane));
      v128.store(out + OUTPUT_BYTES * lane, v128.load(digest + 64 + 16 * lane), 16);
    }
  }
}

/** Block `counter` of the label pads, 32 bytes each, of outputs at 32 bytes a row; up to a multiple of four rows. */
export function labelPads(outputs: usize, count: u32, state: usize, counter: u32, pads: usize, scratch: usize): void {
  const ones = i32x4.splat(-1);
  const digest = scratch + 256;
  memory.fill(scratch, 0, 256);
  v128.store(scratch + 64, i32x4.splat(counter));
  for (const end = outputs + OUTPUT_BYTES * count; outputs < end; outputs += 4 * OUTPUT_BYTES, pads += 128) {
    loadRows(outputs + 16, OUTPUT_BYTES, scratch);
    compressFrom(state, scratch, i32x4.splat(PAD_HASHED_BYTES), ones, digest);
    toRows(digest);
    toRows(digest + 64);
    for (let lane: usize = 0; lane < 4; lane++) {
      v128.store(pads + 32 * lane, v128.load(digest + 16 * lane));
      v128.store(pads + 32 * lane, v128.load(digest + 64 + 16 * lane), 16);
    }
  }
}

/**
 * Begins row i, at rows + i * rowBytes, with output i. Writes 16 bytes, of which the tag is what labels and the next row
 * do not cover: so tags go before labels, and `rows` has 16 bytes to spare.
 */
export function placeTags(outputs: usize, count: u32, rowBytes: u32, rows: usize): void {
  for (const end = outputs + OUTPUT_BYTES * count; outputs < end; outputs += OUTPUT_BYTES, rows += rowBytes)
    v128.store(rows, v128.load(outputs));
}

/** Bytes from .. from+length-1 of each label (that of row indexes[i]), XORed with its pad, after the tag of row i. */
export function placeLabels(
  pads: usize,
  count: u32,
  labels: usize,
  labelBytes: u32,
  from: u32,
  length: u32,
  rowBytes: u32,
  tagBytes: u32,
  rows: usize,
): void {
  let out = rows + tagBytes + from;
  labels += from;
  for (const end = pads + 32 * count; pads < end; pads += 32, labels += labelBytes, out += rowBytes)
    for (let b: u32 = 0; b < length; b++) store<u8>(out + b, load<u8>(labels + b) ^ load<u8>(pads + b));
}

/**
 * out[i] = row order[i] of `rows`, `rowBytes` each. Moves 16 bytes at a time: both have 16 bytes to spare, and each row
 * written covers what the one before it wrote too much.
 */
export function gatherRows(rows: usize, rowBytes: u32, order: usize, count: u32, out: usize): void {
  for (const end = order + 4 * count; order < end; order += 4, out += rowBytes) {
    const row = rows + rowBytes * load<u32>(order);
    for (let at: u32 = 0; at < rowBytes; at += 16) v128.store(out + at, v128.load(row + at));
  }
}
