/**
 * The node's evidence: a log for each collaboration, opened (and thereby verified) on first use, and followed by another
 * when a year ends or when it was lost. Entries are signed statements; `record` returns when the entry is durable, so what
 * happens next has its evidence first. Nothing is written where the collaboration's standing forbids it.
 */
import { join } from "node:path";
import { fromUtf8, utf8 } from "../../proto/encoding/bytes.ts";
import { canonicalJson, type Json, parseCanonicalJson } from "../../proto/encoding/canonical-json.ts";
import type { SigningKey, VerifyingKey } from "../../proto/encoding/ed25519.ts";
import { EntenteError } from "../../proto/errors.ts";
import type { TreeHead } from "../../proto/evidence/checkpoint.ts";
import { type Appended, EvidenceLog } from "../../proto/evidence/log.ts";
import {
  compareOrigins,
  formatOrigin,
  nextOrigin,
  type Origin,
  originLabel,
  parseOrigin,
} from "../../proto/evidence/origin.ts";
import type { EvidenceEvent, PredicateInput } from "../../proto/evidence/predicates.ts";
import { type Subject, statementEntry } from "../../proto/evidence/statements.ts";
import type { CollaborationId, PartyId } from "../../proto/ids.ts";
import type { Ports } from "../../proto/ports/ports.ts";
import type { Store } from "../store/store.ts";
import { Turns } from "../turns.ts";
import { forked, Standings } from "./standing.ts";

/** This party's keys as they are at the moment; the node's keyring. */
export interface LogSigners {
  readonly party: PartyId;
  readonly identity: SigningKey;
  readonly keys: { readonly jobs: SigningKey; readonly log: SigningKey };
  readonly earlierLogKeys: readonly VerifyingKey[];
}

export interface LogbookOptions {
  readonly ports: Ports;
  /** Of all logs; absolute. */
  readonly folder: string;
  readonly signers: LogSigners;
  readonly store: Pick<Store, "setting" | "putSetting">;
}

export class Logbook {
  readonly standings: Standings;
  readonly #options: LogbookOptions;
  /** The log of each collaboration that entries go to. */
  readonly #logs = new Map<CollaborationId, Promise<EvidenceLog>>();
  readonly #exchanges = new Turns<CollaborationId>();
  readonly #appends = new Turns<CollaborationId>();

  constructor(options: LogbookOptions) {
    this.#options = options;
    this.standings = new Standings(options.store);
  }

