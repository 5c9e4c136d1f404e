/**
 * The node's own keys, as 32-byte seeds in `keys/` of its folder (mode 0600), made on first start and never sent. The
 * identity key signs keysets and agreements; the four working keys do the rest; the at-rest key encrypts secrets of jobs.
 *
 *     keys/identity.seed  at-rest.seed  epoch.seed
 *     keys/identities/<public key>.seed  an identity that took the place of another
 *     keys/recovery.public           of the key that can replace a lost identity
 *     recovery.key                   that key, in hex: written once with the first identity, never read, for the operator to
 *                                    move offline
 *     keys/<role>.seed               the first working keys
 *     keys/<n>/<role>.seed           those of the n-th rotation
 *     keys/keysets.json              every keyset in its order, and the successions; the last is in force. Writing it makes a
 *                                    rotation hold
 *     keys/next-keyset.json          of a rotation that has begun
 */
import { join } from "node:path";
import { issueKeyset, type KeyRole, type Keyset, keyId, namedIdentity } from "../../proto/agreement/keyset.ts";
import { encodeHistory, type KeysetRecord, verifyHistory } from "../../proto/agreement/keyset-history.ts";
import { equalBytes, toHex } from "../../proto/encoding/bytes.ts";
import type { Envelope } from "../../proto/encoding/dsse.ts";
import { type SigningKey, signingKey, type VerifyingKey, verifyingKey } from "../../proto/encoding/ed25519.ts";
import { EntenteError } from "../../proto/errors.ts";
import { type PartyId, partyId } from "../../proto/ids.ts";
import type { Ports } from "../../proto/ports/ports.ts";
import { type SessionCredentials, sessionCredentials } from "../session/certificate.ts";

import {
  drawIdentity,
  generationFolder,
  type History,
  type InForce,
  isRecovery,
  KEYSETS_FILE,
  keptIdentity,
  makeRecoveryKey,
  NEXT_FILE,
  prepare,
  readHistory,
  readNext,
  readRecovery,
  readRecoveryKey,
  requireKeysOf,
  type Signed,
  seed,
  type WorkingKeys,
  workingKeys,
} from "./key-files.ts";

interface Place {
  readonly ports: Ports;
  readonly folder: string;
  readonly makeCredentials: typeof sessionCredentials;
}

export class Keyring {
  readonly party: PartyId;
  /** Public half of the recovery key, raw 32 bytes. */
  readonly recovery: Uint8Array<ArrayBuffer>;
  // Private, as everything secret here: what prints a keyring prints none of them.
  readonly #atRestKey: Uint8Array;
  readonly #epochSeed: Uint8Array;
  readonly #ports: Ports;
  readonly #folder: string;
  readonly #makeCredentials: typeof sessionCredentials;
  #identity: SigningKey;
  #inForce: InForce;
  #history: History;
  #next: KeysetRecord | undefined;

  private constructor(
    fixed: Pick<Keyring, "party" | "identity" | "atRestKey" | "epochSeed" | "recovery">,
    place: Place,
    state: { readonly inForce: InForce; readonly history: History; readonly next: KeysetRecord | undefined },
  ) {
    this.party = fixed.party;
    this.#identity = fixed.identity;
    this.#atRestKey = fixed.atRestKey;
    this.#epochSeed = fixed.epochSeed;
    this.recovery = fixed.recovery;
    this.#ports = place.ports;
    this.#folder = place.folder;
    this.#makeCredentials = place.makeCredentials;
    this.#inForce = state.inForce;
    this.#history = state.history;
    this.#next = state.next;
  }

  /** Throws STORAGE_FAILED when a key file has another length than 32 bytes, a keyset is damaged, or the identity is lost:
   * nothing is overwritten. */
  static async open(
    ports: Ports,
    folder: string,
    party: string,
    makeCredentials: typeof sessionCredentials = sessionCredentials,
  ): Promise<Keyring> {
    const name = partyId(party);
    const keys = join(folder, "keys");
    const history = await readHistory(ports, keys);
    const [current] = history.verified.slice(-1);
    const next = await readNext(ports, keys, history);
    if (current === undefined) await makeRecoveryKey(ports, folder);
    const identity = current === undefined ? undefined : await keptIdentity(ports, keys, name, current.identity);
    const recovered = isRecovery(next) ? await keptIdentity(ports, keys, name, namedIdentity(next.keyset)) : undefined;
    const isLost = current !== undefined && identity === undefined;
    if (isLost && recovered === undefined)
      throw new EntenteError("STORAGE_FAILED", { detail: "keys: the identity is lost; see 'entente keys recover'" });
    const place = { ports, folder: keys, makeCredentials };
    const inForce = await workingKeys(ports, generationFolder(keys, history.records.length - 1), name, makeCredentials);
    if (current !== undefined) requireKeysOf(current, inForce.keys);
    const read = (file: string) => seed(ports, keys, file);
    const first = async () => {
      const bytes = await read("identity");
      const key = signingKey(keyId(name, "identity"), bytes);
      bytes.fill(0);
      return key;
    };
    return new Keyring(
      {
        party: name,
        // A recovery is for an identity that nobody should use any more, even if it is there.
        identity: recovered ?? identity ?? (await first()),
        atRestKey: await read("at-rest"),
        epochSeed: await read("epoch"),
        recovery: current?.recovery ?? (await readRecovery(ports, keys)),
      },
      place,
      { inForce, history, next },
    );
  }

