/** Joint audience reports in whole jobs of two nodes, beside what SQL over both files in the clear says. */
import type { Logger } from "pino";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Access } from "../../party/access/access.ts";
import { handlers } from "../../party/api/handlers.ts";
import { dryRun } from "../../party/jobs/dry-run.ts";
import type { Digest } from "../../proto/ids.ts";
import { ANALYST, auditOf, entriesOf, outcomeAtBank, rateOf, requestOf, subjectsOf } from "../support/policy-nodes.ts";
import { BY_CITY, type By, EPOCH_DAYS, HOSTILE, ReportWorld, reportWish, shownIn } from "../support/report-world.ts";

let world: ReportWorld;
beforeAll(async () => {
  world = await ReportWorld.start();
});
beforeEach(() => world.times.nextEpoch(EPOCH_DAYS));
afterAll(() => world.nodes.close());

const quiet = {} as never;
const routes = () => handlers(world.nodes.bank, {} as Access, {} as Logger, "0");

describe("a report by a column of texts", () => {
  let agreement: Digest;
  beforeAll(async () => {
    agreement = await world.agree();
  });

  test("has the sizes and counts that SQL finds, without those of few people and one beside them", async () => {
    const job = await world.run(agreement);
    const truth = await world.oracle("city");
    const all = [...truth.values()].reduce(([a, b], [size, matched]) => [a + size, b + matched], [0, 0]);
    expect(job.summary?.report?.total).toEqual({ size: all[0], overlap: all[1], rate: "42%" });
    const [shanghai, hostile, beijing] = ["Shanghai", HOSTILE, "Beijing"].map((city) => truth.get(city));
    expect([truth.get("Lhasa"), truth.get("")]).toEqual([
      [40, 13],
      [60, 20],
    ]);
    expect(shownIn(job)).toEqual([
      ["Shanghai", ...(shanghai ?? []), "50%"],
      [HOSTILE, ...(hostile ?? []), "33%"],
      // 67 of 200 could be shown; but then so could the rest.
      ["Beijing", beijing?.[0], null, null],
      ["Lhasa", 40, null, null],
      ["blank", 60, null, null],
    ]);
    expect(job.summary?.matchRate).toBe("42%");
  });

  test("is kept at the receiver alone, and nothing of it is in evidence but a commitment", async () => {
    const { jobId } = await world.run(agreement);
    const bureau = await world.nodes.ended(world.nodes.bureau, jobId);
    expect(Object.keys(bureau.summary ?? {}).sort()).toEqual(["bytesReceived", "bytesSent", "seconds"]);
    expect(await subjectsOf(world.nodes.bank)).toEqual([]);
    for (const node of [world.nodes.bank, world.nodes.bureau]) {
      const charged = (await entriesOf(node)).flatMap(({ statement: { predicate } }) =>
        "charge" in predicate && predicate.jobId === jobId ? [predicate.charge?.groups] : [],
      );
      expect(charged).toEqual([expect.any(Number)]);
    }
    for (const { event, statement } of await entriesOf(world.nodes.bank)) {
      if (event === "opened") expect(statement.predicate).toMatchObject({ outputSizeClass: null, tags: null });
      expect(JSON.stringify(statement.predicate)).not.toMatch(/Shanghai|city|\d%/);
    }
    const audit = await auditOf([world.nodes.bank, world.nodes.bureau]);
    expect(audit.problems).toEqual([]);
    expect(JSON.stringify(audit)).toContain("42%");
  });

  test("is an answer of the API as JSON and as files, to analysts", async () => {
    const { jobId, summary } = await world.run(agreement);
    const caller = { person: ANALYST, roles: ["analyst"] } as never;
    const answer = await routes().jobReport({ jobId } as never, caller, quiet);
    expect(answer).toMatchObject({
      job: { jobId, dataset: "customers", peerDataset: "repayments", peer: "bureau" },
      report: summary?.report,
    });
    for (const format of ["html", "svg", "json"] as const) {
      const { contentType, stream } = (await routes().jobReportFile(
        { jobId, format, language: "en" } as never,
        caller,
        quiet,
      )) as never as {
        contentType: string;
        stream: AsyncIterable<Uint8Array>;
      };
      let text = "";
      for await (const chunk of stream) text += Buffer.from(chunk).toString();
      expect(contentType).toContain(format === "svg" ? "svg" : format);
      expect(text.includes("<script")).toBe(format === "json");
      expect(text).toContain("Shanghai");
    }
    expect(JSON.stringify(await routes().job({ jobId } as never, caller, quiet))).not.toContain("Shanghai");
  });

  test("needs something to be broken down by, of the right type, and a column that there is", async () => {
    expect(await outcomeAtBank(world.nodes, requestOf({ agreement, output: "overlap-report" }))).toBe("BAD_REQUEST");
    expect(await world.outcome(agreement, [{ column: "nowhere" }])).toBe("DATASET_COLUMN_UNKNOWN");
    expect(await world.outcome(agreement, [{ column: "phone" }])).toBe("DATASET_COLUMN_TYPE");
    expect(await world.outcome(agreement, [{ column: "balance" }])).toBe("BAD_REQUEST");
    expect(await world.outcome(agreement, [{ column: "city", bounds: [1] }])).toBe("BAD_REQUEST");
    expect(await world.outcome(agreement, [...BY_CITY, ...BY_CITY])).toBe("BAD_REQUEST");
    expect(await outcomeAtBank(world.nodes, { ...rateOf(agreement), by: BY_CITY })).toBe("BAD_REQUEST");
  });

  test("is not run where it was not agreed on", async () => {
    expect(await world.outcome(await world.agree({}, ["match-rate"]))).toBe("POLICY_OUTPUT");
  });

  test("is told of before it runs, with its groups and floor", async () => {
    const told = await dryRun(world.nodes.bank.connected, reportWish(agreement));
    expect(told.decision.refusedBy).toBeUndefined();
    // Four cities, others, blank.
    expect(told.statement.parts.youLearn).toMatch(
      /in up to 6 groups of your own making, each only where at least 50 are/,
    );
  });
});

