/**
 * What the evidence log says of the past that policy must know: the runs that were charged to the budgets, what became of
 * them, and the agreements that were revoked. The log is the only record; what the store keeps is a projection under a MAC, checked
 * against the log's tree, and made anew when it is missing, was changed or does not fit.
 */
import { fromUtf8, toHex, utf8 } from "../../proto/encoding/bytes.ts";
import { canonicalJson, type Json, parseCanonicalJson } from "../../proto/encoding/canonical-json.ts";
import { commit } from "../../proto/evidence/commitment.ts";
import { parseStatement } from "../../proto/evidence/statements.ts";
import type { CollaborationId } from "../../proto/ids.ts";
import { applyToRuns } from "../../proto/policy/charged-runs.ts";
import type { ChargedRun } from "../../proto/policy/history.ts";
import { applyToOutcomes, type RunOutcome } from "../../proto/policy/outcomes.ts";
import type { Logbook } from "../evidence/logbook.ts";
import type { Store } from "../store/store.ts";
import { Turns } from "../turns.ts";

/** What the logs say, up to a size of the one in use. */
interface Projection {
  readonly origin: string;
  readonly size: number;
  /** Root of the tree of that size, hex. */
  readonly root: string;
  readonly runs: readonly ChargedRun[];
  readonly outcomes: readonly RunOutcome[];
  readonly revoked: readonly string[];
}

export interface RunHistoryOptions {
  readonly logbook: Logbook;
  readonly store: Store;
  /** 32 bytes. */
  readonly macKey: Uint8Array;
}

export class RunHistory {
  readonly #options: RunHistoryOptions;
  readonly #turns = new Turns<CollaborationId>();
  readonly #held = new Map<CollaborationId, Projection>();

  constructor(options: RunHistoryOptions) {
    this.#options = options;
  }

  /** In the order in which they were charged. Throws LOG_CORRUPT. */
  async runs(collaboration: CollaborationId): Promise<readonly ChargedRun[]> {
    return (await this.#read(collaboration)).runs;
  }

  /** What became of them, by job id. Throws LOG_CORRUPT. */
  async outcomes(collaboration: CollaborationId): Promise<ReadonlyMap<string, RunOutcome>> {
    return new Map((await this.#read(collaboration)).outcomes.map((outcome) => [outcome.jobId, outcome]));
  }

  /** Digests of agreements. Throws LOG_CORRUPT. */
  async revoked(collaboration: CollaborationId): Promise<readonly string[]> {
    return (await this.#read(collaboration)).revoked;
  }

  #read(collaboration: CollaborationId): Promise<Projection> {
    return this.#turns.take(collaboration, async () => {
      const log = await this.#options.logbook.log(collaboration);
      const before = this.#held.get(collaboration) ?? (await this.#kept(collaboration));
      const fits = before?.origin === log.origin && before.size <= log.size && log.rootAt(before.size) === before.root;
      if (fits && before.size === log.size) {
        this.#held.set(collaboration, before);
        return before;
      }
      const from = fits ? before : { size: 0, runs: [], outcomes: [], revoked: [] };
      const runs = new Map(from.runs.map((run) => [run.jobId, run]));
      const outcomes = new Map(from.outcomes.map((outcome) => [outcome.jobId, outcome]));
      const revoked = new Set(from.revoked);
      const apply = (entry: Uint8Array) => {
        const parsed = parseStatement(entry);
        applyToRuns(runs, parsed);
        applyToOutcomes(outcomes, parsed);
        if (parsed.event === "agreement-revoked") revoked.add(parsed.statement.predicate.agreementDigest);
      };
      // A new log goes on where the one before ended: what that says counts on.
      for (const earlier of fits ? [] : (await this.#options.logbook.logs(collaboration)).slice(0, -1))
        for await (const entry of earlier.entriesFrom(0)) apply(entry);
      let { size } = from;
      for await (const entry of log.entriesFrom(size)) {
        apply(entry);
        size++;
      }
      const next = {
        origin: log.origin,
        size,
        root: log.rootAt(size),
        runs: [...runs.values()],
        outcomes: [...outcomes.values()],
        revoked: [...revoked],
      };
      this.#held.set(collaboration, next);
      await this.#keep(collaboration, next);
      return next;
    });
  }

  async #keep(collaboration: CollaborationId, projection: Projection): Promise<void> {
    const text = { ...projection, mac: this.#mac(collaboration, projection) };
    await this.#options.store.putSetting(settingOf(collaboration), fromUtf8(canonicalJson(text as unknown as Json)));
  }

  /** Undefined when there is none, or it is not what this node wrote. */
  async #kept(collaboration: CollaborationId): Promise<Projection | undefined> {
    const text = await this.#options.store.setting(settingOf(collaboration));
    if (text === undefined) return undefined;
    try {
      const { mac, ...projection } = parseCanonicalJson(utf8(text)) as unknown as Projection & { readonly mac: string };
      return mac === this.#mac(collaboration, projection) ? projection : undefined;
    } catch {
      return undefined;
    }
  }

  #mac(collaboration: CollaborationId, projection: Projection): string {
    const bytes = canonicalJson({ collaboration, projection } as unknown as Json);
    return toHex(commit(this.#options.macKey, "entente run history/2", bytes));
  }
}

function settingOf(collaboration: CollaborationId): string {
  return `charged-runs/${collaboration}`;
}
