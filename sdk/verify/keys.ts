/** Verify keys: who the parties of the folders are, and under which keysets they signed, one after the other. */
import { fingerprint, parseFingerprint } from "../../proto/agreement/identity.ts";
import { type KeyRole, keyId } from "../../proto/agreement/keyset.ts";
import { parseSuccession } from "../../proto/agreement/succession.ts";
import { fromHex } from "../../proto/encoding/bytes.ts";
import type { Envelope } from "../../proto/encoding/dsse.ts";
import { type VerifyingKey, verifyingKey } from "../../proto/encoding/ed25519.ts";
import { digestOf } from "../../proto/encoding/sha256.ts";
import { encodeKeysets, KEYSETS_PATH, parseKeysets } from "../../proto/evidence/export.ts";
import { historiesOf, isCountersigned, joinHistories, type PartyHistory } from "./identities.ts";
import type { ExportFolder } from "./load.ts";
import type { Findings, PartyFingerprint } from "./verdict.ts";

export interface KeyInForce {
  readonly key: VerifyingKey;
  readonly validFrom: string;
  readonly validUntil: string;
  /** Place of the keyset among the party's: a later one has a greater place. */
  readonly place: number;
}

export class Keyring {
  readonly #parties = new Map<string, PartyHistory>();
  /** Making a key object costs about as much as using it. */
  readonly #keys = new Map<string, readonly KeyInForce[]>();

  /** False when the party is known under identities that these do not follow, nor precede. */
  add(history: PartyHistory): boolean {
    const known = this.#parties.get(history.party);
    const joined = known === undefined ? history : joinHistories(known, history);
    if (joined !== undefined) this.#parties.set(history.party, joined);
    this.#keys.clear();
    return joined !== undefined;
  }

  get parties(): readonly string[] {
    return [...this.#parties.keys()];
  }

  /** In hex, oldest first. */
  identitiesOf(party: string): readonly string[] {
    return this.#parties.get(party)?.identities ?? [];
  }

  /** Every key that the party ever had in that role, under the name that signatures carry; oldest first. */
  keysOf(party: string, role: KeyRole | "identity"): readonly KeyInForce[] {
    const name = keyId(party, role);
    const known = this.#keys.get(name);
    if (known !== undefined) return known;
    const keys = (this.#parties.get(party)?.keysets ?? []).map(({ keyset }, place) => ({
      key: verifyingKey(name, role === "identity" ? keyset.identity : keyset.keys[role]),
      validFrom: keyset.validFrom,
      validUntil: keyset.validUntil,
      place,
    }));
    this.#keys.set(name, keys);
    return keys;
  }

  /** Of the keyset with that digest. */
  placeOf(party: string, keysetDigest: string): number | undefined {
    const keysets = this.#parties.get(party)?.keysets ?? [];
    const place = keysets.findIndex(({ exported }) => digestOf(exported.envelope.payload) === keysetDigest);
    return place < 0 ? undefined : place;
  }

  /** The succession that brought that keyset. */
  successionTo(party: string, keysetDigest: string): Envelope | undefined {
    const { successions = [] } = this.#parties.get(party) ?? {};
    return successions.find((signed) => parseSuccession(signed).keysetDigest === keysetDigest);
  }

  /** Whether `peer` has countersigned every recovery of the party since it had that identity. */
  isCountersigned(party: string, identity: string, peer: string): boolean {
    const history = this.#parties.get(party);
    const keys = this.keysOf(peer, "identity").map(({ key }) => key);
    return history === undefined || isCountersigned(history, identity, keys);
  }

  /** Everybody but `owner`: nobody is witness to their own log. */
  witnessesOf(owner: string): string[] {
    return this.parties.filter((party) => party !== owner);
  }

  /** `keysets.json` of all that are here. */
  encode(): Uint8Array<ArrayBuffer> {
    const withSuccession = ({ party, keysets, successions }: PartyHistory) =>
      keysets.map(({ exported }, i) => {
        if (i === 0) return { party, identity: exported.identity, envelope: exported.envelope };
        const digest = digestOf(exported.envelope.payload);
        const succession = successions.find((signed) => parseSuccession(signed).keysetDigest === digest);
        return { ...exported, ...(succession === undefined ? {} : { succession }) };
      });
    return encodeKeysets([...this.#parties.values()].flatMap(withSuccession));
  }

  /** Of every identity of every party, oldest first. */
  fingerprints(): PartyFingerprint[] {
    return [...this.#parties].flatMap(([party, { identities }]) =>
      identities.map((identity) => ({ party, fingerprint: fingerprint(fromHex(identity)) })),
    );
  }

  /** Parties of whose identities none is among `trusted`. Each identity vouches for the one before, which it names, and is
   * vouched for by that one or its recovery key. */
  untrusted(trusted: readonly string[]): string[] {
    return this.parties.filter(
      (party) => !this.identitiesOf(party).some((identity) => trusted.includes(fingerprint(fromHex(identity)))),
    );
  }
}

/**
 * The keys of all folders. `trust`: fingerprints that the auditor got elsewhere; any other identity is then reported.
 * Throws BAD_REQUEST when one of them is no fingerprint.
 */
export async function verifyKeys(
  folders: readonly ExportFolder[],
  trust: readonly string[] | undefined,
  findings: Findings,
): Promise<Keyring> {
  const keyring = new Keyring();
  for (const { folder, manifest, read } of folders) {
    const place = { folder, path: KEYSETS_PATH };
    for (const history of readHistories(await read(KEYSETS_PATH)))
      if (history === undefined || !keyring.add(history)) findings.report("KEYSET_INVALID", place);
    if (!keyring.parties.includes(manifest.exportingParty)) findings.report("KEYSET_INVALID", place);
  }
  const trusted = trust?.map(parseFingerprint);
  for (const party of trusted === undefined ? [] : keyring.untrusted(trusted))
    findings.report("IDENTITY_UNTRUSTED", { path: KEYSETS_PATH }, `of ${party}`);
  return keyring;
}

/** Of each party in a `keysets.json`; undefined in the place of each that does not verify. */
export function readHistories(bytes: Uint8Array | undefined): (PartyHistory | undefined)[] {
  if (bytes === undefined) return [undefined];
  try {
    return historiesOf(parseKeysets(bytes));
  } catch {
    return [undefined];
  }
}
