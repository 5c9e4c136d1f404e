/** What the noise of an aggregate output is drawn from. */
import { expect, test } from "vitest";
import type { Asked } from "../../party/jobs/ask.ts";
import { noiseSecret } from "../../party/jobs/sketching.ts";
import { toHex } from "../../proto/encoding/bytes.ts";
import { DifferenceSketch } from "../../proto/policy/sketch.ts";

const SPEC = { provider: "bureau", receiverDataset: "customers", providerDataset: "repayments" };
const SKETCH = new DifferenceSketch();

function drawn(spec: object, providerVersion = "v1"): string {
  const asked = {
    deps: { keyring: { epochSeed: new Uint8Array(32).fill(7) } },
    spec: { ...SPEC, ...spec },
    list: { rows: 0, sketched: { sketch: SKETCH, epoch: { number: 3, endsAtMs: 1 } } },
  };
  return toHex(noiseSecret(asked as unknown as Asked, providerVersion));
}

test("asking again draws nothing new", () => {
  expect(drawn({})).toBe(drawn({}));
  expect(drawn({ providerSegment: { name: "vip", version: 1 } })).toBe(
    drawn({ providerSegment: { name: "vip", version: 1 } }),
  );
});

test("another pair, segment, version of either draws anew: equal noise would cancel between them", () => {
  const all = [
    drawn({}),
    drawn({}, "v2"),
    drawn({ providerDataset: "others" }),
    drawn({ providerSegment: { name: "vip", version: 1 } }),
    drawn({ providerSegment: { name: "vip", version: 2 } }),
    drawn({ providerSegment: { name: "rest", version: 1 } }),
  ];
  expect(new Set(all).size).toBe(all.length);
});