test("by ranges of a column of numbers, over a part of the list", async () => {
  const agreement = await world.agree();
  const job = await world.run(agreement, [{ column: "balance", bounds: [250, 500, 750] }], "city = 'Shanghai'");
  const truth = await world.oracle("floor(balance::DOUBLE / 250)", "city = 'Shanghai'");
  const groups = ["0.0", "1.0", "2.0", "3.0", ""].map((name) => truth.get(name) as readonly [number, number]);
  expect(groups.map(([size]) => size).reduce((a, b) => a + b, 0)).toBe(600);
  const shown = shownIn(job);
  expect(shown.map(([, size]) => size)).toEqual(groups.map(([size]) => size));
  for (const [i, [, , overlap]] of shown.entries()) if (overlap !== null) expect(overlap).toBe(groups[i]?.[1]);
  expect(shown.filter(([, , overlap]) => overlap !== null).length).toBeGreaterThanOrEqual(2);
});

describe("by segments", () => {
  const define = (name: string, text: string) =>
    world.nodes.bank.segments.define(
      { name, dataset: "customers", definition: { kind: "sql", expression: text } },
      ANALYST,
    );
  const isEast = "city in ('Shanghai', 'Beijing')";
  beforeAll(async () => {
    await define("rich", "balance >= 600");
    await define("east", isEast);
  });

  test("that overlap, beside a column: all from one pass, each as SQL counts it", async () => {
    const by: By = [{ segment: "east" }, { segment: "rich" }, { column: "city", values: ["Shanghai"] }];
    const job = await world.run(await world.agree(), by);
    for (const [place, condition] of [isEast, "balance::DOUBLE >= 600"].entries()) {
      const [size, matched] = (await world.oracle(`coalesce(${condition}, false)`)).get("true") ?? [];
      expect(shownIn(job, place)).toEqual([["member", size, matched, expect.stringMatching(/^\d+%$/)]]);
    }
    expect(job.summary?.report?.breakdowns.map(({ kind, name }) => [kind, name])).toEqual([
      ["segment", "east"],
      ["segment", "rich"],
      ["column", "city"],
    ]);
  });

  test("stays with the version that it was asked with, and names one that there is", async () => {
    const agreement = await world.agree();
    await define("moving", "balance < 500");
    const first = await world.run(agreement, [{ segment: "moving" }]);
    await define("moving", "balance < 490");
    expect(shownIn(await world.run(agreement, [{ segment: "moving", version: 1 }]))).toEqual(shownIn(first));
    // Twelve people less, beside the first.
    expect(shownIn(await world.run(agreement, [{ segment: "moving" }])).map(([, , overlap]) => overlap)).toEqual([
      null,
    ]);
    expect(await world.outcome(agreement, [{ segment: "nobody" }])).toBe("NOT_FOUND");
    expect(await world.outcome(agreement, [{ segment: "moving", version: 9 }])).toBe("NOT_FOUND");
  });
});

test("noise is the same for the same report, and for the total that of the match rate", async () => {
  const agreement = await world.agree({ noise: { kind: "discrete-laplace", scale: 30 } });
  const first = await world.run(agreement);
  const again = await world.run(agreement);
  expect(again.summary?.report).toEqual(first.summary?.report);
  expect(first.summary?.report?.noiseScale).toBe(30);
  expect((await world.ran(requestOf(rateOf(agreement)))).summary?.matchRate).toBe(first.summary?.matchRate);
});
