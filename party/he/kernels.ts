/** The WebAssembly kernels of this folder, with their constants in memory, and the sampling that needs a byte stream. */
import type { ByteStream } from "../crypto/bulk.ts";
import { type Kernels, loadKernels, type Region } from "../wasm/kernels.ts";
import { ANSWER_PRIMES, BLOCK_ROWS, DATA_PRIMES } from "./params.ts";
import { divisionConstants, primeTable, shareConstants } from "./tables.ts";

const SCORE_KERNELS = [
  "forwardColumn",
  "forwardResidues",
  "inverse",
  "accumulate",
  "centre",
  "centreTiles",
  "scale",
  "sampleResidues",
  "sampleTernary",
  "sampleBinomial",
  "addResidues",
  "addErrors",
  "divideByLast",
  "packWords",
  "unpackWords",
  "roundShares",
] as const;

/** A polynomial modulo one prime: 8,192 words. */
export const POLYNOMIAL_BYTES = 4 * BLOCK_ROWS;
/** A column of 16-bit coefficients. */
export const COLUMN_BYTES = 2 * BLOCK_ROWS;
/** Kernels read and write up to 8 bytes at a time at the end of packed residues and of random bytes. */
export const SPARE_BYTES = 8;

/** Computed once for each thread, about 15 ms. */
let primeTables: readonly Uint8Array[] | undefined;

/** With addresses of constants, one for each data prime. */
export interface ScoreKernels extends Kernels<(typeof SCORE_KERNELS)[number]> {
  readonly tables: readonly number[];
  /** divisions[last][k]: for dividing by data prime `last` modulo data prime k. */
  readonly divisions: readonly (readonly number[])[];
  readonly shares: number;
}

/** `wasm`: party/wasm/gen/score.wasm. */
export function loadScoreKernels(wasm: Uint8Array<ArrayBuffer>): ScoreKernels {
  const kernels = loadKernels(wasm, SCORE_KERNELS);
  primeTables ??= DATA_PRIMES.map(primeTable);
  return {
    ...kernels,
    tables: primeTables.map((table) => kernels.place(table).at),
    divisions: DATA_PRIMES.map((last, at) =>
      at < ANSWER_PRIMES.length
        ? []
        : DATA_PRIMES.slice(0, at).map((prime) => kernels.place(divisionConstants(last, prime)).at),
    ),
    shares: kernels.place(shareConstants()).at,
  };
}

/** Fills what `accept` leaves missing until nothing is; it gets an address of fresh bytes and returns how many it kept. */
function draw(
  kernels: ScoreKernels,
  stream: ByteStream,
  count: number,
  bytesFor: (missing: number) => number,
  accept: (bytes: number, length: number, missing: number, done: number) => number,
): void {
  kernels.scoped(() => {
    const buffer = kernels.allocate(bytesFor(count) + SPARE_BYTES);
    for (let done = 0; done < count; ) {
      const length = bytesFor(count - done);
      stream(kernels.view(buffer.at, length));
      done += accept(buffer.at, length, count - done, done);
    }
  });
}

/**
 * R, uniform over Z_q: by the Chinese remainder theorem it is when each residue is, independently. Each is 27 random bits,
 * drawn again until below its prime (at most 0.8 % are not): no bias, which a reduction would have. `out`: all primes.
 */
export function drawMask(kernels: ScoreKernels, stream: ByteStream, out: Region): void {
  for (const [k, prime] of DATA_PRIMES.entries())
    draw(
      kernels,
      stream,
      BLOCK_ROWS,
      (missing) => 4 * missing,
      (bytes, length, missing, done) =>
        kernels.call.sampleResidues(bytes, length / 4, prime, missing, out.at + k * POLYNOMIAL_BYTES + 4 * done),
    );
}

/** A column of coefficients uniform in {-1, 0, 1}: two bits each, drawn again when they are 3. */
export function drawTernary(kernels: ScoreKernels, stream: ByteStream, out: number): void {
  draw(
    kernels,
    stream,
    BLOCK_ROWS,
    (missing) => Math.ceil(missing / 2),
    (bytes, length, missing, done) => kernels.call.sampleTernary(bytes, length, missing, out + 2 * done),
  );
}

/** Words of SEAL's error distribution: centred binomial of 42 bits. */
export function drawErrors(kernels: ScoreKernels, stream: ByteStream, out: number): void {
  draw(
    kernels,
    stream,
    BLOCK_ROWS,
    (missing) => 6 * missing,
    (bytes, _length, missing) => {
      kernels.call.sampleBinomial(bytes, missing, out);
      return missing;
    },
  );
}
