/**
 * A coordinator that lies: it drops, delays and repeats wakes, pairs the wrong streams, changes what it relays, answers for others and
 * forges what it keeps. It may prevent a job; it must not read, change or release anything, nor stop what follows.
 */
import type { Duplex } from "node:stream";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { CoordinatorLink, InboxListener } from "../../party/coordinator-link/link.ts";
import { Channel } from "../../party/session/channel.ts";
import type { Wake } from "../../proto/codec/coordinator.ts";
import { utf8 } from "../../proto/encoding/bytes.ts";
import { encodeEnvelope } from "../../proto/encoding/dsse.ts";
import { EntenteError, toEntenteError } from "../../proto/errors.ts";
import { type Digest, digest, jobId, partyId, type RelayId, relayId } from "../../proto/ids.ts";
import { nodePorts } from "../../proto/ports/node.ts";
import { type SessionParty, sessionParty } from "../support/channel-pair.ts";
import { HostilePair } from "../support/hostile-pair.ts";
import { streamPair } from "../support/pair.ts";
import type { NodeName } from "../support/two-nodes.ts";

/** What the coordinator does otherwise for one party, and what it does with its wakes. */
interface Lie {
  readonly calls?: (honest: CoordinatorLink) => Partial<CoordinatorLink>;
  readonly wakes?: (wake: Wake, deliver: (wake: Wake) => void) => void;
}

let pair: HostilePair;
let mallory: SessionParty;
const lies: Partial<Record<NodeName, Lie>> = {};
const seenWakes: Wake[] = [];
const deliveries: Partial<Record<NodeName, (wake: Wake) => void>> = {};

/** Every call of the link goes through what the coordinator is told to do at the moment. */
const lying =
  (name: NodeName) =>
  (honest: CoordinatorLink): CoordinatorLink =>
    new Proxy(honest, {
      get(target, member: keyof CoordinatorLink & string) {
        if (member === "openInbox")
          return (listener: InboxListener) => {
            const deliver = (wake: Wake) => listener.onWake(wake);
            deliveries[name] = deliver;
            return target.openInbox({
              ...listener,
              onEnd: (error) => listener.onEnd(error),
              onWake(wake) {
                seenWakes.push(wake);
                const { wakes } = lies[name] ?? {};
                if (wakes === undefined) return deliver(wake);
                pair.meddler.hasMeddled = true;
                wakes(wake, deliver);
              },
            });
          };
        const changed = lies[name]?.calls?.(target)[member];
        if (changed === undefined) return target[member];
        return (...given: unknown[]) => {
          pair.meddler.hasMeddled = true;
          return (changed as (...all: unknown[]) => unknown).apply(target, given);
        };
      },
    });

beforeAll(async () => {
  pair = await HostilePair.start({ bank: lying("bank"), bureau: lying("bureau") });
  mallory = await sessionParty("bureau");
});
afterAll(() => pair.close());
afterEach(() => {
  delete lies.bank;
  delete lies.bureau;
  pair.settle();
});

/** How the bank's job ended while the coordinator lied; nothing came out of it unless it is done. */
async function outcome(honest: NodeName, lie: Partial<Record<NodeName, Lie>>): Promise<string> {
  const before = pair.nodes.log.length;
  Object.assign(lies, lie);
  let code: string;
  try {
    const { bank } = await pair.run(honest);
    code = bank?.reason?.code ?? (bank?.state as string);
    if (bank !== undefined && bank.state !== "done") {
      expect(bank.summary).toBeUndefined();
      const events = await pair.eventsOf(pair.nodes.bank, bank.jobId);
      expect(events.filter((event) => event === "opened" || event === "tags-issued")).toEqual([]);
    }
  } catch (error) {
    code = toEntenteError(error).code;
  }
  expect(pair.meddler.hasMeddled).toBe(true);
  expect(pair.nodes.log.slice(before).filter((line) => line.includes('"INTERNAL"'))).toEqual([]);
  return code;
}

/** Changes what comes out of a relayed stream. */
function through(stream: Duplex, change: (chunk: Buffer, nth: number) => Buffer | "end"): Duplex {
  const write = stream._write.bind(stream);
  let nth = 0;
  stream._write = (chunk: Buffer, encoding, done) => {
    const changed = change(chunk, nth++);
    if (changed !== "end") return write(changed, encoding, done);
    stream.destroy();
    done();
  };
  return Object.assign(stream, { _writev: null });
}

const relaying = (change: (chunk: Buffer, nth: number) => Buffer | "end"): Lie => ({
  calls: (honest) => ({ connectRelay: async (relay) => through(await honest.connectRelay(relay), change) }),
});

