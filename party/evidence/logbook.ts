/**
 * The node's evidence: one log for each collaboration, opened (and thereby verified) on first use. Entries are signed
 * statements; `record` returns when the entry is durable, so what happens next has its evidence first.
 */
import { join } from "node:path";
import type { SigningKey } from "../../proto/encoding/ed25519.ts";
import { EvidenceLog } from "../../proto/evidence/log.ts";
import type { EvidenceEvent, PredicateInput } from "../../proto/evidence/predicates.ts";
import { type Subject, statementEntry } from "../../proto/evidence/statements.ts";
import type { CollaborationId, PartyId } from "../../proto/ids.ts";
import type { Ports } from "../../proto/ports/ports.ts";
import { Turns } from "../turns.ts";

export class Logbook {
  readonly #ports: Ports;
  readonly #folder: string;
  readonly #party: PartyId;
  readonly #logKey: SigningKey;
  readonly #jobsKey: SigningKey;
  readonly #logs = new Map<CollaborationId, Promise<EvidenceLog>>();
  readonly #turns = new Turns<CollaborationId>();

  constructor(input: { ports: Ports; folder: string; party: PartyId; logKey: SigningKey; jobsKey: SigningKey }) {
    this.#ports = input.ports;
    this.#folder = input.folder;
    this.#party = input.party;
    this.#logKey = input.logKey;
    this.#jobsKey = input.jobsKey;
  }

  /** Throws LOG_CORRUPT when what is on disk does not verify. */
  log(collaboration: CollaborationId): Promise<EvidenceLog> {
    const known = this.#logs.get(collaboration);
    if (known !== undefined) return known;
    const opening = this.#open(collaboration);
    this.#logs.set(collaboration, opening);
    opening.catch(() => this.#logs.delete(collaboration));
    return opening;
  }

  async record<E extends EvidenceEvent>(
    collaboration: CollaborationId,
    event: E,
    subject: Subject,
    predicate: PredicateInput<E>,
  ): Promise<void> {
    const log = await this.log(collaboration);
    await log.append([statementEntry(event, subject, predicate, this.#jobsKey)]);
  }

  /** Runs `work` after all that was given before it for this collaboration, whether that failed or not. */
  inTurn<T>(collaboration: CollaborationId, work: () => Promise<T>): Promise<T> {
    return this.#turns.take(collaboration, work);
  }

  now(): string {
    return new Date(this.#ports.clock.nowMs()).toISOString();
  }

  /** The origin's year is that of the log's first entry: a folder name of the collaboration holds it. */
  async #open(collaboration: CollaborationId): Promise<EvidenceLog> {
    const folder = join(this.#folder, collaboration);
    const [existing] = await this.#ports.files.list(folder);
    const year = existing ?? String(new Date(this.#ports.clock.nowMs()).getUTCFullYear());
    return EvidenceLog.open({
      files: this.#ports.files,
      folder: join(folder, year),
      origin: `${this.#party}/${collaboration}/${year}`,
      key: this.#logKey,
    });
  }
}
