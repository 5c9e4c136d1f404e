/** The partner's side: encrypted weights times plaintext columns, and what makes the answer say nothing else. */

import { EntenteError } from "../../proto/errors.ts";
import type { ByteStream } from "../crypto/bulk.ts";
import type { AnswerRandomness, EncryptedModel } from "./he.ts";
import {
  COLUMN_BYTES,
  drawErrors,
  drawMask,
  drawTernary,
  loadScoreKernels,
  POLYNOMIAL_BYTES,
  type ScoreKernels,
  SPARE_BYTES,
} from "./kernels.ts";
import { ANSWER_PRIMES, BLOCK_ROWS, CIPHERTEXT_BYTES, DATA_PRIMES, MAX_WEIGHTS } from "./params.ts";
import { answerBytes, checkReleased, type Released, residueBytes } from "./released.ts";

/** Columns that are transformed side by side; the kernel's sums hold 32 products at most. */
const GROUP = 16;
/** A group's transformed polynomials are cut into this many tiles. */
const TILES = 256;
const TILE_BYTES = POLYNOMIAL_BYTES / TILES;
const L = DATA_PRIMES.length;

interface Group {
  /** Number of its first column, and how many it has. Column 0 is u, whose weight is the public key. */
  readonly first: number;
  readonly size: number;
  /** Transformed weights for each prime: tiles of both polynomials of each weight, side by side. */
  readonly weights: readonly number[];
}

export function createEncryptedModel(wasm: Uint8Array<ArrayBuffer>, features: number): EncryptedModel {
  if (!Number.isInteger(features) || features < 1 || features > MAX_WEIGHTS)
    throw new EntenteError("INTERNAL", { detail: "number of weights" });
  return new KernelModel(loadScoreKernels(wasm), features);
}

class KernelModel implements EncryptedModel {
  readonly features: number;
  readonly #kernels: ScoreKernels;
  /** Everything above is one model's or one answer's. */
  readonly #bottom: number;
  readonly #groups: readonly Group[];
  #added = 0;

