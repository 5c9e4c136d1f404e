/** The partner's shares of an answer's scores, from the seed of its mask. */
import type { ByteStream } from "../crypto/bulk.ts";
import { drawMask, loadScoreKernels, POLYNOMIAL_BYTES } from "./kernels.ts";
import { shareOf } from "./mask.ts";
import { BLOCK_ROWS, DATA_PRIMES } from "./params.ts";
import { checkReleased, type Released } from "./released.ts";

export function createShares(
  wasm: Uint8Array<ArrayBuffer>,
): (mask: ByteStream, released: Released) => Uint32Array<ArrayBuffer> {
  const kernels = loadScoreKernels(wasm);
  return (mask, released) => {
    checkReleased(released);
    const { first, stride, count } = released;
    return kernels.scoped(() => {
      const maskSecret = kernels.allocate(DATA_PRIMES.length * POLYNOMIAL_BYTES);
      const out = kernels.allocate(4 * count);
      const doubtful = kernels.allocate(4 * count);
      drawMask(kernels, mask, maskSecret);
      const at = maskSecret.at + 4 * first;
      const doubts = kernels.call.roundShares(at, 4 * stride, count, kernels.shares, out.at, doubtful.at) as number;
      const shares = out.words().slice();
      const words = maskSecret.words();
      for (const j of doubtful.words().subarray(0, doubts))
        shares[j] = shareOf(DATA_PRIMES.map((_, k) => words[k * BLOCK_ROWS + first + stride * j] as number));
      return shares;
    });
  };
}
