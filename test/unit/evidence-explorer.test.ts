/** Searching a node's logs: pages, years, days, and no more entries at a time than a search may look at. */
import { beforeAll, describe, expect, test } from "vitest";
import { searchEntries } from "../../party/evidence/explorer.ts";
import { EvidenceLog } from "../../proto/evidence/log.ts";
import { statementEntry } from "../../proto/evidence/statements.ts";
import { AGREEMENT, BANK, testHash } from "../support/evidence-world.ts";
import { MemoryFiles } from "../support/memory-files.ts";

const { collaboration } = AGREEMENT;
const PER_LOG = 600;
const HOUR_MS = 3_600_000;
/** Entry `i` of a year: an hour each, from the first of January on. */
const timeOf = (year: number, i: number) => new Date(Date.UTC(year, 0, 1) + i * HOUR_MS).toISOString();
let logs: EvidenceLog[];

async function logOf(files: MemoryFiles, year: number): Promise<EvidenceLog> {
  const origin = `bank/${collaboration}/${year}`;
  const log = await EvidenceLog.open({ files, folder: `/logs/${year}`, origin, key: BANK.keys.log });
  const entries = Array.from({ length: PER_LOG }, (_, i) => {
    const datasetCommitment = testHash(`${year}/${i}`);
    const subject = [{ name: "dataset" as const, digest: { sha256: datasetCommitment } }];
    return statementEntry("dataset-registered", subject, { datasetCommitment, at: timeOf(year, i) }, BANK.keys.jobs);
  });
  await log.append(entries);
  return log;
}

beforeAll(async () => {
  const files = new MemoryFiles();
  logs = [await logOf(files, 2025), await logOf(files, 2026)];
});

const search = (wanted: Parameters<typeof searchEntries>[2] = {}) =>
  searchEntries(
    {
      ...{ party: "bank", logbook: { logs: async () => logs }, book: { list: async () => [] } },
      ...{ sideNotes: { get: async () => undefined }, vault: { opening: async () => null } },
    },
    collaboration,
    wanted,
  );

describe("a search", () => {
  test("comes page after page to every entry of every year once, newest first", async () => {
    const seen: string[] = [];
    for (let before: string | undefined, pages = 0; pages < 100; pages++) {
      const { entries, next, total } = await search({ before });
      expect(total).toBe(2 * PER_LOG);
      seen.push(...entries.map(({ at }) => at));
      if (next === null) break;
      before = next;
    }
    const all = [2025, 2026].flatMap((year) => Array.from({ length: PER_LOG }, (_, i) => timeOf(year, i)));
    expect(seen).toEqual(all.toReversed());
  });

  test("of days finds all of them, and looks at little else", async () => {
    const { entries, next, searched } = await search({ from: "2025-01-03", to: "2025-01-04" });
    expect(entries.map(({ at }) => at.slice(0, 10))).toEqual([
      ...Array(24).fill("2025-01-04"),
      ...Array(24).fill("2025-01-03"),
    ]);
    expect([next, searched < PER_LOG]).toEqual([null, true]);
  });

  test("that finds nothing says how far it has looked", async () => {
    const { entries, next, searched, searchedBackTo } = await search({ event: "receipt" });
    expect([entries, next, searched, searchedBackTo]).toEqual([[], null, 2 * PER_LOG, timeOf(2025, 0)]);
  });
});
