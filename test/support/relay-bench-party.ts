/**
 * One end of relayed sessions in a process of its own, told by its parent what to do: for the bench of the relay. Keys of
 * sessions follow from the party's name, so that each end knows the other's.
 */
import { once } from "node:events";
import { pathToFileURL } from "node:url";
import { dialCoordinator } from "../../party/coordinator-link/dial.ts";
import type { Enrolled } from "../../party/coordinator-link/enrol.ts";
import { watchInbox } from "../../party/coordinator-link/watch-inbox.ts";
import { sessionCredentials } from "../../party/session/certificate.ts";
import type { Channel } from "../../party/session/channel.ts";
import { Meetings } from "../../party/session/meetings.ts";
import type { Peer } from "../../party/session/peers.ts";
import { utf8 } from "../../proto/encoding/bytes.ts";
import { signingKey, verifyingKey } from "../../proto/encoding/ed25519.ts";
import { sha256 } from "../../proto/encoding/sha256.ts";
import { type PartyId, partyId } from "../../proto/ids.ts";
import { Secret } from "../../proto/keys/secret.ts";
import { nodePorts } from "../../proto/ports/node.ts";

/** As a message between processes has it. */
export type PlainEnrolled = Omit<Enrolled, "keyPem"> & { readonly keyPem: string };
export type Told =
  | { readonly do: "start"; readonly party: string; readonly peer: string; readonly enrolled: PlainEnrolled }
  /** Opens a session with the peer. */
  | { readonly do: "open" }
  /** Through every open session at once. */
  | { readonly do: "send"; readonly frames: number; readonly frameBytes: number };
export type Said = { readonly said: "inbox" | "opened" | "sent" };

const ANSWER_MS = 120_000;
const DATA = 1;
const LAST = 2;

const seedOf = (party: string, role: string) => sha256(utf8(`bench/${party}/${role}`));
const keyOf = (party: string, role: string) => signingKey(`${party}/${role}`, seedOf(party, role));

/** What meetings need of a peer. */
function benchPeer(party: PartyId): Peer {
  const [session, jobs] = [keyOf(party, "session"), keyOf(party, "jobs")];
  const key = () => verifyingKey(jobs.keyId, jobs.publicKey);
  return { party, keyset: { keys: { session: session.publicKey } }, key } as unknown as Peer;
}

/** Everything that comes, and a word when the last frame of a batch is there. */
async function sink(channel: Channel): Promise<void> {
  for (;;) {
    const { type } = await channel.receive(ANSWER_MS);
    if (type === LAST) await channel.send({ type: DATA, round: 1, partition: 0, chunk: 0, body: new Uint8Array(1) });
  }
}

async function serve(): Promise<void> {
  const say = (said: Said["said"]) => process.send?.({ said } satisfies Said);
  const [told] = (await once(process, "message")) as [Extract<Told, { do: "start" }>];
  const [own, peer] = [partyId(told.party), benchPeer(partyId(told.peer))];
  const session = keyOf(own, "session");
  const credentials = await sessionCredentials(own, seedOf(own, "session"), session.publicKey);
  const link = dialCoordinator({ ...told.enrolled, keyPem: new Secret(told.enrolled.keyPem) });
  const meetings = new Meetings({
    ...{ own, link, signers: { credentials, keys: { jobs: keyOf(own, "jobs") } } },
    ...{ timers: nodePorts.timers, random: nodePorts.random, clock: nodePorts.clock },
  });
  const channels: Channel[] = [];
  watchInbox(
    link,
    {
      onWake: (wake) => {
        const met = wake.resumes ? meetings.goOn(wake) : meetings.acceptControl(wake.relayId, peer).then(sink);
        met.catch(() => undefined);
      },
      onState: (state) => state === "open" && say("inbox"),
    },
    nodePorts,
  );
  process.on("message", async (message: Told) => {
    if (message.do === "open") {
      channels.push(await meetings.openControl(peer));
      say("opened");
    }
    if (message.do !== "send") return;
    const body = new Uint8Array(message.frameBytes);
    const sendAll = async (channel: Channel) => {
      for (let chunk = 1; chunk <= message.frames; chunk++)
        await channel.send({ type: chunk < message.frames ? DATA : LAST, round: 1, partition: 0, chunk, body });
      await channel.receive(ANSWER_MS);
    };
    await Promise.all(channels.map(sendAll));
    say("sent");
  });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) await serve();
