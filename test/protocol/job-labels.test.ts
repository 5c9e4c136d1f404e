/** Columns of the partner's that reach the bank for matched people, in whole jobs of two nodes, against a join in plain. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { JobId } from "../../proto/ids.ts";
import { carOf, cityOf, holders, LabelledNodes, limitOf, SHARED, subjectOf } from "../support/labelled-nodes.ts";
import { REPAYMENTS } from "../support/people.ts";

/** Exact in the model's integers. */
const MODEL = {
  format: "entente-linear/1",
  name: "points",
  version: "1",
  tagKey: "risk:points",
  kind: "linear-regression",
  link: "identity",
  intercept: 0,
  features: [{ party: "partner", column: "PAY_0", weight: 0.03125, clip: [-8, 8], missing: 0 }],
  tiers: [{ tier: "A", minScore: 0 }, { tier: "B" }],
};
const tierOf = (person: number) => ((REPAYMENTS.PAY_0?.(person) as number) >= 0 ? "A" : "B");

let world: LabelledNodes;
beforeAll(async () => {
  world = await LabelledNodes.start();
});
afterAll(() => world.nodes.close());

const RULES = [
  "has_car and city = 上海 -> auto-loan:hot",
  "not (has_car or not has_car = true) or label.spend >= 0 -> marketing:spender",
];
const EXPECTED: Record<string, (person: number) => boolean> = {
  "auto-loan=hot": (person) => carOf(person) === "true" && cityOf(person) === "上海",
  "marketing=spender": (person) => person % 5 !== 0 && person / 8 - 60 >= 0,
};

describe.each(["psi-dh", "psi-vole"])("an audience by %s", (protocol) => {
  test("knows the labels of whom it found, and rules can name them", async () => {
    const agreement = await world.agree({ protocol });
    const { tags, job } = await world.run({ agreement, labels: ["city", "has_car", "spend"], rules: RULES });
    expect(job.summary?.matched).toBe(SHARED.length);
    for (const [name, holds] of Object.entries(EXPECTED)) {
      const [key, value] = name.split("=") as [string, string];
      expect(holders(tags, key, value), name).toEqual(SHARED.filter(holds).map(subjectOf));
    }
    expect(holders(tags, "marketing:joint", "yes")).toHaveLength(SHARED.length);
  });
});

describe("a score", () => {
  const rules = ["tier = A and has_car -> auto-loan:hot"];
  const hot = SHARED.filter((person) => tierOf(person) === "A" && carOf(person) === "true").map(subjectOf);
  const tag = { key: "risk:points", expiresInDays: 30 };
  const wish = { operation: "score", output: "tier", model: MODEL, labels: ["has_car"], rules, tag } as const;

  test("that is hidden", async () => {
    const { tags } = await world.run({ ...wish, labels: [...wish.labels], agreement: await world.agree() });
    expect(holders(tags, "auto-loan", "hot")).toEqual(hot);
    for (const person of SHARED)
      expect(tags.find((tag) => tag.subject === subjectOf(person) && tag.key === "risk:points")?.value).toBe(
        tierOf(person),
      );
  });

  test("that is shared, over the people whom an audience found", async () => {
    const agreement = await world.agree({ alignment: "shared" });
    const { job: audience } = await world.run({ agreement, filter: '"limit" < 500' });
    const { tags } = await world.run({
      ...wish,
      labels: [...wish.labels],
      agreement,
      audience: audience.jobId as JobId,
    });
    const isFound = new Set(SHARED.filter((person) => limitOf(person) < 500).map(subjectOf));
    expect(holders(tags, "auto-loan", "hot")).toEqual(hot.filter((subject) => isFound.has(subject)));
    expect(tags.filter(({ key }) => key === "risk:points")).toHaveLength(isFound.size);
  });
});
