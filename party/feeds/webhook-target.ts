/** A feed to a webhook: signed batches of events, each acknowledged before the next, with retries that end. */
import { fromUtf8 } from "../../proto/encoding/bytes.ts";
import { EntenteError, toEntenteError } from "../../proto/errors.ts";
import type { Ports } from "../../proto/ports/ports.ts";
import type { TagChange } from "../store/tag-records.ts";
import { eventOf, readWebhookSecret, signedHeaders } from "./events.ts";
import type { DeliveryCounts, Outgoing, Target } from "./target.ts";

export interface WebhookTargetConfig {
  readonly url: string;
  readonly allowPlainHttp: boolean;
  readonly secretFile: string;
  readonly maxEvents: number;
}

export interface WebhookLimits {
  readonly requestTimeoutMs: number;
  readonly maxTries: number;
  /** The pause before try n + 1 is drawn evenly from 0 to first * 2^(n - 1) ("full jitter"), longestPauseMs at most. */
  readonly firstPauseMs: number;
  readonly longestPauseMs: number;
}

export const WEBHOOK_LIMITS: WebhookLimits = {
  requestTimeoutMs: 15_000,
  maxTries: 6,
  firstPauseMs: 1_000,
  longestPauseMs: 60_000,
};
/** Of a request; a single event is some 600 bytes and at most some 4 KiB. */
const MAX_BODY_BYTES = 1024 * 1024;
/** Statuses that say "not now" (RFC 9110, RFC 6585, RFC 8470). */
const NOT_NOW = [408, 425, 429];

export interface WebhookDeps {
  readonly party: string;
  readonly ports: Pick<Ports, "clock" | "timers" | "random" | "files">;
  readonly limits?: WebhookLimits;
}

/** As a URL has them. RFC 1122, section 3.2.1.3; RFC 4291, section 2.5.3; RFC 6761, section 6.3. */
const LOOPBACK = /^(127(\.\d{1,3}){3}|\[::1\]|localhost)$/;

/** Tags and their people are in clear on the way of http://, which therefore leads to the node's own machine. Throws BAD_REQUEST. */
export function requireProtected({ url, allowPlainHttp }: Pick<WebhookTargetConfig, "url" | "allowPlainHttp">): void {
  const { protocol, hostname } = new URL(url);
  if (protocol !== "https:" && !LOOPBACK.test(hostname) && !allowPlainHttp)
    throw new EntenteError("BAD_REQUEST", {
      detail: "target: http:// to another machine sends tags in clear; use https://, or allow it (--allow-plain-http)",
    });
}

/** Throws BAD_REQUEST when the address is not allowed, FEED_UNREACHABLE after the last try, FEED_REFUSED for what no other try would change, FEED_GONE on 410. */
export function webhookTarget(config: WebhookTargetConfig, deps: WebhookDeps): Target {
  return async (outgoing) => {
    requireProtected(config);
    const secret = await secretOf(config, deps);
    let counts: DeliveryCounts = outgoing.counts;
    for await (const { body, events } of bodies(config, deps, outgoing)) {
      await post(config, deps, secret, body);
      const ended = events.filter(({ isEnded }) => isEnded).length;
      counts = { written: counts.written + events.length - ended, ended: counts.ended + ended };
      const last = events.at(-1) as TagChange;
      await outgoing.acknowledged({ subject: last.tag.subject, batchId: last.batchId }, counts);
    }
    return counts;
  };
}

async function secretOf({ secretFile }: WebhookTargetConfig, { ports: { files } }: WebhookDeps): Promise<Uint8Array> {
  const bytes = await files.read(secretFile).catch(() => undefined);
  if (bytes === undefined) throw new EntenteError("FEED_SECRET", { detail: "the file is not there or cannot be read" });
  return readWebhookSecret(fromUtf8(bytes));
}

interface Body {
  readonly body: string;
  readonly events: readonly TagChange[];
}

async function* bodies(config: WebhookTargetConfig, { party }: WebhookDeps, outgoing: Outgoing): AsyncGenerator<Body> {
  const { feed, mode, place } = outgoing;
  let texts: string[] = [];
  let events: TagChange[] = [];
  let bytes = 2;
  const made = (): Body => ({ body: `[${texts.join(",")}]`, events });
  for await (const changes of outgoing.changes(place)) {
    for (const change of changes) {
      const text = JSON.stringify(eventOf(change, { party, feed, mode }));
      const length = Buffer.byteLength(text) + 1;
      if (events.length === config.maxEvents || (events.length > 0 && bytes + length > MAX_BODY_BYTES)) {
        yield made();
        [texts, events, bytes] = [[], [], 2];
      }
      texts.push(text);
      events.push(change);
      bytes += length;
    }
  }
  if (events.length > 0) yield made();
}

async function post(config: WebhookTargetConfig, deps: WebhookDeps, secret: Uint8Array, body: string): Promise<void> {
  const { maxTries } = deps.limits ?? WEBHOOK_LIMITS;
  for (let tries = 1; ; tries++) {
    try {
      return await postOnce(config, deps, secret, body);
    } catch (error) {
      const typed = toEntenteError(error);
      if (typed.code !== "FEED_UNREACHABLE" || tries >= maxTries) throw typed;
      await pause(deps, tries);
    }
  }
}

async function postOnce(
  { url }: WebhookTargetConfig,
  { ports: { clock }, limits: { requestTimeoutMs } = WEBHOOK_LIMITS }: WebhookDeps,
  secret: Uint8Array,
  body: string,
): Promise<void> {
  const headers = signedHeaders(secret, body, Math.floor(clock.nowMs() / 1000));
  let response: Response;
  try {
    // A redirect could lead anywhere, and would take the tags along.
    const signal = AbortSignal.timeout(requestTimeoutMs);
    response = await fetch(url, { method: "POST", headers, body, redirect: "manual", signal });
  } catch {
    throw new EntenteError("FEED_UNREACHABLE", { detail: "no answer" });
  }
  // Whatever it says is not read.
  await response.body?.cancel().catch(() => {});
  const { status } = response;
  if (status >= 200 && status < 300) return;
  if (status === 410) throw new EntenteError("FEED_GONE");
  if (status >= 500 || NOT_NOW.includes(status))
    throw new EntenteError("FEED_UNREACHABLE", { detail: `HTTP ${status}` });
  const why = status >= 300 && status < 400 ? "redirects are not followed" : "the receiver refuses it";
  throw new EntenteError("FEED_REFUSED", { detail: `HTTP ${status}: ${why}` });
}

function pause({ ports: { timers, random }, limits }: WebhookDeps, tries: number): Promise<void> {
  const { firstPauseMs, longestPauseMs } = limits ?? WEBHOOK_LIMITS;
  const bytes = random.bytes(4);
  const share = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0) / 2 ** 32;
  const pauseMs = share * Math.min(longestPauseMs, firstPauseMs * 2 ** (tries - 1));
  return new Promise((go) => timers.after(pauseMs, go));
}
