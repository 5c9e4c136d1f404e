import { keyId, requireInForce, verifyKeyset } from "../../proto/agreement/keyset.ts";
import { follow, type KeysetRecord } from "../../proto/agreement/keyset-history.ts";
import { addCountersignature, parseSuccession } from "../../proto/agreement/succession.ts";
import { MAX_SUCCESSIONS, type PartyEntry, type SuccessionBytes } from "../../proto/codec/coordinator.ts";
import { equalBytes } from "../../proto/encoding/bytes.ts";
import { decodeEnvelope, type Envelope } from "../../proto/encoding/dsse.ts";
import { verifyingKey } from "../../proto/encoding/ed25519.ts";
import { EntenteError } from "../../proto/errors.ts";
import type { PartyId } from "../../proto/ids.ts";
import type { Caller } from "../caller.ts";
import type { Service } from "../service.ts";
import { changeSuccessions, pendingOf, successionsOf } from "../successions.ts";
import { enrolledParty, lookup } from "./lookup.ts";

/** As many signatures as an envelope takes. */
const MAX_SIGNATURES = 8;

/**
 * Keeps a change of the caller's identity, or the caller's countersignature of another party's. What has not held yet gives way
 * to what comes later. Throws SIGNATURE_INVALID, WIRE_INVALID, NOT_FOUND for a countersignature of what is not known, and
 * OVERLOADED when a party has changed too often.
 */
export async function publishSuccession(
  service: Service,
  bytes: SuccessionBytes,
  { party: caller }: Caller,
): Promise<PartyEntry> {
  const record = { keyset: decodeEnvelope(bytes.keyset), succession: decodeEnvelope(bytes.succession) };
  const { party } = parseSuccession(record.succession);
  if (party === caller) await keepOwn(service, caller, record);
  else await keepCountersignature(service, party, caller, record.succession);
  return lookup(service, { party });
}

async function keepOwn(
  service: Service,
  party: PartyId,
  record: KeysetRecord & { readonly succession: Envelope },
): Promise<void> {
  const { store, ports } = service;
  if ((await successionsOf(store, party)).some((known) => isSame(known, record.succession))) return;
  const known = await enrolledParty(service, party);
  const { identityPublicKey } = known;
  const { keyset } = follow([verifyKeyset(decodeEnvelope(known.keyset), identityPublicKey)], record);
  requireInForce(keyset, ports.clock.nowMs());
  await changeSuccessions(store, party, (before) => {
    const held = before.slice(0, before.length - pendingOf(before, identityPublicKey).length);
    if (held.length >= MAX_SUCCESSIONS) throw new EntenteError("OVERLOADED", { detail: "successions of a party" });
    return [...held, record];
  });
}

async function keepCountersignature(
  service: Service,
  party: PartyId,
  caller: PartyId,
  succession: Envelope,
): Promise<void> {
  const { identityPublicKey } = await enrolledParty(service, caller);
  const key = verifyingKey(keyId(caller, "identity"), identityPublicKey);
  await changeSuccessions(service.store, party, (before) => {
    const found = before.find((known) => isSame(known, succession));
    if (found?.succession === undefined) throw new EntenteError("NOT_FOUND", { detail: "succession" });
    const signed = addCountersignature(found.succession, succession, key);
    if (signed.signatures.length > MAX_SIGNATURES)
      throw new EntenteError("OVERLOADED", { detail: "countersignatures" });
    return before.map((known) => (known === found ? { ...known, succession: signed } : known));
  });
}

function isSame({ succession }: KeysetRecord, other: Envelope): boolean {
  return succession !== undefined && equalBytes(succession.payload, other.payload);
}
