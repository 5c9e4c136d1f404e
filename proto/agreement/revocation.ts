/**
 * The end of an agreement before its time, and the proof that it has not come: a revocation by either party, signed by
 * its identity key, and the statement "still in force", signed by its jobs key and good for a day (a lease).
 */
import * as z from "zod";
import { canonicalJson, type Json, parseCanonicalJson } from "../encoding/canonical-json.ts";
import { type Envelope, envelope, verify } from "../encoding/dsse.ts";
import type { SigningKey, VerifyingKey } from "../encoding/ed25519.ts";
import { EntenteError } from "../errors.ts";
import type { Digest } from "../ids.ts";
import { digestField, partyName, utcTime } from "./fields.ts";
import { keyId } from "./keyset.ts";

export const REVOCATION_TYPE = "application/vnd.entente.revocation.v1+json";
export const IN_FORCE_TYPE = "application/vnd.entente.in-force.v1+json";
/** How long a peer's statement that an agreement is in force may be relied on, on a monotonic clock. */
export const LEASE_MS = 86_400_000;

const revocationSchema = z.strictObject({
  format: z.literal("entente-revocation/1"),
  agreement: digestField,
  by: partyName,
  at: utcTime,
});

const inForceSchema = z.strictObject({
  format: z.literal("entente-in-force/1"),
  agreement: digestField,
  by: partyName,
  at: utcTime,
});

export type Revocation = z.infer<typeof revocationSchema>;
export type InForce = z.infer<typeof inForceSchema>;

type Statement = Revocation | InForce;

/** Whose statement it must be, and of what. */
export interface Expected {
  readonly agreement: Digest;
  readonly by: string;
}

function read<T extends Statement>(
  signed: Envelope,
  form: { readonly type: string; readonly schema: z.ZodType<T>; readonly role: "identity" | "jobs" },
  key: VerifyingKey,
  { agreement, by }: Expected,
): T {
  if (key.keyId !== keyId(by, form.role)) throw new EntenteError("SIGNATURE_INVALID", { detail: "another key's role" });
  verify(signed, form.type, key);
  const parsed = form.schema.safeParse(parseCanonicalJson(signed.payload));
  if (!parsed.success)
    throw new EntenteError("WIRE_INVALID", { detail: `${form.type}: ${parsed.error.issues[0]?.path.join(".")}` });
  if (parsed.data.by !== by) throw new EntenteError("SIGNATURE_INVALID", { detail: "signed in another's name" });
  if (parsed.data.agreement !== agreement) throw new EntenteError("SESSION_MISMATCH", { detail: "another agreement" });
  return parsed.data;
}

/** Throws when a field is not of its form; `identityKey` must be that of `by`. */
export function signRevocation(revocation: Omit<Revocation, "format">, identityKey: SigningKey): Envelope {
  const statement = revocationSchema.parse({ format: "entente-revocation/1", ...revocation });
  return envelope(REVOCATION_TYPE, canonicalJson(statement as unknown as Json), identityKey);
}

/** Throws SIGNATURE_INVALID, WIRE_INVALID, or SESSION_MISMATCH when it is of another agreement. */
export function readRevocation(signed: Envelope, identityKey: VerifyingKey, expected: Expected): Revocation {
  const form = { type: REVOCATION_TYPE, schema: revocationSchema, role: "identity" } as const;
  return read(signed, form, identityKey, expected);
}

/** Throws when a field is not of its form; `jobsKey` must be that of `by`. */
export function signInForce(statement: Omit<InForce, "format">, jobsKey: SigningKey): Envelope {
  const checked = inForceSchema.parse({ format: "entente-in-force/1", ...statement });
  return envelope(IN_FORCE_TYPE, canonicalJson(checked as unknown as Json), jobsKey);
}

/** Says nothing of its age. Throws SIGNATURE_INVALID, WIRE_INVALID, or SESSION_MISMATCH when it is of another agreement. */
export function readInForce(signed: Envelope, jobsKey: VerifyingKey, expected: Expected): InForce {
  return read(signed, { type: IN_FORCE_TYPE, schema: inForceSchema, role: "jobs" } as const, jobsKey, expected);
}
