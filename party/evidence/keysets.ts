/** The keysets under which the logs of a collaboration were signed, as an auditor gets them: this node's own with what peers have
 * countersigned, the coordinator's, and those of peers that this node has seen. */
import { type Keyset, keyId } from "../../proto/agreement/keyset.ts";
import type { KeysetRecord } from "../../proto/agreement/keyset-history.ts";
import { addCountersignature } from "../../proto/agreement/succession.ts";
import { equalBytes, fromHex } from "../../proto/encoding/bytes.ts";
import { decodeEnvelope } from "../../proto/encoding/dsse.ts";
import { type VerifyingKey, verifyingKey } from "../../proto/encoding/ed25519.ts";
import type { ExportedKeyset } from "../../proto/evidence/export.ts";
import type { Enrolled } from "../coordinator-link/enrol.ts";
import type { CoordinatorLink } from "../coordinator-link/link.ts";
import type { Peers } from "../session/peers.ts";
import type { Keyring } from "../store/keyring.ts";

export interface KeysetSources {
  readonly keyring: Keyring;
  readonly peers: Peers;
  readonly link: CoordinatorLink;
  readonly enrolled: Enrolled;
}

/** For an export. `others`: the other parties of the collaboration. Throws what looking a peer up throws. */
export async function exportedKeysets(sources: KeysetSources, others: readonly string[]): Promise<ExportedKeyset[]> {
  for (const party of others) await sources.peers.require(party);
  return keysetsOf(sources, others, await ownHistory(sources, others));
}

/** The same as far as this node knows them by itself: nobody is asked. Throws PEER_UNCONFIRMED. */
export function knownKeysets(
  sources: Omit<KeysetSources, "link">,
  others: readonly string[],
): Promise<ExportedKeyset[]> {
  return keysetsOf(sources, others, sources.keyring.history);
}

async function keysetsOf(
  { keyring, peers, enrolled }: Omit<KeysetSources, "link">,
  others: readonly string[],
  own: readonly KeysetRecord[],
): Promise<ExportedKeyset[]> {
  const { coordinator: party, coordinatorIdentity: identity, coordinatorKeyset } = enrolled;
  const keysets: ExportedKeyset[] = [
    ...exported(own, keyring.verifiedKeysets),
    { party, identity, envelope: decodeEnvelope(coordinatorKeyset) },
  ];
  for (const other of others) {
    const { records, keysets: read } = await peers.history(other);
    keysets.push(...exported(records, read));
  }
  return keysets;
}

function exported(records: readonly KeysetRecord[], read: readonly Keyset[]): ExportedKeyset[] {
  return records.map(({ keyset: envelope, succession }, i) => {
    const { party, identity } = read[i] as Keyset;
    // What came before the first that this node has seen is not for it to tell.
    return i === 0 || succession === undefined
      ? { party, identity, envelope }
      : { party, identity, envelope, succession };
  });
}

/** This node's own keysets, each succession with the countersignatures of peers that the directory shows and that verify. */
async function ownHistory({ keyring, peers, link }: KeysetSources, others: readonly string[]) {
  const { history } = keyring;
  if (history.every(({ succession }) => succession === undefined)) return history;
  const shown = (await link.lookup(keyring.party)).successions.map(({ succession }) => decodeEnvelope(succession));
  const keys: VerifyingKey[] = [];
  for (const party of others)
    for (const identity of await peers.identities(party))
      keys.push(verifyingKey(keyId(party, "identity"), fromHex(identity)));
  return history.map((record) => {
    const other = shown.find(({ payload }) => record.succession && equalBytes(payload, record.succession.payload));
    if (record.succession === undefined || other === undefined) return record;
    const countersigned = keys.reduce((signed, key) => {
      try {
        return addCountersignature(signed, other, key);
      } catch {
        return signed;
      }
    }, record.succession);
    return { ...record, succession: countersigned };
  });
}
