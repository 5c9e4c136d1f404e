/**
 * Changes of parties' identities, as the directory shows them. Peers decide by themselves what they follow; here a succession
 * that holds moves the directory's entry on, so that later keysets are checked under the new identity.
 */
import { decodeHistory, encodeHistory, type KeysetRecord } from "../proto/agreement/keyset-history.ts";
import { parseSuccession } from "../proto/agreement/succession.ts";
import { equalBytes, fromUtf8, utf8 } from "../proto/encoding/bytes.ts";
import { encodeEnvelope } from "../proto/encoding/dsse.ts";
import type { PartyId } from "../proto/ids.ts";
import { keepEarlier } from "./earlier-keysets.ts";
import type { Service } from "./service.ts";
import type { Store, StoredParty } from "./store/store.ts";

/** Signatures without which it is none: of the old identity or the recovery key, and of the new identity. */
const OWN_SIGNATURES = 2;

/** Oldest first; the last may not hold yet. Each has a succession. */
export async function successionsOf(store: Pick<Store, "readSetting">, party: PartyId): Promise<KeysetRecord[]> {
  return decode(await store.readSetting(setting(party)));
}

/** One step of the store: `change` gets what is there. */
export async function changeSuccessions(
  store: Pick<Store, "changeSetting">,
  party: PartyId,
  change: (before: readonly KeysetRecord[]) => readonly KeysetRecord[],
): Promise<void> {
  await store.changeSetting(setting(party), (text) => fromUtf8(encodeHistory(change(decode(text)))));
}

/** Those after the identity that the directory shows. */
export function pendingOf(records: readonly KeysetRecord[], identityPublicKey: Uint8Array): readonly KeysetRecord[] {
  const at = records.findIndex((record) => equalBytes(read(record).newIdentity, identityPublicKey));
  return records.slice(at + 1);
}

/** The party under the newest identity that holds now. A recovery holds when its delay is over and a peer has countersigned. */
export async function settled(
  { store, ports }: Pick<Service, "store" | "ports">,
  stored: StoredParty,
): Promise<StoredParty> {
  const records = await successionsOf(store, stored.party);
  let party = stored;
  for (const record of pendingOf(records, stored.identityPublicKey)) {
    const { kind, effectiveAt, newIdentity } = read(record);
    const isCountersigned = (record.succession?.signatures.length ?? 0) > OWN_SIGNATURES;
    if (kind === "recovered" && (!isCountersigned || Date.parse(effectiveAt) > ports.clock.nowMs())) break;
    const next = { ...party, identityPublicKey: newIdentity, keyset: encodeEnvelope(record.keyset) };
    await keepEarlier(store, party);
    await store.putIdentity(next, party.identityPublicKey);
    party = next;
  }
  return party;
}

export function read({ succession }: KeysetRecord) {
  // Only such are kept.
  return parseSuccession(succession as NonNullable<typeof succession>);
}

function setting(party: PartyId): string {
  return `successions/${party}`;
}

function decode(text: string | undefined): KeysetRecord[] {
  return text === undefined ? [] : decodeHistory(utf8(text));
}