  constructor(kernels: ScoreKernels, features: number) {
    this.features = features;
    this.#kernels = kernels;
    this.#bottom = kernels.mark();
    this.#groups = Array.from({ length: Math.ceil((features + 1) / GROUP) }, (_, g) => {
      const size = Math.min(GROUP, features + 1 - g * GROUP);
      const weights = DATA_PRIMES.map(() => kernels.allocate(2 * size * POLYNOMIAL_BYTES).at);
      return { first: g * GROUP, size, weights };
    });
  }

  get complete(): boolean {
    return this.#added === this.features + 1;
  }

  add(ciphertext: Uint8Array): void {
    const kernels = this.#kernels;
    const group = this.#groups[Math.floor(this.#added / GROUP)];
    if (group === undefined || this.complete) throw new EntenteError("INTERNAL", { detail: "number of ciphertexts" });
    if (ciphertext.length !== CIPHERTEXT_BYTES)
      throw new EntenteError("CIPHERTEXT_INVALID", { detail: "number of residues" });
    const stride = 2 * group.size * TILE_BYTES;
    kernels.scoped(() => {
      const packed = kernels.allocate(CIPHERTEXT_BYTES + SPARE_BYTES).at;
      const residues = kernels.allocate(POLYNOMIAL_BYTES).at;
      const scratch = kernels.allocate(POLYNOMIAL_BYTES).at;
      kernels.view(packed, CIPHERTEXT_BYTES).set(ciphertext);
      for (let poly = 0; poly < 2; poly++) {
        for (const [k, prime] of DATA_PRIMES.entries()) {
          const from = packed + (poly * L + k) * residueBytes(BLOCK_ROWS);
          if (kernels.call.unpackWords(from, BLOCK_ROWS, prime, residues, 4) > 0)
            throw new EntenteError("CIPHERTEXT_INVALID", { detail: "residue not below its prime" });
          const table = kernels.tables[k] as number;
          const out = (group.weights[k] as number) + (2 * (this.#added - group.first) + poly) * TILE_BYTES;
          kernels.call.centre(residues, table);
          kernels.call.forwardResidues(residues, table, scratch, out, stride);
          kernels.call.centreTiles(out, stride, table);
        }
      }
    });
    this.#added++;
  }

  answer(columns: readonly Int16Array[], randomness: AnswerRandomness, released: Released): Uint8Array {
    checkReleased(released);
    if (!this.complete || columns.length !== this.features || columns.some(({ length }) => length !== BLOCK_ROWS))
      throw new EntenteError("INTERNAL", { detail: "one column for each weight" });
    return this.#kernels.scoped(() => {
      // c0 modulo each prime, then c1.
      const answer = this.#kernels.allocate(2 * L * POLYNOMIAL_BYTES).at;
      this.#weightedSum(columns, randomness.zero, answer);
      this.#hide(answer, randomness);
      this.#switchModulus(answer);
      return this.#pack(answer, released);
    });
  }

  /** sum_j Enc(w_j) * column_j + u * pk, u drawn from `zero`. */
  #weightedSum(columns: readonly Int16Array[], zero: ByteStream, answer: number): void {
    const kernels = this.#kernels;
    const { call } = kernels;
    kernels.scoped(() => {
      const sums = kernels.allocate(2 * L * POLYNOMIAL_BYTES);
      const plain = kernels.allocate(GROUP * COLUMN_BYTES).at;
      const transformed = kernels.allocate(GROUP * POLYNOMIAL_BYTES).at;
      const scratch = kernels.allocate(POLYNOMIAL_BYTES).at;
      sums.bytes().fill(0);
      for (const { first, size, weights } of this.#groups) {
        for (let j = 0; j < size; j++) {
          const at = plain + j * COLUMN_BYTES;
          if (first + j === 0) drawTernary(kernels, zero, at);
          else {
            const view = kernels.view(at, COLUMN_BYTES);
            new Int16Array(view.buffer, view.byteOffset, BLOCK_ROWS).set(columns[first + j - 1] as Int16Array);
          }
        }
        for (const [k, table] of kernels.tables.entries()) {
          for (let j = 0; j < size; j++) {
            const out = transformed + j * TILE_BYTES;
            call.forwardColumn(plain + j * COLUMN_BYTES, table, scratch, out, size * TILE_BYTES);
          }
          call.accumulate(transformed, weights[k] as number, size, table, sums.at + 2 * k * POLYNOMIAL_BYTES);
        }
      }
      for (const [k, table] of kernels.tables.entries()) {
        for (let poly = 0; poly < 2; poly++) {
          const at = sums.at + (2 * k + poly) * POLYNOMIAL_BYTES;
          call.scale(at, table);
          call.inverse(at, table, answer + (poly * L + k) * POLYNOMIAL_BYTES);
        }
      }
    });
  }

  /** c0 += R; c1 += e1, so that (u * pk0, u * pk1 + e1) is a fresh sample of RLWE with the partner's secret u. */
  #hide(answer: number, randomness: AnswerRandomness): void {
    const kernels = this.#kernels;
    kernels.scoped(() => {
      const maskSecret = kernels.allocate(L * POLYNOMIAL_BYTES);
      const errors = kernels.allocate(POLYNOMIAL_BYTES).at;
      drawMask(kernels, randomness.mask, maskSecret);
      drawErrors(kernels, randomness.zero, errors);
      for (const [k, table] of kernels.tables.entries()) {
        kernels.call.addResidues(answer + k * POLYNOMIAL_BYTES, maskSecret.at + k * POLYNOMIAL_BYTES, table);
        kernels.call.addErrors(answer + (L + k) * POLYNOMIAL_BYTES, errors, table);
      }
    });
  }

  /** Drops the data primes beyond ANSWER_PRIMES, the last one first. */
  #switchModulus(answer: number): void {
    const { call, divisions, tables } = this.#kernels;
    for (let last = L - 1; last >= ANSWER_PRIMES.length; last--)
      for (let poly = 0; poly < 2; poly++)
        for (let k = 0; k < last; k++) {
          const [at, dropped] = [k, last].map((prime) => answer + (poly * L + prime) * POLYNOMIAL_BYTES);
          call.divideByLast(at as number, dropped as number, divisions[last]?.[k] as number, tables[k] as number);
        }
  }

  #pack(answer: number, released: Released): Uint8Array {
    const kernels = this.#kernels;
    const out = kernels.allocate(answerBytes(released) + SPARE_BYTES);
    let to = out.at;
    for (const [poly, { first, stride, count }] of [released, { first: 0, stride: 1, count: BLOCK_ROWS }].entries())
      for (let k = 0; k < ANSWER_PRIMES.length; k++, to += residueBytes(count))
        kernels.call.packWords(answer + (poly * L + k) * POLYNOMIAL_BYTES + 4 * first, 4 * stride, count, to);
    return out.copy().subarray(0, answerBytes(released));
  }

  [Symbol.dispose](): void {
    this.#kernels.release(this.#bottom);
  }
}
