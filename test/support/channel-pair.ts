/** Two parties with keys, and the two ends of a session between them, in memory. */
import { randomBytes } from "node:crypto";
import { sessionCredentials } from "../../party/session/certificate.ts";
import { Channel, type ChannelOptions, type SessionPurpose } from "../../party/session/channel.ts";
import type { Peer } from "../../party/session/peers.ts";
import { KEY_ROLES, type KeyRole, keyId, verifyKeyset } from "../../proto/agreement/keyset.ts";
import { readEnvelope } from "../../proto/codec/session-parts.ts";
import { signingKey, verifyingKey } from "../../proto/encoding/ed25519.ts";
import { partyId } from "../../proto/ids.ts";
import { nodePorts } from "../../proto/ports/node.ts";
import { makeIdentity } from "./coordinator.ts";
import { streamPair } from "./pair.ts";

export const JOB_PURPOSE: SessionPurpose = {
  kind: "job",
  jobDigest: "ab".repeat(32),
  attempt: 1,
  parameters: "cd".repeat(32),
  plan: "ef".repeat(32),
};

export async function sessionParty(name: string) {
  const { identity, keys, keyset } = makeIdentity(name);
  const seed = new Uint8Array(randomBytes(32));
  const session = signingKey(keyId(name, "session"), seed);
  const keysetEnvelope = readEnvelope(keyset);
  const verifying = Object.fromEntries(
    KEY_ROLES.map((role) => [role, verifyingKey(keyId(name, role), keys[role].publicKey)]),
  ) as Record<KeyRole, ReturnType<typeof verifyingKey>>;
  const peer: Peer = {
    party: partyId(name),
    keyset: verifyKeyset(keysetEnvelope, identity.publicKey),
    keysetEnvelope,
    everyKey: (role) => [verifying[role]],
    key: (role) => (role === "identity" ? verifyingKey(identity.keyId, identity.publicKey) : verifying[role]),
  };
  return {
    name: partyId(name),
    identity,
    keys,
    peer,
    own: { credentials: await sessionCredentials(name, seed, session.publicKey), jobsKey: keys.jobs },
    seenByPeer: { sessionKey: session.publicKey, jobsKey: verifying.jobs },
  };
}

export type SessionParty = Awaited<ReturnType<typeof sessionParty>>;

/** `a` is the TLS server, as the PSI sender is in a job. */
export async function channelPair(
  a: SessionParty,
  b: SessionParty,
  change: Partial<ChannelOptions> = {},
): Promise<[Channel, Channel]> {
  const [left, right] = streamPair();
  const common = { purpose: JOB_PURPOSE, timers: nodePorts.timers, handshakeTimeoutMs: 2_000, ...change };
  return Promise.all([
    Channel.open({ ...common, stream: left, role: "server", own: a.own, peer: b.seenByPeer }),
    Channel.open({ ...common, stream: right, role: "client", own: b.own, peer: a.seenByPeer }),
  ]);
}
