/**
 * Looking into this node's logs of a collaboration: entries from the newest on, by what they are about and by who acted. A
 * search takes so many entries at a time, in bundles, so that a log of a million of them holds nobody up.
 */
import { EntenteError } from "../../proto/errors.ts";
import type { EvidenceLog } from "../../proto/evidence/log.ts";
import { labelOf } from "../../proto/evidence/origin.ts";
import type { EvidenceEvent } from "../../proto/evidence/predicates.ts";
import { jobIdOf, type ParsedStatement, parseStatement, timeOf } from "../../proto/evidence/statements.ts";
import type { CollaborationId } from "../../proto/ids.ts";
import { foldedName } from "../access/folded-name.ts";
import type { Logbook } from "./logbook.ts";
import { EntryPeople, type PeopleSources, type Person } from "./people.ts";

export interface ExplorerSources extends PeopleSources {
  readonly logbook: Pick<Logbook, "logs">;
}

export interface EntrySearch {
  readonly job?: string | undefined;
  readonly agreement?: string | undefined;
  /** Part of a name. */
  readonly person?: string | undefined;
  readonly event?: EvidenceEvent | undefined;
  /** Days as 2026-01-31, in UTC, both included. */
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  /** As `next` of an earlier answer. */
  readonly before?: string | undefined;
}

export interface EntrySummary {
  /** The last part of the log's origin. */
  readonly log: string;
  readonly index: number;
  readonly event: EvidenceEvent;
  readonly at: string;
  readonly jobId: string | null;
  readonly agreement: string | null;
  readonly signers: string[];
  readonly people: Person[];
  readonly isCosigned: boolean;
}

export interface FoundEntries {
  readonly entries: EntrySummary[];
  readonly next: string | null;
  readonly searched: number;
  readonly searchedBackTo: string | null;
  readonly total: number;
}

const PAGE = 50;
/** Parsed in about a second on a slow core; what else the node does goes on between two bundles of 256. */
const MAX_SEARCHED = 10_240;
/** An entry's own time may lie so far from its neighbours'. */
const DISORDER_MS = 15 * 60_000;
const DAY_MS = 86_400_000;

/** Throws BAD_REQUEST when `before` names no place in the logs, LOG_CORRUPT. */
export async function searchEntries(
  sources: ExplorerSources,
  collaboration: CollaborationId,
  search: EntrySearch,
): Promise<FoundEntries> {
  const logs = (await sources.logbook.logs(collaboration)).toReversed();
  const summaries = await Summaries.read(sources);
  const matches = matcher(search, summaries);
  const found: EntrySummary[] = [];
  let [searched, searchedBackTo]: [number, string | null] = [0, null];
  const total = logs.reduce((sum, { size }) => sum + size, 0);
  const answer = (next: string | null) => ({ entries: found, next, searched, searchedBackTo, total });
  const earliestMs = search.from === undefined ? Number.NEGATIVE_INFINITY : Date.parse(search.from) - DISORDER_MS;
  for (const { log, from } of await placesToSearch(logs, search)) {
    for (let at = from; at >= 0; ) {
      const { first, entries } = await log.entriesUpTo(at);
      let isTooEarly = true;
      for (let i = entries.length - 1; i >= 0; i--) {
        const parsed = parseStatement(entries[i] as Uint8Array);
        searched++;
        searchedBackTo = timeOf(parsed);
        isTooEarly &&= Date.parse(searchedBackTo) < earliestMs;
        if (!(await matches(parsed))) continue;
        found.push(await summaries.of(log, first + i, parsed));
        if (found.length === PAGE) return answer(placeBefore(logs, log, first + i));
      }
      if (isTooEarly) return answer(null);
      if (searched >= MAX_SEARCHED) return answer(placeBefore(logs, log, first));
      at = first - 1;
    }
  }
  return answer(null);
}

/** One entry, of a log named by its label. Throws NOT_FOUND, LOG_CORRUPT. */
export async function findEntry(
  sources: ExplorerSources,
  collaboration: CollaborationId,
  { label, index }: { readonly label: string; readonly index: number },
): Promise<{ log: EvidenceLog; bytes: Uint8Array; parsed: ParsedStatement; summary: EntrySummary }> {
  const log = (await sources.logbook.logs(collaboration)).find((one) => labelOf(one.origin) === label);
  if (log === undefined || index >= log.size) throw new EntenteError("NOT_FOUND", { detail: "entry" });
  const bytes = await log.entry(index);
  const parsed = parseStatement(bytes);
  const summaries = await Summaries.read(sources);
  return { log, bytes, parsed, summary: await summaries.of(log, index, parsed) };
}

