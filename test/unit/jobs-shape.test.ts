import { expect, test } from "vitest";
import { jobShape } from "../../party/jobs/shape.ts";
import { partitionPlan } from "../../party/protocols/plan.ts";
import type { JobSpec } from "../../proto/agreement/job-spec.ts";
import type { LabelColumn } from "../../proto/agreement/label-columns.ts";
import { sizeClassOf } from "../../proto/size-class.ts";

const CLASS = sizeClassOf(10_000_000);

function shapeOf(labels: readonly LabelColumn[]) {
  const spec = { protocol: "psi-vole", alignment: "hidden", receiverSizeClass: CLASS };
  return jobShape({ ...spec, ...(labels.length === 0 ? {} : { labels }) } as JobSpec, CLASS, partitionPlan);
}

const texts = (count: number) =>
  Array.from({ length: count }, (_, i): LabelColumn => ({ name: `t${i}`, type: "text", maxBytes: 61 }));

test.each([
  [[], 0],
  [[{ name: "has_car", type: "boolean" }], 1],
  [[{ name: "spend", type: "number" }], 8],
  [texts(1), 62],
  [texts(4), 248],
] as const)("labels %j: %i bytes a row, and a partition's stay within 64 MiB", (labels, labelBytes) => {
  const { plan, ...shape } = shapeOf(labels);
  expect(shape.labelBytes).toBe(labelBytes);
  expect(plan.senderCapacity * labelBytes).toBeLessThanOrEqual(2 ** 26);
  expect(plan.senderCapacity * plan.partitions).toBeGreaterThanOrEqual(10_000_000);
  // Short labels do not cut a job into more pieces.
  if (labelBytes <= 32) expect(plan).toEqual(shapeOf([]).plan);
});
