/** What both nodes tell of a job while it runs: from the real nodes, over the real API, to the client. */
import { join } from "node:path";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { openAccess } from "../../party/access/access.ts";
import { handlers } from "../../party/api/handlers.ts";
import { HttpLimits } from "../../party/api/http-limits.ts";
import { type Api, startApi } from "../../party/api/server.ts";
import { JobBook } from "../../party/jobs/book.ts";
import type { Node } from "../../party/node.ts";
import type { ProgressReport } from "../../party/progress/meter.ts";
import { stepKey } from "../../proto/http/progress.ts";
import { stepText } from "../../proto/http/progress-text.ts";
import { ROLES } from "../../proto/http/route.ts";
import type { Digest } from "../../proto/ids.ts";
import { nodePorts } from "../../proto/ports/node.ts";
import { EntenteClient, type Job } from "../../sdk/client.ts";
import { RISK_MODEL } from "../support/credit.ts";
import { demoAgreement, generous } from "../support/demo-agreement.ts";
import { REPAYMENTS, range, writePeople } from "../support/people.ts";
import { TwoNodes } from "../support/two-nodes.ts";

let nodes: TwoNodes;
let agreement: Digest;
const apis: Api[] = [];

async function clientOf(node: Node): Promise<EntenteClient> {
  const { random, timers } = nodePorts;
  const logger = pino({ level: "silent" });
  const access = openAccess({ store: node.store, random, timers, nowMs: () => node.clock.nowMs(), logger });
  const { token } = await access.tokens.create({ person: "Wang Li", roles: ROLES, expiresInDays: 1 }, null);
  const api = await startApi({
    handlers: handlers(node, access, logger, "0"),
    access,
    port: 0,
    logger,
    random,
    timers,
    limits: new HttpLimits(node.limits, nodePorts.clock),
  });
  apis.push(api);
  return new EntenteClient({ url: api.url, token });
}

beforeAll(async () => {
  nodes = await TwoNodes.start();
  const data = join(nodes.coordinator.folder, "data");
  await nodes.register({
    bank: await writePeople(join(data, "bank.csv"), range(0, 2_000), { limit: (person) => person % 7 }),
    bureau: await writePeople(join(data, "bureau.csv"), range(500, 2_500), REPAYMENTS),
  });
  agreement = await nodes.agree(demoAgreement(generous()));
}, 30_000);
afterAll(async () => {
  await Promise.all(apis.map((api) => api.close()));
  await nodes.close();
});

test("both roles are told the steps in their order, and the final state last", async () => {
  const [bank, bureau] = [await clientOf(nodes.bank), await clientOf(nodes.bureau)];
  const request = { agreement, dataset: "customers", peerDataset: "repayments" } as const;
  const job = await bank.call("startJob", {
    operation: "audience",
    ...request,
    tag: { key: "marketing:joint", value: "yes" },
  });
  const follow = async (client: EntenteClient) => {
    const seen: Job[] = [];
    for await (const state of client.jobProgress(job.jobId)) seen.push(state);
    return seen;
  };
  const untilThere = async () => {
    while (!(await bureau.call("jobs", {})).jobs.some(({ jobId }) => jobId === job.jobId));
  };
  const [atBank, atBureau] = await Promise.all([follow(bank), untilThere().then(() => follow(bureau))]);
  for (const seen of [atBank, atBureau]) {
    expect(seen.at(-1)).toMatchObject({ state: "done", progress: null });
    expect(seen.slice(0, -1).every(({ state }) => state !== "done")).toBe(true);
  }
  expect(atBank.at(-1)?.summary).toMatchObject({ matched: 1_500 });
  expect(atBureau.at(-1)?.summary?.matched).toBeUndefined();
  const later: Job[] = [];
  for await (const state of bank.jobProgress(job.jobId)) later.push(state);
  expect(later).toEqual([atBank.at(-1)]);
});

describe("steps", () => {
  /** All that the two nodes report while `run` runs, by node. */
  async function reportsOf(run: () => Promise<unknown>): Promise<{ bank: ProgressReport[]; bureau: ProgressReport[] }> {
    const reports = { bank: [] as ProgressReport[], bureau: [] as ProgressReport[] };
    const spy = vi.spyOn(JobBook.prototype, "report").mockImplementation(function (this: JobBook, _id, report) {
      reports[this === nodes.bank.book ? "bank" : "bureau"].push(report);
    });
    try {
      await run();
    } finally {
      spy.mockRestore();
    }
    return reports;
  }

  /** Steps in order, each with its last report. */
  function lastOfEach(reports: readonly ProgressReport[]): [string, number, number | null, string][] {
    const steps = new Map<string, ProgressReport>();
    for (const report of reports) {
      const before = steps.get(stepKey(report));
      expect(report.done, stepKey(report)).toBeGreaterThanOrEqual(before?.done ?? 0);
      steps.set(stepKey(report), report);
    }
    return [...steps.values()].map((report) => [stepText(report, "en"), report.done, report.total, report.unit]);
  }

  const part = (name: string) => `partition 1 of 1: ${name}`;

  test("of an audience: every protocol step is told to its end, at both roles", async () => {
    const { bank, bureau } = await reportsOf(() => nodes.run({ agreement }));
    const shared = [
      ["reading the dataset", 2_000, 2_000, "rows"],
      [part("drawing shared randomness"), 5, 5, "messages"],
      [part("matching masked ids"), 2_048, 2_048, "rows"],
      [part("sealed tags"), 2_048, 2_048, "rows"],
    ];
    expect(lastOfEach(bank)).toEqual([
      ["asking the peer", 0, null, "steps"],
      ...shared,
      ["signing the receipt", 0, null, "steps"],
      ["committing to the input", 0, 1, "partitions"],
      ["opening the result", 0, 1, "partitions"],
      ["issuing tags", 1_500, 1_500, "tags"],
    ]);
    expect(lastOfEach(bureau)).toEqual([
      ...shared,
      ["signing the receipt", 0, null, "steps"],
      ["committing to the input", 0, 1, "partitions"],
      ["releasing the keys", 0, null, "steps"],
    ]);
  });

  test("of a score: the model and its answers, too", async () => {
    const model = { ...RISK_MODEL, features: RISK_MODEL.features.filter(({ party }) => party === "partner") };
    const score = { operation: "score", model, tag: { key: "risk:default", expiresInDays: 3 } };
    const { bank, bureau } = await reportsOf(() => nodes.run({ agreement, ...score } as never));
    for (const reports of [bank, bureau]) {
      const steps = new Map(lastOfEach(reports).map(([step, done, total]) => [step, [done, total]]));
      const [done, total] = steps.get(part("encrypted model")) ?? [];
      expect(done).toBe(total);
      expect(total).toBeGreaterThan(0);
      expect(steps.get(part("encrypted scores"))).toEqual([2_048, 2_048]);
      expect(steps.get(part("sealed tags"))).toEqual([2_048, 2_048]);
    }
  });

  test("of psi-dh", async () => {
    const byDh = await nodes.agree(demoAgreement({ ...generous(), title: "By ECDH" }, "psi-dh"));
    const { bank, bureau } = await reportsOf(() => nodes.run({ agreement: byDh }));
    for (const reports of [bank, bureau])
      expect(lastOfEach(reports).filter(([step]) => step.startsWith("partition"))).toEqual([
        [part("matching blinded ids"), 2_048, 2_048, "rows"],
        [part("sealed tags"), 2_048, 2_048, "rows"],
      ]);
  });
});
