import fc from "fast-check";
import { expect, test } from "vitest";
import { encodeMasked } from "../../party/crypto/okvs/bin.ts";
import { keyedState } from "../../party/crypto/okvs/blake2s.ts";
import { DENSE_SLOTS } from "../../party/crypto/okvs/params.ts";
import { binRows } from "../../party/crypto/okvs/row-bins.ts";
import { twinDecode, twinRank, twinRow } from "../../party/crypto/okvs/twin.ts";
import { EntenteError } from "../../proto/errors.ts";
import { okvsKernels } from "../support/psi-vole-platform.ts";

const kernels = okvsKernels();
const mask = new Uint8Array(16).fill(0xff);

test("a bin of any size either decodes to every value or has dependent rows or too large a gap", () => {
  let encoded = 0;
  let refused = 0;
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 32, maxLength: 32 }),
      fc.integer({ min: 1, max: 120 }),
      fc.double({ min: 0.2, max: 1.6, noNaN: true }),
      (key, rows, ratio) => {
        const sparse = Math.max(3, Math.ceil(rows * ratio));
        const slots = sparse + DENSE_SLOTS;
        const plan = { bins: 1, binCapacity: rows, sparse, binSlots: slots, slots };
        const ids = Uint8Array.from({ length: rows * 16 }, (_, i) => (i % 16 === 0 ? i / 16 : 0));
        const input = { ids, capacity: rows, dummyKind: 1, dummyPrefix: new Uint8Array(12) };
        const bins = binRows(kernels, plan, { ...input, state: keyedState(key, 32), valueMask: mask });
        const twins = Array.from(bins.rows(0), (row) =>
          twinRow(key, ids.subarray(row * 16, (row + 1) * 16), 0, plan, mask),
        );
        try {
          const store = encodeMasked(kernels, bins, 0, new Uint8Array(slots * 16), 16);
          for (const row of twins) expect(twinDecode(plan, store, row)).toEqual(row.value);
          encoded++;
        } catch (error) {
          if (!(error instanceof EntenteError)) throw error;
          expect(error.code).toBe("INTERNAL");
          // A gap is at most the rows that the sparse slots leave over, and those of the cores between.
          if (rows <= DENSE_SLOTS) expect(twinRank(plan, twins)).toBeLessThan(rows);
          refused++;
        }
      },
    ),
    { numRuns: 150, seed: 7 },
  );
  expect(encoded).toBeGreaterThan(20);
  expect(refused).toBeGreaterThan(5);
});
