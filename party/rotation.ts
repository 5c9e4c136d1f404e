/**
 * New working keys for this node, under the same identity or a new one. Peers are told, every log says so in an entry that the
 * identity and the old jobs key sign, and from the next entry on everything is under the new keyset. A stop in between leaves
 * the old one in force; the next start goes on.
 */
import type { Logger } from "pino";
import { follow, type KeysetRecord } from "../proto/agreement/keyset-history.ts";
import { type Envelope, encodeEnvelope } from "../proto/encoding/dsse.ts";
import { digestOf } from "../proto/encoding/sha256.ts";
import { statementEntry } from "../proto/evidence/statements.ts";
import type { CollaborationId } from "../proto/ids.ts";
import type { CoordinatorLink } from "./coordinator-link/link.ts";
import type { Logbook } from "./evidence/logbook.ts";
import { collaborationsOf } from "./evidence/witnessing.ts";
import { inControlSession } from "./session/control.ts";
import type { Meetings } from "./session/meetings.ts";
import type { Peers } from "./session/peers.ts";
import { successionEntry } from "./session/successions.ts";
import type { Keyring } from "./store/keyring.ts";
import type { Store } from "./store/store.ts";

export interface RotationDeps {
  readonly keyring: Keyring;
  readonly store: Store;
  readonly logbook: Logbook;
  readonly peers: Peers;
  readonly meetings: Meetings;
  readonly link: CoordinatorLink;
  readonly logger: Logger;
}

const PUBLISHED = "keyset-published";
/** How many, of the first. */
const SUCCESSIONS_PUBLISHED = "successions-published";

/** Throws NOT_ENROLLED, and LOG_FORKED or COLLABORATION_READ_ONLY while a log may not be written: nothing has changed then. No
 * job may be running: what it signed before and after would be under two keysets. */
export function rotateKeyset(deps: RotationDeps): Promise<void> {
  return rotate(deps, () => deps.keyring.prepareNext());
}

/** The same with a new identity, for one that somebody else may have got, or in good time before. Errors as `rotateKeyset`. */
export async function rotateIdentity(deps: RotationDeps): Promise<void> {
  // What has begun as another rotation is ended first.
  await finishRotation(deps);
  await rotate(deps, () => deps.keyring.prepareIdentity());
}

async function rotate(deps: RotationDeps, prepare: () => Promise<KeysetRecord>): Promise<void> {
  const { keyring, store, logbook } = deps;
  const all = await collaborationsOf(store, keyring.party);
  for (const collaboration of all.keys()) await logbook.standings.requireWritable(collaboration);
  const next = await prepare();
  for (const party of new Set(all.values())) await tellPeer(deps, party, next);
  await finishRotation(deps);
  // Tried again every minute.
  await publishKeyset(deps).catch((err: unknown) =>
    deps.logger.warn({ err }, "the coordinator has not the new keyset yet"),
  );
}

/** From what was prepared to what is in force. */
export async function finishRotation({
  keyring,
  store,
  logbook,
}: Pick<RotationDeps, "keyring" | "store" | "logbook">): Promise<void> {
  const { next } = keyring;
  if (next === undefined) return;
  const { keyset, succession } = follow(keyring.verifiedKeysets, next);
  const [previous] = keyring.keysets.slice(-1) as [Envelope];
  const keysetDigest = digestOf(next.keyset.payload);
  const all = [...(await collaborationsOf(store, keyring.party)).keys()];
  const entryFor = async (collaboration: CollaborationId) => {
    if ((await store.setting(recordedIn(collaboration))) === keysetDigest) return undefined;
    const signers = [keyring.keys.jobs, keyring.identity] as const;
    if (succession !== undefined && next.succession !== undefined)
      return statementEntry(...successionEntry(next.succession, succession, logbook.now()), ...signers);
    const predicate = {
      party: keyring.party,
      previousKeysetDigest: digestOf(previous.payload),
      keysetDigest,
      validFrom: keyset.validFrom,
      at: logbook.now(),
    };
    const subject = [{ name: "keyset", digest: { sha256: keysetDigest } }] as const;
    return statementEntry("keyset-rotated", [...subject], predicate, ...signers);
  };
  await logbook.rotate(all, {
    entryFor,
    onAppended: (collaboration) => store.putSetting(recordedIn(collaboration), keysetDigest),
    activate: () => keyring.activateNext(),
  });
}

/** Until the coordinator has the successions of this party's identity, and the keyset in force. The one of enrolment it has
 * already, and the one that a succession brought. */
export async function publishKeyset({ keyring, store, link }: RotationDeps): Promise<void> {
  const successions = keyring.history.filter(({ succession }) => succession !== undefined);
  const known = Number((await store.setting(SUCCESSIONS_PUBLISHED)) ?? 0);
  for (const [i, { keyset, succession }] of successions.entries()) {
    if (i < known || succession === undefined) continue;
    await link.publishSuccession({ succession: encodeEnvelope(succession), keyset: encodeEnvelope(keyset) });
    await store.putSetting(SUCCESSIONS_PUBLISHED, String(i + 1));
  }
  const [record] = keyring.history.slice(-1);
  if (record === undefined || keyring.history.length === 1 || record.succession !== undefined) return;
  const { keyset: current } = record;
  const digest = digestOf(current.payload);
  if ((await store.setting(PUBLISHED)) === digest) return;
  await link.publishKeyset(encodeEnvelope(current));
  await store.putSetting(PUBLISHED, digest);
}

/** Under the keys that are still in force. A peer that is away asks the directory, which cannot forge a keyset. */
async function tellPeer({ peers, meetings, logger }: RotationDeps, party: string, next: KeysetRecord): Promise<void> {
  try {
    await inControlSession(meetings, await peers.require(party), (client) => client.keyset(next));
  } catch (err) {
    logger.warn({ peer: party, err }, "the peer could not be told of the new keyset");
  }
}

function recordedIn(collaboration: CollaborationId): string {
  return `keyset-recorded/${collaboration}`;
}
