/**
 * The coordinator's Ed25519 keys, as seeds of mode 0600: an identity, whose fingerprint an auditor compares, and under it
 * the log key, which signs the checkpoints of its logs. The other keys of its keyset sign nothing.
 */
import { join } from "node:path";
import { issueKeyset, KEY_ROLES, type KeyRole, keyId } from "../proto/agreement/keyset.ts";
import { fromHex, fromUtf8, toHex, utf8 } from "../proto/encoding/bytes.ts";

import { encodeEnvelope } from "../proto/encoding/dsse.ts";
import { type SigningKey, signingKey } from "../proto/encoding/ed25519.ts";
import { EntenteError } from "../proto/errors.ts";
import type { PartyId } from "../proto/ids.ts";
import type { Files, Ports, Random } from "../proto/ports/ports.ts";

const SEED_BYTES = 32;
const ROLES = ["identity", ...KEY_ROLES] as const;

function seedPath(folder: string, role: string): string {
  return join(folder, "keys", `${role}.seed`);
}

export async function makeKeys(files: Files, random: Random, folder: string): Promise<void> {
  for (const role of ROLES)
    await files.writeDurable(seedPath(folder, role), utf8(`${toHex(random.bytes(SEED_BYTES))}\n`));
}

export interface CoordinatorKeys {
  readonly identity: SigningKey;
  readonly log: SigningKey;
  /** DSSE envelope, canonical JSON, signed by the identity. */
  readonly keyset: Uint8Array;
}

/** Throws STORAGE_FAILED when a key is missing or damaged. */
export async function readKeys(
  { files, clock }: Pick<Ports, "files" | "clock">,
  folder: string,
  name: PartyId,
): Promise<CoordinatorKeys> {
  const keys = Object.fromEntries(
    await Promise.all(ROLES.map(async (role) => [role, await readKey(files, folder, name, role)] as const)),
  ) as Record<(typeof ROLES)[number], SigningKey>;
  const { identity, log } = keys;
  const keyset = issueKeyset({ party: name, identity, keys, recovery: null, nowMs: clock.nowMs() });
  return { identity, log, keyset: encodeEnvelope(keyset) };
}

async function readKey(files: Files, folder: string, name: string, role: KeyRole | "identity"): Promise<SigningKey> {
  const bytes = await files.read(seedPath(folder, role));
  try {
    return signingKey(keyId(name, role), fromHex(fromUtf8(bytes ?? new Uint8Array()).trimEnd()));
  } catch {
    // No cause: it could quote the seed.
    throw new EntenteError("STORAGE_FAILED", { detail: `keys/${role}.seed` });
  }
}
