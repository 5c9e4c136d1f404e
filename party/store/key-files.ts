/** The files of `keyring.ts`: how seeds, keysets and what was prepared are read, drawn and written. */
import { join } from "node:path";
import {
  issueKeyset,
  KEY_ROLES,
  type KeyRole,
  type Keyset,
  keyId,
  namedIdentity,
} from "../../proto/agreement/keyset.ts";
import {
  decodeHistory,
  encodeHistory,
  follow,
  type KeysetRecord,
  verifyHistory,
} from "../../proto/agreement/keyset-history.ts";
import { parseSuccession, type Succession, signSuccession } from "../../proto/agreement/succession.ts";
import { equalBytes, fromHex, toHex, utf8 } from "../../proto/encoding/bytes.ts";
import { type SigningKey, signingKey } from "../../proto/encoding/ed25519.ts";
import { digestOf } from "../../proto/encoding/sha256.ts";
import { EntenteError } from "../../proto/errors.ts";
import type { PartyId } from "../../proto/ids.ts";
import type { Ports } from "../../proto/ports/ports.ts";
import { type SessionCredentials, sessionCredentials } from "../session/certificate.ts";

const SEED_BYTES = 32;
export const KEYSETS_FILE = "keysets.json";
export const NEXT_FILE = "next-keyset.json";
const RECOVERY_FILE = "recovery.public";

export type WorkingKeys = Readonly<Record<KeyRole, SigningKey>>;

export interface InForce {
  readonly keys: WorkingKeys;
  readonly credentials: SessionCredentials;
}

/** `verified`: the keysets of `records`, read. */
export interface History {
  readonly records: readonly KeysetRecord[];
  readonly verified: readonly Keyset[];
}

/** Who says that one identity follows another: the old identity, or the recovery key. */
export interface Signed {
  readonly kind: Succession["kind"];
  readonly from: SigningKey;
}

/** The operator's copy of the recovery key, in the node's folder until it is moved away. */
export const RECOVERY_KEY_FILE = "recovery.key";

/** A keyset over working keys of the next generation, durable but not in force. */
export async function prepare(
  { ports, keys: folder, party }: { readonly ports: Ports; readonly keys: string; readonly party: PartyId },
  {
    history,
    recovery,
    identity,
    succession,
  }: {
    readonly history: History;
    readonly recovery: Uint8Array<ArrayBuffer>;
    readonly identity: SigningKey;
    readonly succession: Signed | undefined;
  },
): Promise<KeysetRecord> {
  const [current] = history.verified.slice(-1);
  if (current === undefined) throw new EntenteError("NOT_ENROLLED");
  const { keys } = await workingKeys(ports, generationFolder(folder, history.records.length), party);
  const nowMs = ports.clock.nowMs();
  const keyset = issueKeyset({ party, identity, keys, recovery, nowMs });
  const says = succession && {
    ...{ party, kind: succession.kind, oldIdentity: current.identity },
    ...{ keysetDigest: digestOf(keyset.payload), at: new Date(nowMs).toISOString() },
  };
  const signed = says && signSuccession(says, { from: succession.from, to: identity });
  const record: KeysetRecord = signed === undefined ? { keyset } : { keyset, succession: signed };
  // What peers would refuse is not written down.
  follow(history.verified, record);
  await ports.files.writeDurable(join(folder, NEXT_FILE), encodeHistory([record]));
  return record;
}

/** The first keys stand beside the identity's, those of each rotation in a folder of their own. */
export function generationFolder(keys: string, generation: number): string {
  return generation <= 0 ? keys : join(keys, String(generation));
}

export async function seed({ files, random }: Ports, folder: string, name: string): Promise<Uint8Array> {
  const path = join(folder, `${name}.seed`);
  const existing = await files.read(path);
  if (existing !== undefined) {
    if (existing.length !== SEED_BYTES)
      throw new EntenteError("STORAGE_FAILED", { detail: `keys/${name}.seed is damaged` });
    return existing;
  }
  const fresh = random.bytes(SEED_BYTES);
  await files.writeDurable(path, fresh);
  return fresh;
}

export async function workingKeys(
  ports: Ports,
  folder: string,
  party: PartyId,
  makeCredentials: typeof sessionCredentials = sessionCredentials,
): Promise<InForce> {
  const seeds = Object.fromEntries(
    await Promise.all(KEY_ROLES.map(async (role) => [role, await seed(ports, folder, role)] as const)),
  ) as Record<KeyRole, Uint8Array>;
  const keys = Object.fromEntries(
    KEY_ROLES.map((role) => [role, signingKey(keyId(party, role), seeds[role])]),
  ) as WorkingKeys;
  const credentials = await makeCredentials(party, seeds.session, keys.session.publicKey);
  for (const role of KEY_ROLES) seeds[role].fill(0);
  return { keys, credentials };
}

