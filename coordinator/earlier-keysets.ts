/** Keysets that parties had before the one that the directory shows: an auditor of this log needs all that its receipts were
 * signed under. */
import { namedIdentity } from "../proto/agreement/keyset.ts";
import { decodeHistory, encodeHistory, type KeysetRecord } from "../proto/agreement/keyset-history.ts";
import { parseSuccession } from "../proto/agreement/succession.ts";
import { equalBytes, fromUtf8, utf8 } from "../proto/encoding/bytes.ts";
import { decodeEnvelope, type Envelope } from "../proto/encoding/dsse.ts";
import { digestOf } from "../proto/encoding/sha256.ts";
import type { ExportedKeyset } from "../proto/evidence/export.ts";
import type { Store, StoredParty } from "./store/store.ts";

/** Before another takes its place. The same one again changes nothing. */
export async function keepEarlier(
  store: Pick<Store, "changeSetting">,
  { party, keyset }: Pick<StoredParty, "party" | "keyset">,
): Promise<void> {
  const envelope = decodeEnvelope(keyset);
  await store.changeSetting(setting(party), (text) => {
    const before = decode(text);
    const isNew = before.every((known) => !equalBytes(known.payload, envelope.payload));
    return encode(isNew ? [...before, envelope] : before);
  });
}

/** Oldest first, with those of `successions` (all of the party) that brought them; the last is the one that the directory shows. */
export async function everyKeyset(
  store: Pick<Store, "readSetting">,
  { party, keyset }: Pick<StoredParty, "party" | "keyset">,
  successions: readonly KeysetRecord[],
): Promise<ExportedKeyset[]> {
  const current = decodeEnvelope(keyset);
  const earlier = decode(await store.readSetting(setting(party))).filter(
    ({ payload }) => !equalBytes(payload, current.payload),
  );
  return [...earlier, current].map((envelope, i) => {
    const digest = digestOf(envelope.payload);
    const record = successions.find(
      (item) => item.succession && parseSuccession(item.succession).keysetDigest === digest,
    );
    const exported = { party, identity: namedIdentity(envelope), envelope };
    return i === 0 || record?.succession === undefined ? exported : { ...exported, succession: record.succession };
  });
}

function setting(party: string): string {
  return `earlier-keysets/${party}`;
}

function encode(envelopes: readonly Envelope[]): string {
  return fromUtf8(encodeHistory(envelopes.map((keyset) => ({ keyset }))));
}

function decode(text: string | undefined): Envelope[] {
  return text === undefined ? [] : decodeHistory(utf8(text)).map(({ keyset }) => keyset);
}
