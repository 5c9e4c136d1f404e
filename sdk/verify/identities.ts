/** How the keysets of a party follow each other, from one identity to the next, within a folder and over several. */
import type { Keyset } from "../../proto/agreement/keyset.ts";
import { verifyHistory } from "../../proto/agreement/keyset-history.ts";
import { parseSuccession, verifyCountersignature } from "../../proto/agreement/succession.ts";
import { equalBytes, toHex } from "../../proto/encoding/bytes.ts";
import type { Envelope } from "../../proto/encoding/dsse.ts";
import type { VerifyingKey } from "../../proto/encoding/ed25519.ts";
import type { ExportedKeyset } from "../../proto/evidence/export.ts";

/** A keyset with the envelope that its identity signed. */
export interface VerifiedKeyset {
  readonly keyset: Keyset;
  readonly exported: ExportedKeyset;
}

export interface PartyHistory {
  readonly party: string;
  /** In hex, oldest first: each but the first by a succession that verifies. */
  readonly identities: readonly string[];
  /** In the order of identities, then of time; each once. */
  readonly keysets: readonly VerifiedKeyset[];
  /** Every copy: one folder's may have countersignatures that another's has not. */
  readonly successions: readonly Envelope[];
}

/** Of each party in `keysets.json`; undefined in the place of each that does not verify. */
export function historiesOf(exported: readonly ExportedKeyset[]): (PartyHistory | undefined)[] {
  return [...Map.groupBy(exported, ({ party }) => party)].map(([party, own]) => historyOf(party, own));
}

function historyOf(party: string, own: readonly ExportedKeyset[]): PartyHistory | undefined {
  const [first] = own;
  if (first === undefined || first.succession !== undefined) return undefined;
  try {
    const records = own.map(({ envelope, succession }) => ({ keyset: envelope, succession }));
    const keysets = verifyHistory(records, first.identity).map((keyset, i) => ({
      keyset,
      exported: own[i] as ExportedKeyset,
    }));
    const isRight = ({ keyset, exported }: VerifiedKeyset) =>
      keyset.party === party &&
      equalBytes(keyset.identity, exported.identity) &&
      exported.envelope.signatures.length === 1;
    if (!keysets.every(isRight)) return undefined;
    const identities = [...new Set(keysets.map(({ keyset }) => toHex(keyset.identity)))];
    return { party, identities, keysets, successions: own.flatMap(({ succession }) => succession ?? []) };
  } catch {
    return undefined;
  }
}

/** What two folders say of one party together; undefined when they contradict each other. */
export function joinHistories(a: PartyHistory, b: PartyHistory): PartyHistory | undefined {
  const identities = joinChains(a.identities, b.identities) ?? joinChains(b.identities, a.identities);
  const recoveries = new Set(
    [...a.keysets, ...b.keysets].map(({ keyset: { recovery } }) => recovery && toHex(recovery)),
  );
  if (identities === undefined || recoveries.size !== 1) return undefined;
  const isNew = ({ exported }: VerifiedKeyset) =>
    a.keysets.every((known) => !equalBytes(known.exported.envelope.payload, exported.envelope.payload));
  const place = ({ keyset }: VerifiedKeyset) => identities.indexOf(toHex(keyset.identity));
  const keysets = [...a.keysets, ...b.keysets.filter(isNew)].sort(
    (x, y) => place(x) - place(y) || (x.keyset.validFrom < y.keyset.validFrom ? -1 : 1),
  );
  return { party: a.party, identities, keysets, successions: [...a.successions, ...b.successions] };
}

/** `later` begins within `earlier`, and they agree as far as both go. */
function joinChains(earlier: readonly string[], later: readonly string[]): readonly string[] | undefined {
  const at = earlier.indexOf(later[0] as string);
  if (at < 0) return undefined;
  const rest = earlier.slice(at);
  const [longer, shorter] = rest.length > later.length ? [rest, later] : [later, rest];
  return shorter.every((identity, i) => longer[i] === identity) ? [...earlier.slice(0, at), ...longer] : undefined;
}

/** Whether every recovery of the party since it had `identity` was countersigned by one of `keys`: a peer's identities. One that
 * the peer never knew another of was not for it to confirm. */
export function isCountersigned(
  { identities, successions }: PartyHistory,
  identity: string,
  keys: readonly VerifyingKey[],
): boolean {
  const since = identities.slice(identities.indexOf(identity) + 1);
  const recovered = successions.filter((signed) => {
    const { kind, newIdentity } = parseSuccession(signed);
    return kind === "recovered" && since.includes(toHex(newIdentity));
  });
  const byDocument = Map.groupBy(recovered, ({ payload }) => toHex(payload));
  return [...byDocument.values()].every((copies) => copies.some((signed) => keys.some((key) => verifies(signed, key))));
}

function verifies(signed: Envelope, key: VerifyingKey): boolean {
  try {
    verifyCountersignature(signed, key);
    return true;
  } catch {
    return false;
  }
}
