/**
 * The node's own keys, as 32-byte seeds in `keys/` of its folder (mode 0600), made on first start and never sent. The
 * identity key signs keysets and agreements; the four working keys do the rest; the at-rest key encrypts secrets of jobs.
 */
import { join } from "node:path";
import { issueKeyset, KEY_ROLES, type KeyRole, keyId } from "../../proto/agreement/keyset.ts";
import type { Envelope } from "../../proto/encoding/dsse.ts";
import { type SigningKey, signingKey } from "../../proto/encoding/ed25519.ts";
import { EntenteError } from "../../proto/errors.ts";
import { type PartyId, partyId } from "../../proto/ids.ts";
import type { Ports } from "../../proto/ports/ports.ts";
import { type SessionCredentials, sessionCredentials } from "../session/certificate.ts";

const SEED_BYTES = 32;

export interface Keyring {
  readonly party: PartyId;
  readonly identity: SigningKey;
  readonly keys: Readonly<Record<KeyRole, SigningKey>>;
  readonly credentials: SessionCredentials;
  /** 32 bytes for AES-256-GCM. */
  readonly atRestKey: Uint8Array;
  /** A keyset over the four working keys, valid from now. */
  newKeyset(): Envelope;
}

/** Throws STORAGE_FAILED when a key file has another length than 32 bytes: nothing is overwritten. */
export async function openKeyring(ports: Ports, folder: string, party: string): Promise<Keyring> {
  const name = partyId(party);
  const seed = async (role: string): Promise<Uint8Array> => {
    const path = join(folder, "keys", `${role}.seed`);
    const existing = await ports.files.read(path);
    if (existing !== undefined) {
      if (existing.length !== SEED_BYTES)
        throw new EntenteError("STORAGE_FAILED", { detail: `keys/${role}.seed is damaged` });
      return existing;
    }
    const fresh = ports.random.bytes(SEED_BYTES);
    await ports.files.writeDurable(path, fresh);
    return fresh;
  };
  const identity = signingKey(keyId(name, "identity"), await seed("identity"));
  const seeds = Object.fromEntries(
    await Promise.all(KEY_ROLES.map(async (role) => [role, await seed(role)] as const)),
  ) as Record<KeyRole, Uint8Array>;
  const keys = Object.fromEntries(
    KEY_ROLES.map((role) => [role, signingKey(keyId(name, role), seeds[role])]),
  ) as Record<KeyRole, SigningKey>;
  return {
    party: name,
    identity,
    keys,
    credentials: await sessionCredentials(name, seeds.session, keys.session.publicKey),
    atRestKey: await seed("at-rest"),
    newKeyset: () => issueKeyset({ party: name, identity, keys, nowMs: ports.clock.nowMs() }),
  };
}