  /** The log that entries go to. Throws LOG_CORRUPT when what is on disk does not verify. */
  log(collaboration: CollaborationId): Promise<EvidenceLog> {
    const known = this.#logs.get(collaboration);
    if (known !== undefined) return known;
    const opening = this.#openCurrent(collaboration);
    this.#logs.set(collaboration, opening);
    opening.catch(() => this.#logs.delete(collaboration));
    return opening;
  }

  /** All logs of the collaboration in the order of time; the last is `log`. Throws LOG_CORRUPT. */
  async logs(collaboration: CollaborationId): Promise<readonly EvidenceLog[]> {
    const current = await this.log(collaboration);
    const all = await this.#origins(collaboration);
    const earlier = all.filter((origin) => compareOrigins(origin, parseOrigin(current.origin)) < 0);
    return [...(await Promise.all(earlier.map((origin) => this.#open(origin)))), current];
  }

  /** Throws LOG_FORKED, COLLABORATION_READ_ONLY, and what the log throws. */
  append(collaboration: CollaborationId, entries: readonly Uint8Array[]): Promise<Appended> {
    return this.#appends.take(collaboration, () => this.#append(collaboration, entries));
  }

  async #append(collaboration: CollaborationId, entries: readonly Uint8Array[]): Promise<Appended> {
    const log = await this.log(collaboration);
    await this.standings.requireWritable(collaboration);
    const appended = await log.append(entries);
    await this.#keepHead(collaboration, log.head);
    return appended;
  }

  /** Signed by the jobs key, and by `also`. Errors as `append`. */
  async record<E extends EvidenceEvent>(
    collaboration: CollaborationId,
    event: E,
    subject: Subject,
    predicate: PredicateInput<E>,
    ...also: readonly SigningKey[]
  ): Promise<void> {
    await this.#appends.take(collaboration, () => {
      // In its turn, so that a rotation before it has changed the key.
      const { jobs } = this.#options.signers.keys;
      return this.#append(collaboration, [statementEntry(event, subject, predicate, jobs, ...also)]);
    });
  }

  /**
   * Changes the keys between two entries of every log: the last under the old keys is `entryFor` (undefined when it is there
   * already), then `activate`, then every log's checkpoint is signed anew. Nothing is appended meanwhile.
   */
  async rotate(
    collaborations: readonly CollaborationId[],
    steps: {
      readonly entryFor: (collaboration: CollaborationId) => Promise<Uint8Array | undefined>;
      readonly onAppended: (collaboration: CollaborationId) => Promise<void>;
      readonly activate: () => Promise<void>;
    },
  ): Promise<void> {
    const [first, ...rest] = collaborations;
    if (first === undefined) return steps.activate();
    await this.#appends.take(first, async () => {
      const entry = await steps.entryFor(first);
      if (entry !== undefined) {
        await this.#append(first, [entry]);
        await steps.onAppended(first);
      }
      await this.rotate(rest, steps);
      await (await this.log(first)).rekey(this.#options.signers.keys.log);
    });
  }

  /**
   * Begins the log that follows the present one; `first` is its first entry. From then on entries go there. A stop in between
   * leaves the present one in use. The caller sees to it that this may be done: the standing is not asked.
   */
  beginNext(
    collaboration: CollaborationId,
    year: number,
    first: (signers: LogSigners) => Uint8Array,
  ): Promise<EvidenceLog> {
    return this.#appends.take(collaboration, async () => {
      const { origin } = await this.log(collaboration);
      const next = await this.#open(nextOrigin(parseOrigin(origin), year));
      if (next.size === 0) await next.append([first(this.#options.signers)]);
      await this.#keepHead(collaboration, next.head);
      this.#logs.set(collaboration, Promise.resolve(next));
      return next;
    });
  }

  /** Runs `work` after all that was given before it for this collaboration, whether that failed or not. Cosigning takes turns,
   * so that two exchanges do not overtake each other. */
  inTurn<T>(collaboration: CollaborationId, work: () => Promise<T>): Promise<T> {
    return this.#exchanges.take(collaboration, work);
  }

  /** The same, at once. Throws OVERLOADED when another is at it: one that waited for the peer, while the peer waits for it,
   * would wait in vain. */
  inTurnNow<T>(collaboration: CollaborationId, work: () => Promise<T>): Promise<T> {
    if (!this.#exchanges.isFree(collaboration)) throw new EntenteError("OVERLOADED", { detail: "cosigning" });
    return this.#exchanges.take(collaboration, work);
  }

  now(): string {
    return new Date(this.#options.ports.clock.nowMs()).toISOString();
  }

  /** Opens the newest log that has begun, and compares it with what the store has seen of it. */
  async #openCurrent(collaboration: CollaborationId): Promise<EvidenceLog> {
    const origins = await this.#origins(collaboration);
    const logs = [await this.#open(origins.at(-1) ?? this.#firstOrigin(collaboration))];
    // A successor without its first entry was cut short.
    const before = origins.at(-2);
    if (logs[0]?.size === 0 && before !== undefined) logs.unshift(await this.#open(before));
    const log = logs[0] as EvidenceLog;
    const text = await this.#options.store.setting(headSetting(collaboration));
    const seen = text === undefined ? undefined : (parseCanonicalJson(utf8(text)) as unknown as TreeHead);
    if (seen !== undefined && !holds(log, seen))
      await this.standings.change(collaboration, (now) => forked(now, seen, log.head));
    return log;
  }

  #open(origin: Origin): Promise<EvidenceLog> {
    const { ports, folder, signers } = this.#options;
    const text = formatOrigin(origin);
    return EvidenceLog.open({
      files: ports.files,
      folder: join(folder, origin.collaboration, originLabel(origin)),
      origin: text,
      key: signers.keys.log,
      earlierKeys: signers.earlierLogKeys,
    });
  }

  /** Of the logs on disk. */
  async #origins(collaboration: CollaborationId): Promise<Origin[]> {
    const { ports, folder, signers } = this.#options;
    const labels = await ports.files.list(join(folder, collaboration));
    return labels.map((label) => parseOrigin(`${signers.party}/${collaboration}/${label}`)).sort(compareOrigins);
  }

  /** The year of the first entry. */
  #firstOrigin(collaboration: CollaborationId): Origin {
    const year = new Date(this.#options.ports.clock.nowMs()).getUTCFullYear();
    return { party: this.#options.signers.party, collaboration, year, number: 1 };
  }

  async #keepHead(collaboration: CollaborationId, head: TreeHead): Promise<void> {
    await this.#options.store.putSetting(headSetting(collaboration), fromUtf8(canonicalJson(head as unknown as Json)));
  }
}

function headSetting(collaboration: CollaborationId): string {
  return `log-head/${collaboration}`;
}

/** Whether that head is one of this log, or of one that came before it. */
function holds(log: EvidenceLog, head: TreeHead): boolean {
  const order = compareOrigins(parseOrigin(head.origin), parseOrigin(log.origin));
  return order < 0 || (order === 0 && head.size <= log.size && log.rootAt(head.size) === head.root);
}