  /**
   * In the folder of a node that is not running, and whose identity is lost or no longer only its own: prepares a new identity,
   * new working keys, and the succession that the recovery key signs. They are in force when the node starts. Throws
   * NOT_ENROLLED; BAD_REQUEST when it is not this node's recovery key. Resolves to the new identity's public key.
   */
  static async recover(ports: Ports, folder: string, party: string, recoveryKey: string): Promise<Uint8Array> {
    const name = partyId(party);
    const keys = join(folder, "keys");
    const history = await readHistory(ports, keys);
    const recovery = history.verified.at(-1)?.recovery;
    if (recovery === undefined) throw new EntenteError("NOT_ENROLLED");
    const from = readRecoveryKey(name, recoveryKey);
    if (from === undefined || recovery === null || !equalBytes(from.publicKey, recovery))
      throw new EntenteError("BAD_REQUEST", { detail: "not the recovery key of this node" });
    const identity = await drawIdentity(ports, keys, name);
    const place = { ports, keys, party: name };
    await prepare(place, { history, recovery, identity, succession: { kind: "recovered", from } });
    return identity.publicKey;
  }

  /** 32 bytes for AES-256-GCM. */
  get atRestKey(): Uint8Array {
    return this.#atRestKey;
  }

  /** 32 bytes, of which the keys of epochs are derived (`party/policy/epoch-keys.ts`). */
  get epochSeed(): Uint8Array {
    return this.#epochSeed;
  }

  /** Signs keysets, agreements and revocations. */
  get identity(): SigningKey {
    return this.#identity;
  }

  get keys(): WorkingKeys {
    return this.#inForce.keys;
  }

  get credentials(): SessionCredentials {
    return this.#inForce.credentials;
  }

  /** Every keyset that was in force, oldest first; none before enrolment. */
  get keysets(): readonly Envelope[] {
    return this.#history.records.map(({ keyset }) => keyset);
  }

  /** The same, with the successions between them. */
  get history(): readonly KeysetRecord[] {
    return this.#history.records;
  }

  /** Of `history`, read. */
  get verifiedKeysets(): readonly Keyset[] {
    return this.#history.verified;
  }

  /** A rotation that was begun and not ended. */
  get next(): KeysetRecord | undefined {
    return this.#next;
  }

  /** Whether this party has, or had, that identity (hex). */
  wasIdentity(identity: string): boolean {
    const all = [this.identity.publicKey, ...this.#history.verified.map((keyset) => keyset.identity)];
    return all.some((one) => toHex(one) === identity);
  }

  /** Of every keyset, newest first. */
  everyKey(role: KeyRole): readonly VerifyingKey[] {
    const earlier = this.#history.verified.slice(0, -1).map(({ keys }) => keys[role]);
    return [this.keys[role], ...earlier.reverse().map((key) => verifyingKey(keyId(this.party, role), key))];
  }

  /** Log keys before the present one. */
  get earlierLogKeys(): readonly VerifyingKey[] {
    return this.everyKey("log").slice(1);
  }

  /** For enrolment: the first keyset, over the working keys, valid from now. */
  async firstKeyset(): Promise<Envelope> {
    if (this.keysets.length > 1) throw new EntenteError("ALREADY_EXISTS", { detail: "keysets" });
    const { party, identity, keys, recovery } = this;
    const keyset = issueKeyset({ party, identity, keys, recovery, nowMs: this.#ports.clock.nowMs() });
    await this.#keep([{ keyset }]);
    return keyset;
  }

  /** New working keys and a keyset over them, durable but not in force. The same again while a rotation has not ended. Throws
   * NOT_ENROLLED. */
  async prepareNext(): Promise<KeysetRecord> {
    return this.#next ?? this.#prepare(this.identity);
  }

  /** The same with a new identity, which the present one names as its successor. */
  async prepareIdentity(): Promise<KeysetRecord> {
    return (
      this.#next ??
      this.#prepare(await drawIdentity(this.#ports, this.#folder, this.party), { kind: "rotated", from: this.identity })
    );
  }

  async #prepare(identity: SigningKey, succession?: Signed): Promise<KeysetRecord> {
    const { party, recovery } = this;
    const place = { ports: this.#ports, keys: this.#folder, party };
    this.#next = await prepare(place, { history: this.#history, recovery, identity, succession });
    return this.#next;
  }

  /** Puts the prepared keyset in force; everything that signs from now on uses its keys. */
  async activateNext(): Promise<void> {
    const next = this.#next;
    if (next === undefined) throw new EntenteError("INTERNAL", { detail: "no keyset was prepared" });
    const inForce = await workingKeys(this.#ports, this.#nextFolder(), this.party, this.#makeCredentials);
    const identity = await keptIdentity(this.#ports, this.#folder, this.party, namedIdentity(next.keyset));
    if (identity === undefined) throw new EntenteError("STORAGE_FAILED", { detail: "keys: the new identity is lost" });
    await this.#keep([...this.history, next]);
    this.#inForce = inForce;
    this.#identity = identity;
    this.#next = undefined;
    await this.#ports.files.remove(join(this.#folder, NEXT_FILE));
  }

  #nextFolder(): string {
    return generationFolder(this.#folder, this.keysets.length);
  }

  async #keep(records: readonly KeysetRecord[]): Promise<void> {
    const [first] = records;
    const verified = first === undefined ? [] : verifyHistory(records, namedIdentity(first.keyset));
    await this.#ports.files.writeDurable(join(this.#folder, KEYSETS_FILE), encodeHistory(records));
    this.#history = { records, verified };
  }
}