describe("wakes", () => {
  test("all of them dropped: the peer does not come, and the job says so", async () => {
    expect(await outcome("bank", { bureau: { wakes: () => undefined } })).toBe("PEER_TIMEOUT");
  });

  test.each<[string, NonNullable<Lie["wakes"]>]>([
    ["each late", (wake, deliver) => void setTimeout(() => deliver(wake), 60)],
    ["each twice", (wake, deliver) => [wake, wake].forEach(deliver)],
    ["each with those of before once more", (_, deliver) => seenWakes.slice(-4).forEach(deliver)],
    [
      "each after one that nobody asked for",
      (wake, deliver) => {
        deliver({ ...wake, relayId: relayId("0".repeat(32)) });
        deliver(wake);
      },
    ],
    [
      "each after the same in another's name",
      (wake, deliver) => {
        for (const from of ["telecom", "bureau"])
          deliver({ ...wake, from: partyId(from), relayId: relayId("1".repeat(32)) });
        deliver(wake);
      },
    ],
  ])("%s: the job runs all the same", async (_what, wakes) => {
    expect(await outcome("bank", { bureau: { wakes } })).toBe("done");
  });

  test("old ones after the job: nothing runs again", async () => {
    const before = pair.nodes.log.length;
    const jobs = await pair.nodes.bureau.book.list();
    for (const wake of seenWakes.slice(-6)) deliveries.bureau?.(wake);
    await expect
      .poll(() => pair.nodes.log.slice(before).filter((line) => line.includes('"session ended"')).length)
      .toBeGreaterThan(0);
    const states = (all: typeof jobs) => all.map(({ jobId: id, state, attempt }) => `${id} ${state} ${attempt}`).sort();
    expect(states(await pair.nodes.bureau.book.list())).toEqual(states(jobs));
  });

  test.each<[string, (wake: Wake) => Wake, RegExp]>([
    [
      "another job's",
      (wake) =>
        wake.purpose.kind === "job" ? { ...wake, purpose: { ...wake.purpose, jobId: jobId("0c".repeat(16)) } } : wake,
      /^(PEER_|CANCELLED)/,
    ],
    [
      "another attempt's",
      (wake) => (wake.purpose.kind === "job" ? { ...wake, purpose: { ...wake.purpose, attempt: 4 } } : wake),
      /^(PEER_|CANCELLED)/,
    ],
    [
      "a control session's for a job's",
      (wake) => ({ ...wake, purpose: { kind: "control" } }),
      /^(SESSION_MISMATCH|PEER_)/,
    ],
  ])("%s: refused in the handshake or never met", async (_what, change, code) => {
    expect(await outcome("bank", { bureau: { wakes: (wake, deliver) => deliver(change(wake)) } })).toMatch(code);
  });

  test("after all that, an honest job runs", () => pair.runHonestJob());
});

describe("relayed streams", () => {
  /** Somebody who answers in the bureau's place, with what keys they have. */
  const impostor = (): Lie => ({
    calls: () => ({
      async connectRelay() {
        const [near, far] = streamPair();
        const { bank } = pair.nodes;
        const peer = { sessionKey: bank.keyring.keys.session.publicKey, jobsKey: bank.keyring.keys.jobs };
        const options = { role: "server", purpose: { kind: "control" }, own: mallory.own, peer } as const;
        Channel.open({ ...options, stream: far, timers: nodePorts.timers, handshakeTimeoutMs: 2_000 }).catch(() =>
          far.destroy(),
        );
        return near;
      },
    }),
  });
  const echo = (): Lie => ({
    calls: () => ({
      async connectRelay() {
        const [near, far] = streamPair();
        far.on("error", () => undefined).pipe(far);
        return near;
      },
    }),
  });

  test.each<[string, () => Partial<Record<NodeName, Lie>>, RegExp]>([
    ["an impostor is at the other end", () => ({ bank: impostor() }), /^PEER_/],
    ["the node itself is at the other end", () => ({ bank: echo() }), /^PEER_/],
    [
      "a byte of the handshake is changed",
      () => ({
        bank: relaying((chunk) => chunk.with(chunk.length >> 1, (chunk[chunk.length >> 1] as number) ^ 1) as Buffer),
      }),
      /^PEER_/,
    ],
    [
      "bytes are added behind the handshake",
      () => ({ bureau: relaying((chunk, nth) => (nth < 4 ? chunk : Buffer.concat([chunk, Buffer.from("more")]))) }),
      /^(PEER_|done)/,
    ],
    [
      "bytes are left out",
      () => ({ bureau: relaying((chunk, nth) => (nth < 6 ? chunk : chunk.subarray(1))) }),
      /^PEER_/,
    ],
    [
      "the stream is cut in the middle",
      () => ({ bank: relaying((chunk, nth) => (nth < 5 ? chunk : "end")) }),
      /^PEER_/,
    ],
    [
      "no stream is ever made",
      () => ({ bank: { calls: () => ({ connectRelay: () => new Promise<Duplex>(() => undefined) }) } }),
      /^PEER_TIMEOUT$/,
    ],
    [
      "a stream that ends at once",
      () => ({
        bank: {
          calls: () => ({
            async connectRelay() {
              const [near, far] = streamPair();
              far.end();
              return near;
            },
          }),
        },
      }),
      /^PEER_/,
    ],
  ])("%s", async (_what, lie, code) => {
    expect(await outcome("bank", lie())).toMatch(code);
  });

  test("after all that, an honest job runs", () => pair.runHonestJob());
});

