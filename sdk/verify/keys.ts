/** Verify keys: who the parties of the folders are, and under which keys they signed when. */
import { fingerprint, parseFingerprint } from "../../proto/agreement/identity.ts";
import { type KeyRole, type Keyset, keyId, verifyKeyset } from "../../proto/agreement/keyset.ts";
import { equalBytes } from "../../proto/encoding/bytes.ts";
import { type VerifyingKey, verifyingKey } from "../../proto/encoding/ed25519.ts";
import { KEYSETS_PATH, parseKeysets } from "../../proto/evidence/export.ts";
import type { ExportFolder } from "./load.ts";
import type { Findings, PartyFingerprint } from "./verdict.ts";

interface KeyInForce {
  readonly key: VerifyingKey;
  readonly validFrom: string;
  readonly validUntil: string;
}

export class Keyring {
  readonly #keysets = new Map<string, Keyset[]>();

  /** False when the party is known under another identity. */
  add(keyset: Keyset): boolean {
    const known = this.#keysets.get(keyset.party) ?? [];
    if (known[0] !== undefined && !equalBytes(known[0].identity, keyset.identity)) return false;
    this.#keysets.set(keyset.party, [...known, keyset]);
    return true;
  }

  identityOf(party: string): Uint8Array | undefined {
    return this.#keysets.get(party)?.[0]?.identity;
  }

  /** Every key that the party ever had in that role, under the name that signatures carry. */
  keysOf(party: string, role: KeyRole | "identity"): KeyInForce[] {
    return (this.#keysets.get(party) ?? []).map(({ identity, keys, validFrom, validUntil }) => ({
      key: verifyingKey(keyId(party, role), role === "identity" ? identity : keys[role]),
      validFrom,
      validUntil,
    }));
  }

  /** Cosigner keys of everybody but `owner`: nobody is witness to their own log. */
  cosignersOf(owner: string): VerifyingKey[] {
    const peers = [...this.#keysets.keys()].filter((party) => party !== owner);
    return peers.flatMap((party) => this.keysOf(party, "cosigner").map(({ key }) => key));
  }

  fingerprints(): PartyFingerprint[] {
    return [...this.#keysets].map(([party, [first]]) => ({
      party,
      fingerprint: fingerprint((first as Keyset).identity),
    }));
  }
}

/**
 * The keys of all folders. `trust`: fingerprints that the auditor got elsewhere; any other identity is then reported.
 * Throws BAD_REQUEST when one of them is no fingerprint.
 */
export function verifyKeys(
  folders: readonly ExportFolder[],
  trust: readonly string[] | undefined,
  findings: Findings,
): Keyring {
  const keyring = new Keyring();
  for (const { folder, manifest, files } of folders) {
    const place = { folder, path: KEYSETS_PATH };
    for (const keyset of keysetsOf(files)) {
      if (keyset === undefined || !keyring.add(keyset)) findings.report("KEYSET_INVALID", place);
    }
    if (keyring.identityOf(manifest.exportingParty) === undefined) findings.report("KEYSET_INVALID", place);
  }
  const trusted = trust?.map(parseFingerprint);
  for (const { fingerprint: print } of keyring.fingerprints())
    if (trusted !== undefined && !trusted.includes(print))
      findings.report("IDENTITY_UNTRUSTED", { path: KEYSETS_PATH });
  return keyring;
}

/** Undefined in the place of each that does not verify. */
function keysetsOf(files: ReadonlyMap<string, Uint8Array>): (Keyset | undefined)[] {
  const bytes = files.get(KEYSETS_PATH);
  if (bytes === undefined) return [undefined];
  try {
    return parseKeysets(bytes).map(({ party, identity, envelope }) => {
      const keyset = verifyKeyset(envelope, identity);
      return keyset.party === party && envelope.signatures.length === 1 ? keyset : undefined;
    });
  } catch {
    return [undefined];
  }
}