class Summaries {
  readonly people: EntryPeople;
  /** Of the node's jobs. */
  readonly #agreements: ReadonlyMap<string, string>;

  private constructor(people: EntryPeople, agreements: ReadonlyMap<string, string>) {
    this.people = people;
    this.#agreements = agreements;
  }

  static async read(sources: ExplorerSources): Promise<Summaries> {
    const jobs = await sources.book.list();
    const agreements = new Map(jobs.map(({ jobId, proposed }) => [jobId, proposed.agreement]));
    return new Summaries(EntryPeople.of(sources, jobs), agreements);
  }

  async of(log: EvidenceLog, index: number, parsed: ParsedStatement): Promise<EntrySummary> {
    const { event, envelope } = parsed;
    return {
      ...{ log: labelOf(log.origin), index, event, at: timeOf(parsed) },
      jobId: jobIdOf(parsed) ?? null,
      agreement: this.agreementOf(parsed) ?? null,
      signers: envelope.signatures.map(({ keyid }) => keyid),
      people: await this.people.in(parsed),
      isCosigned: index < (log.lastCosigned()?.head.size ?? 0),
    };
  }

  /** The entry's own, or that of its job. */
  agreementOf(parsed: ParsedStatement): string | undefined {
    const { predicate } = parsed.statement;
    if ("agreementDigest" in predicate) return predicate.agreementDigest;
    return this.#agreements.get(jobIdOf(parsed) ?? "");
  }
}

function matcher(
  { job, agreement, person, event, from, to }: EntrySearch,
  summaries: Summaries,
): (parsed: ParsedStatement) => Promise<boolean> {
  const until = to === undefined ? undefined : new Date(Date.parse(to) + DAY_MS).toISOString();
  const name = person === undefined ? undefined : foldedName(person);
  return async (parsed) => {
    const at = timeOf(parsed);
    if (event !== undefined && parsed.event !== event) return false;
    if (job !== undefined && jobIdOf(parsed) !== job) return false;
    if ((from !== undefined && at < from) || (until !== undefined && at >= until)) return false;
    if (agreement !== undefined && summaries.agreementOf(parsed) !== agreement) return false;
    if (name === undefined) return true;
    const people = await summaries.people.in(parsed);
    return people.some((one) => one.name !== null && foldedName(one.name).includes(name));
  };
}

interface Place {
  readonly log: EvidenceLog;
  /** The newest entry to look at; below 0: none. */
  readonly from: number;
}

/** Newest log first, without what lies after `before` and after `to`. */
async function placesToSearch(
  logs: readonly EvidenceLog[],
  { before, to }: Pick<EntrySearch, "before" | "to">,
): Promise<Place[]> {
  const [label, index] = before?.split(":") ?? [];
  const at = label === undefined ? 0 : logs.findIndex((log) => labelOf(log.origin) === label);
  const first = logs[at];
  if (before !== undefined && (first === undefined || Number(index) > first.size))
    throw new EntenteError("BAD_REQUEST", { detail: "before" });
  const places: Place[] = [];
  for (const log of at < 0 ? [] : logs.slice(at)) {
    const end = label !== undefined && log === first ? Number(index) : log.size;
    places.push({ log, from: to === undefined ? end - 1 : await lastUpTo(log, end - 1, Date.parse(to) + DAY_MS) });
  }
  return places;
}

/** An index at or behind the last entry of before `untilMs`, found by halves over bundles: entries stand in the order of
 * their times, give or take. */
async function lastUpTo(log: EvidenceLog, from: number, untilMs: number): Promise<number> {
  let [low, high] = [0, from];
  while (high - low > 256) {
    const middle = Math.floor((low + high) / 2);
    const at = Date.parse(timeOf(parseStatement(await log.entry(middle))));
    if (at > untilMs + DISORDER_MS) high = middle;
    else low = middle;
  }
  return high;
}

/** What comes after an entry that was looked at, going back; null at the oldest log's first. */
function placeBefore(logs: readonly EvidenceLog[], log: EvidenceLog, index: number): string | null {
  const isLast = index === 0 && log === logs.at(-1);
  return isLast ? null : `${labelOf(log.origin)}:${index}`;
}