describe("what the coordinator says", () => {
  const forged = { ...({} as object), note: utf8("bureau/x\n1\nAAAA\n\n— a b\n"), proof: [] };
  const wrong = digest("0".repeat(64));

  test.each<[string, () => Partial<Record<NodeName, Lie>>, RegExp]>([
    [
      "the peer's entry is another's",
      () => ({ bank: { calls: (honest) => ({ lookup: () => honest.lookup(partyId("bank")) }) } }),
      /^(SIGNATURE_INVALID|PEER_)/,
    ],
    [
      "the peer's keyset is one that mallory signed",
      () => ({
        bank: {
          calls: (honest) => ({
            lookup: async (party) => ({
              ...(await honest.lookup(party)),
              keyset: encodeEnvelope(mallory.peer.keysetEnvelope),
            }),
          }),
        },
      }),
      /^SIGNATURE_INVALID$/,
    ],
    [
      "the peer's keyset is no envelope",
      () => ({
        bank: {
          calls: (honest) => ({ lookup: async (party) => ({ ...(await honest.lookup(party)), keyset: utf8("{}") }) }),
        },
      }),
      /^WIRE_INVALID$/,
    ],
    [
      "a job of another digest was created",
      () => ({
        bank: {
          calls: (honest) => ({
            createJob: async (request) => ({
              ...(await honest.createJob(request)),
              jobDigest: wrong,
              agreementDigest: wrong,
            }),
          }),
        },
      }),
      /^done$/,
    ],
    [
      "the job is over",
      () => ({
        bank: {
          calls: () => ({
            reportJob: async () => {
              throw new EntenteError("CANCELLED");
            },
          }),
        },
      }),
      /^done$/,
    ],
    [
      "the receipt was taken, as another",
      () => ({
        bank: {
          calls: () => ({
            submitReceipt: async () => ({ collaborationId: "0".repeat(32) as never, entryDigest: wrong }),
          }),
        },
      }),
      /^done$/,
    ],
    [
      "its log has a checkpoint that nobody signed",
      () => ({
        bank: {
          calls: () => ({
            fetchCheckpoint: async () => forged,
            submitReceipt: async () => {
              throw new EntenteError("RECEIPT_MISMATCH");
            },
          }),
        },
      }),
      /^done$/,
    ],
    [
      "sessions cannot be had",
      () => ({
        bank: {
          calls: () => ({
            requestSession: async () => {
              throw new EntenteError("NOT_FOUND");
            },
          }),
        },
      }),
      /^NOT_FOUND$/,
    ],
    [
      "a session has another's relay",
      () => ({
        bank: {
          calls: (honest) => ({
            requestSession: async (request) => ({
              ...(await honest.requestSession(request)),
              relayId: relayId("2".repeat(32)) as RelayId,
            }),
          }),
        },
      }),
      /^(PEER_|NOT_FOUND)/,
    ],
    [
      "the agreement was revoked",
      () => ({
        bank: {
          calls: (honest) => ({
            getAgreement: async (of: Digest) => ({ ...(await honest.getAgreement(of)), state: "revoked" as const }),
            recordAgreement: async () => {
              throw new EntenteError("AGREEMENT_REVOKED");
            },
          }),
        },
      }),
      /^done$/,
    ],
  ])("%s", async (_what, lie, code) => {
    // Some of it nobody asks for in a job: then there is nothing to be deceived by.
    const said = await outcome("bank", lie()).catch((error: unknown) => {
      if (!pair.meddler.hasMeddled) return "done";
      throw error;
    });
    expect(said).toMatch(code);
  });

  test("after all that, an honest job runs", () => pair.runHonestJob());
});
