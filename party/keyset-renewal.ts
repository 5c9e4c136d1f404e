/** Renews the keyset by itself: in the last sixth of its validity, each node at another moment, when no job runs. */
import type { Logger } from "pino";
import { toEntenteError } from "../proto/errors.ts";
import type { Clock, Random } from "../proto/ports/ports.ts";
import type { Keyring } from "./store/keyring.ts";

/** The middle of the time from which on it is renewed, and how far that reaches to both sides, as parts of the validity. A year's
 * keyset has about two months left then, for jobs to leave a quiet minute, and for peers that are away to come back. */
const DUE = 5 / 6;
const SPREAD = 1 / 24;
const DAY_MS = 86_400_000;
/** From then on every day is warned of on which jobs or an error were in the way. */
const WARN_MS = 30 * DAY_MS;
const RETRY_MS = 3_600_000;

export interface KeysetRenewalInput {
  readonly keyring: Pick<Keyring, "verifiedKeysets">;
  /** As the machine has it: peers judge a keyset by theirs. */
  readonly clock: Pick<Clock, "nowMs">;
  readonly random: Random;
  readonly isBusy: () => Promise<boolean>;
  readonly rotate: () => Promise<unknown>;
  readonly logger: Logger;
}

export class KeysetRenewal {
  readonly #input: KeysetRenewalInput;
  /** From -1 to 1. */
  readonly #shift: number;
  #notBeforeMs = 0;
  #warnedMs = Number.NEGATIVE_INFINITY;
  #isRunning = false;

  constructor(input: KeysetRenewalInput) {
    this.#input = input;
    this.#shift = (input.random.bytes(1)[0] ?? 0) / 127.5 - 1;
  }

  /** Wall clock; undefined before there is a keyset. */
  get dueMs(): number | undefined {
    const keyset = this.#input.keyring.verifiedKeysets.at(-1);
    if (keyset === undefined) return undefined;
    const [fromMs, untilMs] = [Date.parse(keyset.validFrom), Date.parse(keyset.validUntil)];
    return fromMs + (untilMs - fromMs) * (DUE + SPREAD * this.#shift);
  }

  /** Called from time to time. Never rejects. */
  async keepUp(): Promise<void> {
    const { keyring, clock, isBusy, rotate, logger } = this.#input;
    const keyset = keyring.verifiedKeysets.at(-1);
    const nowMs = clock.nowMs();
    if (keyset === undefined || this.#isRunning || nowMs < this.#notBeforeMs) return;
    if (nowMs < (this.dueMs ?? 0)) return;
    const untilMs = Date.parse(keyset.validUntil);
    this.#isRunning = true;
    try {
      // The next minute may be quiet: asked again then.
      if (await isBusy()) return this.#warn(untilMs - nowMs, "jobs have not ended");
      await rotate();
      logger.info("keyset renewed");
    } catch (err) {
      this.#notBeforeMs = nowMs + RETRY_MS;
      logger.info({ err }, "the keyset could not be renewed yet");
      this.#warn(untilMs - nowMs, toEntenteError(err).code);
    } finally {
      this.#isRunning = false;
    }
  }

  #warn(leftMs: number, reason: string): void {
    const { clock, logger } = this.#input;
    const nowMs = clock.nowMs();
    if (leftMs > WARN_MS || nowMs - this.#warnedMs < DAY_MS) return;
    this.#warnedMs = nowMs;
    logger.warn(
      { daysLeft: Math.floor(leftMs / DAY_MS), reason },
      "the keyset ends and cannot be renewed: peers will refuse this node; leave a minute without jobs, or 'entente keys rotate'",
    );
  }
}
