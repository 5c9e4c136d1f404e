/** Two nodes whose bureau gives labels away: its data in plain, for a join to compare with, and jobs over them. */
import { join } from "node:path";
import { expect } from "vitest";
import type { Job } from "../../party/jobs/lifecycle.ts";
import { startJob } from "../../party/jobs/start.ts";
import type { Tag } from "../../party/tags/tag.ts";
import { toEntenteError } from "../../proto/errors.ts";
import type { Digest } from "../../proto/ids.ts";
import { demoAgreement, withColumns } from "./demo-agreement.ts";
import { phoneOf, REPAYMENTS, range, writePeople } from "./people.ts";
import { requestOf } from "./policy-nodes.ts";
import { type Changes, TwoNodes } from "./two-nodes.ts";

export const SHARED = range(300, 600);
const CITIES = ["上海", "Beijing", "", "Xi'an"];
export const carOf = (person: number) => ["true", "false", ""][person % 3] as string;
export const cityOf = (person: number) => CITIES[person % 4] as string;
const spendOf = (person: number) => (person % 5 === 0 ? "" : person / 8 - 60);
/** Own, and a column of both names. */
export const limitOf = (person: number) => (person % 100) * 10;
export const subjectOf = (person: number) => `+86${phoneOf(person)}`;

export const LABELS = [
  { name: "has_car", role: "label", grade: 2, type: "boolean" },
  { name: "city", role: "label", grade: 2, type: "text", maxBytes: 12 },
  { name: "spend", role: "label", grade: 3, type: "number" },
];

export type Wish = Parameters<typeof requestOf>[0];

export class LabelledNodes {
  readonly nodes: TwoNodes;
  #titles = 0;

  private constructor(nodes: TwoNodes) {
    this.nodes = nodes;
  }

  static async start(changes: Changes = {}): Promise<LabelledNodes> {
    const nodes = await TwoNodes.start(changes);
    const data = join(nodes.coordinator.folder, "data");
    const labels = { has_car: carOf, city: cityOf, spend: spendOf };
    await nodes.register({
      bank: await writePeople(join(data, "bank.csv"), range(0, 600), { limit: limitOf, spend: limitOf }),
      bureau: await writePeople(join(data, "bureau.csv"), range(300, 900), { ...REPAYMENTS, ...labels }),
    });
    return new LabelledNodes(nodes);
  }

  /** Both operations by `protocol`, the score with `alignment`, over a partner's dataset with these further columns. */
  agree(
    { protocol = "psi-vole", alignment = "hidden", outputs = ["tier"] } = {},
    columns: readonly object[] = LABELS,
  ): Promise<Digest> {
    const budgets = { runsPerEpoch: 1000, runsPerDay: 1000, scoresPerModelVersion: 1000, modelVersionsPerEpoch: 1000 };
    const floors = { input: 10, result: 5, sizeRatio: 1_000 };
    const title = `Labels ${++this.#titles}`;
    const draft = demoAgreement({ title, budgets, floors }, protocol as "psi-dh") as {
      operations: { operation: string }[];
    };
    const operations = draft.operations.map((item) =>
      item.operation === "score" ? { ...item, alignment, outputs } : item,
    );
    return this.nodes.agree(withColumns({ ...draft, operations }, columns));
  }

  /** Until both nodes have done with it. */
  async run(wish: Wish): Promise<{ job: Job; tags: Tag[] }> {
    const { bank: job, bureau } = await this.nodes.run(requestOf(wish));
    expect([job.state, bureau.state, job.reason]).toEqual(["done", "done", undefined]);
    return { job, tags: await this.tagsOf(job.jobId) };
  }

  async tagsOf(jobId: string): Promise<Tag[]> {
    const { store, clock } = this.nodes.bank;
    const tags: Tag[] = [];
    for await (const tag of store.tags({ now: clock.now(), jobId })) tags.push(tag);
    return tags;
  }

  /** Code and detail of what asking throws; no job is recorded then. */
  async refusalOf(wish: Wish): Promise<string> {
    const { bank } = this.nodes;
    const before = (await bank.book.list()).length;
    const error = await startJob(bank.connected, requestOf(wish), "analyst").catch(toEntenteError);
    expect(await bank.book.list()).toHaveLength(before);
    return "code" in error ? `${error.code} ${error.detail}` : "accepted";
  }
}

/** Who has a tag, in order. */
export function holders(tags: readonly Tag[], key: string, value: string): string[] {
  return tags
    .filter((tag) => tag.key === key && tag.value === value)
    .map(({ subject }) => subject)
    .sort();
}
