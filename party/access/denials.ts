/**
 * Requests that were denied, for the node's operator and auditor: who may have lost a token, who tries more than the role
 * allows. Stays at the node. Whoever can reach the API can be denied as often as they like, so records are one per
 * minute, token, route and code, with a count; the disk is written for the first of them, then once a minute.
 */
import type { Logger } from "pino";
import type { ErrorCode } from "../../proto/errors.ts";
import type { Timers } from "../../proto/ports/ports.ts";
import type { DenialRecord, Store } from "../store/store.ts";
import { traceOf } from "../trace.ts";

const MAX_RECORDS = 10_000;
const MINUTE_MS = 60_000;

const DENIAL_CODES = [
  "HOST_REFUSED",
  "SITE_REFUSED",
  "TOKEN_MISSING",
  "TOKEN_EXPIRED",
  "NOT_ALLOWED",
  "APPROVER_IS_REQUESTER",
  "SIGN_IN_INVALID",
  "SIGN_IN_REFUSED",
  "SIGN_IN_NOT_ALLOWED",
] as const;

/** Whether an answer of this code says that somebody asked for what is not theirs. */
export function isDenial(code: ErrorCode): boolean {
  return (DENIAL_CODES as readonly ErrorCode[]).includes(code);
}

export type Denial = Omit<DenialRecord, "at" | "count">;

export interface DenialsOptions {
  readonly store: Store;
  readonly timers: Timers;
  /** Milliseconds since 1970-01-01T00:00Z. */
  readonly nowMs: () => number;
  readonly logger: Logger;
}

interface Counted {
  readonly record: DenialRecord;
  /** Of these, how many the store does not know yet. */
  unwritten: number;
}

export class Denials {
  readonly #options: DenialsOptions;
  #minute = "";
  /** Those of this minute; as many as there are tokens, times routes, times codes. */
  #counted = new Map<string, Counted>();
  #cancelTimer: (() => void) | undefined;

  constructor(options: DenialsOptions) {
    this.#options = options;
  }

  /** A store that fails is logged: it must not change the answer to the one who was denied. */
  async record(denial: Denial): Promise<void> {
    const nowMs = this.#options.nowMs();
    const at = new Date(nowMs - (nowMs % MINUTE_MS)).toISOString();
    const due = at === this.#minute ? [] : this.#take();
    if (at !== this.#minute) this.#counted = new Map();
    this.#minute = at;
    const key = [denial.tokenId, denial.route, denial.code].join(" ");
    const known = this.#counted.get(key);
    if (known === undefined) {
      const record = { ...denial, at, count: 1 };
      this.#counted.set(key, { record, unwritten: 0 });
      due.push(record);
    } else {
      known.unwritten++;
      this.#cancelTimer ??= this.#options.timers.after(MINUTE_MS, () => void this.#write(this.#take()));
    }
    await this.#write(due);
  }

  /** Newest first, with everything up to now. */
  async list(): Promise<DenialRecord[]> {
    await this.#write(this.#take());
    return this.#options.store.denials();
  }

  /** Writes what is not written yet. Before the store is closed. */
  async close(): Promise<void> {
    await this.#write(this.#take());
  }

  #take(): DenialRecord[] {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    const due: DenialRecord[] = [];
    for (const counted of this.#counted.values()) {
      if (counted.unwritten > 0) due.push({ ...counted.record, count: counted.unwritten });
      counted.unwritten = 0;
    }
    return due;
  }

  async #write(due: readonly DenialRecord[]): Promise<void> {
    if (due.length === 0) return;
    try {
      await this.#options.store.addDenials(due, MAX_RECORDS);
    } catch (error) {
      this.#options.logger.error({ trace: traceOf(error) }, "denials could not be recorded");
    }
  }
}
