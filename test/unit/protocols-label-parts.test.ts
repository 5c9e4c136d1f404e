import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { alignedParams } from "../../party/protocols/aligned/params.ts";
import { gatherLabels, joinLabels, splitLabels } from "../../party/protocols/label-parts.ts";
import { psiDhParams } from "../../party/protocols/psi-dh/params.ts";
import { psiVoleParams } from "../../party/protocols/psi-vole/params.ts";
import { sealedBytes } from "../../party/protocols/sealed-rows.ts";
import { MAX_LABEL_BYTES } from "../../party/protocols/step.ts";
import { MAX_LABELS_BYTES } from "../../proto/agreement/label-columns.ts";
import { MAX_BODY_BYTES } from "../../proto/codec/frame.ts";
import { codeOf } from "../support/code-of.ts";

const parts = fc
  .tuple(fc.nat(20), fc.array(fc.nat(9), { maxLength: 4 }))
  .chain(([count, widths]) =>
    fc.tuple(
      fc.constant(count),
      fc.tuple(
        ...widths.map((width) =>
          fc.uint8Array({ minLength: count * width, maxLength: count * width }).map((bytes) => ({ bytes, width })),
        ),
      ),
    ),
  );

describe("parts of labels", () => {
  it("are joined row by row, and come apart again", () => {
    fc.assert(
      fc.property(parts, ([count, given]) => {
        const labels = joinLabels(given, count);
        const rows = Array.from({ length: count }, (_, row) =>
          given.flatMap(({ bytes, width }) => [...bytes.subarray(row * width, (row + 1) * width)]),
        );
        expect([...labels]).toEqual(rows.flat());
        const widths = given.map(({ width }) => width);
        expect(splitLabels(labels, widths, count)).toEqual(given.map(({ bytes }) => new Uint8Array(bytes)));
      }),
    );
  });

  it("are gathered for some rows", () => {
    const part = { bytes: Uint8Array.of(0, 1, 10, 11, 20, 21), width: 2 };
    expect([...gatherLabels(part, Uint32Array.of(2, 0))]).toEqual([20, 21, 0, 1]);
  });

  it("of another number of rows are refused", () => {
    expect(codeOf(() => joinLabels([{ bytes: new Uint8Array(8), width: 4 }], 3))).toBe("INTERNAL");
    expect(codeOf(() => splitLabels(new Uint8Array(8), [4], 3))).toBe("INTERNAL");
  });
});

test("a score's part and the longest label columns fit a row's label", () => {
  expect(MAX_LABEL_BYTES).toBe(8 + MAX_LABELS_BYTES);
});

test.each([1, 8, 64, 65, 200, MAX_LABEL_BYTES])(
  "frames of sealed rows with labels of %i bytes fit the wire",
  (labelBytes) => {
    const shape = { partitions: 1024, receiverCapacity: 2 ** 18, senderCapacity: 2 ** 18, labelBytes };
    const forms = {
      "psi-vole": psiVoleParams(shape),
      "psi-dh": psiDhParams(shape),
      aligned: alignedParams(shape),
    };
    // Room for the envelope of the message.
    for (const [name, form] of Object.entries(forms))
      expect(sealedBytes(form, shape.senderCapacity, 0), name).toBeLessThan(MAX_BODY_BYTES - 1024);
    // Nothing changes for those that were there before.
    if (labelBytes <= 64) expect(forms["psi-vole"].chunkRows).toBe(2 ** 15);
    if (labelBytes <= 8) expect(forms.aligned.chunkRows).toBe(2 ** 16);
  },
);
