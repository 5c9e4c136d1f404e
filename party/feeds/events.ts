/**
 * Changes of tags as events: CloudEvents 1.0 in the JSON batch format, and the signature of a message by the Standard
 * Webhooks specification (standard-webhooks, spec/standard-webhooks.md, "Signature scheme"). Pure.
 */
import { createHmac } from "node:crypto";
import { toHex, utf8 } from "../../proto/encoding/bytes.ts";
import { digestOf, sha256 } from "../../proto/encoding/sha256.ts";
import { EntenteError } from "../../proto/errors.ts";
import type { TagChange } from "../store/tag-records.ts";

export const BATCH_TYPE = "application/cloudevents-batch+json; charset=utf-8";
const SECRET = /^whsec_([A-Za-z0-9+/]+={0,2})$/;
/** The specification's bounds on a key. */
const MIN_SECRET_BYTES = 24;
const MAX_SECRET_BYTES = 64;

export interface EventSource {
  readonly party: string;
  readonly feed: string;
  readonly mode: "full" | "since-last";
}

/** One event. Its id is the same whenever the same change is told, in whichever delivery. */
export function eventOf({ tag, isEnded, batchId, change }: TagChange, { party, feed, mode }: EventSource): object {
  const { subject, key, value, score, model, scoredAt, jobId, agreement, issuedAt, expiresAt } = tag;
  const id = digestOf(utf8(JSON.stringify([subject, key, batchId, change, isEnded]))).slice(0, 32);
  const issued = { value, score, model, scoredAt, jobId, agreement, issuedAt, expiresAt };
  return {
    specversion: "1.0",
    id,
    source: `urn:entente:${party}:feed:${feed}`,
    type: isEnded ? "org.entente.tag.ended.v1" : "org.entente.tag.issued.v1",
    datacontenttype: "application/json",
    data: { subject, key, ...(isEnded ? {} : issued), mode, change },
  };
}

/** The bytes of the key in `whsec_BASE64`. Throws FEED_SECRET. */
export function readWebhookSecret(text: string): Uint8Array {
  const [, base64] = SECRET.exec(text.trim()) ?? [];
  const secret = base64 === undefined ? undefined : Buffer.from(base64, "base64");
  if (secret === undefined || secret.length < MIN_SECRET_BYTES || secret.length > MAX_SECRET_BYTES)
    throw new EntenteError("FEED_SECRET", {
      detail: `not whsec_ and ${MIN_SECRET_BYTES} to ${MAX_SECRET_BYTES} bytes in Base64`,
    });
  return secret;
}

/** The same body has the same id in every try, and another one another. */
export function messageId(body: string): string {
  return `msg_${toHex(sha256(utf8(body)).subarray(0, 16))}`;
}

/** `timestampS`: of this try, seconds since 1970. */
export function signedHeaders(secret: Uint8Array, body: string, timestampS: number): Record<string, string> {
  const id = messageId(body);
  const signature = createHmac("sha256", secret).update(`${id}.${timestampS}.${body}`).digest("base64");
  return {
    "content-type": BATCH_TYPE,
    "webhook-id": id,
    "webhook-timestamp": String(timestampS),
    "webhook-signature": `v1,${signature}`,
  };
}