/** Seeds that were lost and drawn anew would sign what nobody can verify. */
export function requireKeysOf(keyset: Keyset, keys: WorkingKeys): void {
  const isSame = KEY_ROLES.every((role) => equalBytes(keyset.keys[role], keys[role].publicKey));
  if (!isSame)
    throw new EntenteError("STORAGE_FAILED", { detail: "keys: seeds of another keyset than the one in force" });
}

/** Throws STORAGE_FAILED. */
export async function readHistory(ports: Ports, keys: string): Promise<History> {
  const bytes = await ports.files.read(join(keys, KEYSETS_FILE));
  if (bytes === undefined) return { records: [], verified: [] };
  try {
    const records = decodeHistory(bytes);
    const [first] = records as [KeysetRecord];
    return { records, verified: verifyHistory(records, namedIdentity(first.keyset)) };
  } catch (cause) {
    throw new EntenteError("STORAGE_FAILED", { detail: `keys/${KEYSETS_FILE} is damaged`, cause });
  }
}

export async function readNext(
  ports: Ports,
  keys: string,
  { records, verified }: History,
): Promise<KeysetRecord | undefined> {
  const bytes = await ports.files.read(join(keys, NEXT_FILE));
  if (bytes === undefined) return undefined;
  try {
    const [next] = decodeHistory(bytes) as [KeysetRecord];
    // A stop between putting it in force and removing the file.
    const last = records.at(-1);
    if (last !== undefined && equalBytes(next.keyset.payload, last.keyset.payload)) return undefined;
    follow(verified, next);
    return next;
  } catch (cause) {
    throw new EntenteError("STORAGE_FAILED", { detail: `keys/${NEXT_FILE} is damaged`, cause });
  }
}

export function isRecovery(record: KeysetRecord | undefined): record is KeysetRecord {
  return record?.succession !== undefined && parseSuccession(record.succession).kind === "recovered";
}

function identityFile(publicKey: Uint8Array): string {
  return join("identities", toHex(publicKey));
}

/** Undefined when its seed is not here. */
export async function keptIdentity(
  ports: Ports,
  keys: string,
  party: PartyId,
  publicKey: Uint8Array,
): Promise<SigningKey | undefined> {
  for (const file of [identityFile(publicKey), "identity"]) {
    const bytes = await ports.files.read(join(keys, `${file}.seed`));
    const key = bytes?.length === SEED_BYTES ? signingKey(keyId(party, "identity"), bytes) : undefined;
    bytes?.fill(0);
    if (key !== undefined && equalBytes(key.publicKey, publicKey)) return key;
  }
  return undefined;
}

export async function drawIdentity({ files, random }: Ports, keys: string, party: PartyId): Promise<SigningKey> {
  const bytes = random.bytes(SEED_BYTES);
  const key = signingKey(keyId(party, "identity"), bytes);
  await files.writeDurable(join(keys, `${identityFile(key.publicKey)}.seed`), bytes);
  bytes.fill(0);
  return key;
}

/** The private half first: a stop in between makes another one at the next start, before anybody has seen this. */
export async function makeRecoveryKey({ files, random }: Ports, folder: string): Promise<void> {
  const path = join(folder, "keys", RECOVERY_FILE);
  if ((await files.read(path)) !== undefined) return;
  const bytes = random.bytes(SEED_BYTES);
  await files.writeDurable(join(folder, RECOVERY_KEY_FILE), utf8(`${toHex(bytes)}\n`));
  await files.writeDurable(path, signingKey("recovery", bytes).publicKey);
}

export async function readRecovery({ files }: Ports, keys: string): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = await files.read(join(keys, RECOVERY_FILE));
  if (bytes?.length !== SEED_BYTES)
    throw new EntenteError("STORAGE_FAILED", { detail: `keys/${RECOVERY_FILE} is damaged` });
  return new Uint8Array(bytes);
}

export function readRecoveryKey(party: PartyId, text: string): SigningKey | undefined {
  const hex = text.trim();
  return /^[0-9a-f]{64}$/.test(hex) ? signingKey(keyId(party, "recovery"), fromHex(hex)) : undefined;
}
