/**
 * Token buckets (as in RFC 2697, with one rate): each of those who ask may ask `perMinute` times a minute, and after a pause
 * so many at once. A bucket that is full again is forgotten, so memory is bounded by who asked within the last minute.
 */
import type { EntenteError } from "../errors.ts";
import type { Clock } from "../ports/ports.ts";

const MINUTE_MS = 60_000;

export interface BucketsOptions {
  readonly clock: Pick<Clock, "monotonicMs">;
  readonly perMinute: number;
  /** `seconds` until there is a token again, at least 1. */
  readonly refusal: (seconds: number) => EntenteError;
  /** Keys at most; all further ones share one bucket, so that a flood of names costs no memory. */
  readonly maxKeys?: number;
}

interface Bucket {
  tokens: number;
  atMs: number;
}

const DEFAULT_MAX_KEYS = 10_000;
const OTHERS = "";

export class Buckets {
  readonly #options: BucketsOptions;
  readonly #buckets = new Map<string, Bucket>();
  #sweptMs = 0;

  constructor(options: BucketsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#buckets.size;
  }

  /** Tokens that the one who has fewest has used up, rounded. */
  get usedByOne(): number {
    const nowMs = this.#options.clock.monotonicMs();
    const left = [...this.#buckets.values()].map((bucket) => this.#tokens(bucket, nowMs));
    return Math.round(this.#options.perMinute - Math.min(this.#options.perMinute, ...left));
  }

  /** Throws the refusal. */
  take(key: string): void {
    const seconds = this.tryTake(key);
    if (seconds > 0) throw this.#options.refusal(seconds);
  }

  /** 0 when there was a token, which is taken; else whole seconds until there is one. */
  tryTake(key: string): number {
    const { clock, perMinute } = this.#options;
    const nowMs = clock.monotonicMs();
    this.#sweep(nowMs);
    const bucket = this.#of(key, nowMs);
    const tokens = this.#tokens(bucket, nowMs);
    bucket.atMs = nowMs;
    bucket.tokens = tokens < 1 ? tokens : tokens - 1;
    return tokens < 1 ? secondsUntil(tokens, perMinute) : 0;
  }

  /** Seconds until there is a token, at least 1. */
  waitSeconds(key: string): number {
    const bucket = this.#buckets.get(key) ?? this.#buckets.get(OTHERS);
    const { clock, perMinute } = this.#options;
    return bucket === undefined ? 1 : secondsUntil(this.#tokens(bucket, clock.monotonicMs()), perMinute);
  }

  #tokens({ tokens, atMs }: Bucket, nowMs: number): number {
    const { perMinute } = this.#options;
    return Math.min(perMinute, tokens + ((nowMs - atMs) * perMinute) / MINUTE_MS);
  }

  #of(key: string, nowMs: number): Bucket {
    const known = this.#buckets.get(key);
    if (known !== undefined) return known;
    const { perMinute, maxKeys = DEFAULT_MAX_KEYS } = this.#options;
    if (this.#buckets.size >= maxKeys && key !== OTHERS) return this.#of(OTHERS, nowMs);
    const fresh = { tokens: perMinute, atMs: nowMs };
    this.#buckets.set(key, fresh);
    return fresh;
  }

  #sweep(nowMs: number): void {
    if (nowMs - this.#sweptMs < MINUTE_MS) return;
    this.#sweptMs = nowMs;
    for (const [key, { atMs }] of this.#buckets) if (nowMs - atMs >= MINUTE_MS) this.#buckets.delete(key);
  }
}

function secondsUntil(tokens: number, perMinute: number): number {
  return Math.max(1, Math.ceil(((1 - tokens) * MINUTE_MS) / perMinute / 1000));
}
