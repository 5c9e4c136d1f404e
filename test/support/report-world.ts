/** The world of the report tests: bank and bureau, a list with cities and balances, and what SQL says of both files. */
import { appendFile } from "node:fs/promises";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import type { Job } from "../../party/jobs/lifecycle.ts";
import type { Digest } from "../../proto/ids.ts";
import { phoneOf, REPAYMENTS, range, writePeople } from "./people.ts";
import { begin, outcomeAtBank, requestOf, smallAgreement, Times, untilEnded } from "./policy-nodes.ts";
import { type Changes, TwoNodes } from "./two-nodes.ts";

export const HOSTILE = "<script>alert(1)</script>";
export const EPOCH_DAYS = 3;
/** 600, 300, 200, 40 and 60 people. */
const cityOf = (person: number) => {
  if (person < 600) return "Shanghai";
  if (person < 900) return HOSTILE;
  if (person < 1100) return "Beijing";
  return person < 1140 ? "Lhasa" : "";
};
const balanceOf = (person: number) => (person % 50 === 0 ? "" : (person % 100) * 10);
const isKnown = (person: number) => (person < 600 ? person % 2 === 0 : person % 3 === 0);

type Wish = ReturnType<typeof requestOf>;
export type By = NonNullable<Wish["by"]>;
export const BY_CITY: By = [{ column: "city" }];

export class ReportWorld {
  readonly nodes: TwoNodes;
  readonly times: Times;
  readonly #files: { readonly bank: string; readonly bureau: string };
  #titles = 0;

  private constructor(nodes: TwoNodes, times: Times, files: { readonly bank: string; readonly bureau: string }) {
    this.nodes = nodes;
    this.times = times;
    this.#files = files;
  }

  static async start(changes: Pick<Changes, "startWorker"> = {}): Promise<ReportWorld> {
    const times = new Times();
    const ports = (party: "bank" | "bureau") => ({ ports: times.portsOf(party) });
    const nodes = await TwoNodes.start({ bank: ports("bank"), bureau: ports("bureau"), ...changes });
    const data = join(nodes.coordinator.folder, "data");
    const bank = await writePeople(join(data, "bank.csv"), range(0, 1200), { city: cityOf, balance: balanceOf });
    // Of two rows of a person the first counts, in its group, too.
    await appendFile(bank, `${phoneOf(0)},Lhasa,5\n`);
    const known = [...range(0, 1200).filter(isKnown), ...range(5000, 5600)];
    const files = { bank, bureau: await writePeople(join(data, "bureau.csv"), known, REPAYMENTS) };
    await nodes.register(files);
    return new ReportWorld(nodes, times, files);
  }

  agree(changes: Record<string, unknown> = {}, outputs = ["overlap-report", "match-rate"]): Promise<Digest> {
    const { operations } = smallAgreement() as { operations: { operation: string }[] };
    const budgets = { runsPerEpoch: 1000, runsPerDay: 1000, epochDays: EPOCH_DAYS };
    const changed = operations.map((item) => (item.operation === "audience" ? { ...item, outputs } : item));
    const title = `Reports ${++this.#titles}`;
    const floors = { result: 100, ...(changes.floors as object | undefined) };
    return this.nodes.agree(smallAgreement({ title, budgets, operations: changed, ...changes, floors }));
  }

  /** Until both nodes have done with it. */
  async ran(wish: Wish): Promise<Job> {
    const { jobId, finished } = await begin(this.nodes, wish);
    await finished;
    await untilEnded(this.nodes.bureau, jobId);
    return this.nodes.bank.book.require(jobId);
  }

  run(agreement: Digest, by?: By, filter?: string): Promise<Job> {
    return this.ran(reportWish(agreement, by, filter));
  }

  outcome(agreement: Digest, by?: By, filter?: string): Promise<string> {
    return outcomeAtBank(this.nodes, reportWish(agreement, by, filter));
  }

  /** By group: people, and people whom the bureau knows. */
  async oracle(group: string, where = "true"): Promise<Map<string, readonly [number, number]>> {
    const db = await (await DuckDBInstance.create(":memory:")).connect();
    const { bank, bureau } = this.#files;
    try {
      const reader = await db.runAndReadAll(`
        WITH own AS (SELECT phone, first(${group} ORDER BY n) AS grouped FROM
            (SELECT *, row_number() OVER () AS n FROM read_csv('${bank}', all_varchar = true)) WHERE ${where} GROUP BY phone),
          theirs AS (SELECT DISTINCT phone FROM read_csv('${bureau}', all_varchar = true))
        SELECT coalesce(grouped::VARCHAR, '') AS g, count(*)::INTEGER AS size, count(theirs.phone)::INTEGER AS matched
        FROM own LEFT JOIN theirs USING (phone) GROUP BY g`);
      const rows = reader.getRowObjectsJS() as { g: string; size: number; matched: number }[];
      return new Map(rows.map(({ g, size, matched }) => [g, [size, matched]]));
    } finally {
      db.closeSync();
    }
  }
}

export function reportWish(agreement: Digest, by: By = BY_CITY, filter?: string): Wish {
  return requestOf({ agreement, output: "overlap-report", by, ...(filter === undefined ? {} : { filter }) });
}

/** Name, size, overlap and rate of each group. */
export function shownIn({ summary }: Job, breakdown = 0): (string | number | null)[][] {
  const { groups = [] } = summary?.report?.breakdowns[breakdown] ?? {};
  return groups.map(({ group, size, overlap, rate }) => [
    group.kind === "value" ? group.value : group.kind,
    size,
    overlap,
    rate,
  ]);
}
