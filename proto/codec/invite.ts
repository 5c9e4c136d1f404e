/**
 * Invite codes: `entente1_` and base64url (RFC 4648 section 5, no padding) of a canonical JSON object followed by the
 * first 4 bytes of its domain-separated SHA-256. The checksum catches a damaged copy before anything is dialled; what
 * admits is the secret, and what protects the invited party is the CA's fingerprint.
 */
import * as z from "zod";
import { concat, equalBytes, fromHex, toHex } from "../encoding/bytes.ts";
import { canonicalJson, parseCanonicalJson } from "../encoding/canonical-json.ts";
import { domainHash } from "../encoding/sha256.ts";
import { EntenteError } from "../errors.ts";
import { type PartyId, partyId } from "../ids.ts";
import { type Endpoint, formatEndpoint, parseEndpoint } from "./endpoint.ts";

const PREFIX = "entente1_";
const CHECKSUM_BYTES = 4;
const MAX_CODE_CHARACTERS = 2_048;
export const INVITE_SECRET_BYTES = 32;

export interface Invite {
  /** Of the enrolment listener. */
  readonly endpoint: Endpoint;
  /** SHA-256 of the CA certificate's DER, hex. */
  readonly caFingerprint: string;
  /** 32 bytes, once. */
  readonly secret: Uint8Array;
  /** The name that the invited party will have. */
  readonly party: PartyId;
  /** The party that made the invite; absent when the coordinator's operator did. */
  readonly inviter?: { readonly party: PartyId; readonly fingerprint: string };
}

const hex64 = z.string().regex(/^[0-9a-f]{64}$/);
const schema = z.strictObject({
  v: z.literal(1),
  endpoint: z.string().max(300),
  ca: hex64,
  secret: hex64,
  party: z.string(),
  inviter: z
    .strictObject({ party: z.string(), fingerprint: z.string().regex(/^[0-9a-f]{4}(?:-[0-9a-f]{4}){7}$/) })
    .optional(),
});

function checksum(body: Uint8Array): Uint8Array {
  return domainHash("entente invite/1", body).subarray(0, CHECKSUM_BYTES);
}

export function formatInvite(invite: Invite): string {
  const body = canonicalJson({
    v: 1,
    endpoint: formatEndpoint(invite.endpoint),
    ca: invite.caFingerprint,
    secret: toHex(invite.secret),
    party: invite.party,
    ...(invite.inviter === undefined
      ? {}
      : { inviter: { party: invite.inviter.party, fingerprint: invite.inviter.fingerprint } }),
  });
  return PREFIX + concat(body, checksum(body)).toBase64({ alphabet: "base64url", omitPadding: true });
}

/** Blanks at the ends are forgiven, for copy and paste; nothing else is. Throws INVITE_INVALID. */
export function parseInvite(code: string): Invite {
  try {
    const text = code.trim();
    if (!text.startsWith(PREFIX) || text.length > MAX_CODE_CHARACTERS) throw new Error("form");
    const encoded = text.slice(PREFIX.length);
    const bytes = Uint8Array.fromBase64(encoded, { alphabet: "base64url", lastChunkHandling: "loose" });
    if (bytes.toBase64({ alphabet: "base64url", omitPadding: true }) !== encoded) throw new Error("base64url");
    const body = bytes.subarray(0, -CHECKSUM_BYTES);
    if (!equalBytes(checksum(body), bytes.subarray(-CHECKSUM_BYTES))) throw new Error("checksum");
    const { endpoint, ca, secret, party, inviter } = schema.parse(parseCanonicalJson(body));
    return {
      endpoint: parseEndpoint(endpoint),
      caFingerprint: ca,
      secret: fromHex(secret),
      party: partyId(party),
      ...(inviter === undefined
        ? {}
        : { inviter: { party: partyId(inviter.party), fingerprint: inviter.fingerprint } }),
    };
  } catch {
    // No cause: a parser's message quotes what it read, and that is the secret.
    throw new EntenteError("INVITE_INVALID");
  }
}

/** What the coordinator keeps of a secret. It has 256 bits of entropy, so a plain hash is enough. Hex. */
export function inviteSecretHash(secret: Uint8Array): string {
  return toHex(domainHash("entente invite secret/1", secret));
}
