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
import { EntenteError, type ErrorCode, toEntenteError } from "../../proto/errors.ts";
import { digest, jobId, partyId, relayId } from "../../proto/ids.ts";
import { nodePorts } from "../../proto/ports/node.ts";
import { type SessionParty, sessionParty } from "../support/channel-pair.ts";
import { HostilePair } from "../support/hostile-pair.ts";
import { streamPair } from "../support/pair.ts";
import type { NodeName } from "../support/two-nodes.ts";

/** What the coordinator does otherwise for one party, and what it does with its wakes. */
interface Lie {
  readonly calls?: (honest: CoordinatorLink) => Partial<CoordinatorLink>;
  readonly wakes?: (wake: Wake, deliver: (wake: Wake) => void) => void;
  /** Somebody waits in vain because of it, until a deadline. */
  readonly isStall?: true;
}

let pair: HostilePair;
let mallory: SessionParty;
const lies: Partial<Record<NodeName, Lie>> = {};
const seenWakes: Wake[] = [];
const deliveries: Partial<Record<NodeName, (wake: Wake) => void>> = {};

function hasLied(name: NodeName): void {
  pair.meddler.hasMeddled = true;
  if (lies[name]?.isStall) pair.meddler.hasStalled = true;
}

/** Every call of the link goes through what the coordinator is told to do at the moment. */
const lying =
  (name: NodeName) =>
  (honest: CoordinatorLink): CoordinatorLink =>
    new Proxy(honest, {
      get(target, member: keyof CoordinatorLink & string) {
        if (member === "openInbox")
          return (listener: InboxListener, position?: Parameters<CoordinatorLink["openInbox"]>[1]) => {
            const deliver = (wake: Wake) => listener.onWake(wake);
            deliveries[name] = deliver;
            return target.openInbox(
              {
                ...listener,
                onEnd: (error) => listener.onEnd(error),
                onWake(wake) {
                  seenWakes.push(wake);
                  const { wakes } = lies[name] ?? {};
                  if (wakes === undefined) return deliver(wake);
                  hasLied(name);
                  wakes(wake, deliver);
                },
              },
              position,
            );
          };
        const changed = lies[name]?.calls?.(target)[member];
        if (changed === undefined) return target[member];
        return (...given: unknown[]) => {
          hasLied(name);
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
async function outcome(lie: Partial<Record<NodeName, Lie>>): Promise<string> {
  const before = pair.nodes.log.length;
  Object.assign(lies, lie);
  let code: string;
  try {
    const { bank } = await pair.run("bank");
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

/** The peer was not met, or gave up in its turn. */
const GIVEN_UP = /^(PEER_|CANCELLED$|OVERLOADED$|SESSION_MISMATCH$|WIRE_UNEXPECTED$)/;

describe("wakes", () => {
  test("all of them dropped: the peer does not come, and the job says so", async () => {
    expect(await outcome({ bureau: { wakes: () => undefined, isStall: true } })).toMatch(GIVEN_UP);
  });

  test.each<[string, NonNullable<Lie["wakes"]>]>([
    ["each late and twice", (wake, deliver) => void setTimeout(() => [wake, wake].forEach(deliver), 60)],
    [
      "each after those of before, one that nobody asked for, and the same in another's name",
      (wake, deliver) => {
        seenWakes.slice(-4).forEach(deliver);
        for (const from of ["bank", "telecom", "bureau"])
          deliver({ ...wake, from: partyId(from), relayId: relayId("1".repeat(32)) });
        deliver(wake);
      },
    ],
  ])("%s: the job runs all the same", async (_what, wakes) => {
    expect(await outcome({ bureau: { wakes } })).toBe("done");
  });

  test("old ones after the job: nothing of it runs again", async () => {
    const statesOf = async (ids: readonly string[]) =>
      (await pair.nodes.bureau.book.list())
        .filter((job) => ids.includes(job.jobId))
        .map((job) => `${job.jobId} ${job.state} ${job.attempt}`)
        .sort();
    const ids = (await pair.nodes.bureau.book.list()).map((job) => job.jobId);
    const before = await statesOf(ids);
    for (const wake of seenWakes.slice(-6)) deliveries.bureau?.(wake);
    await pair.runHonestJob();
    expect(await statesOf(ids)).toEqual(before);
  });

  test.each<[string, (wake: Wake) => Wake, RegExp]>([
    [
      "another job's",
      (wake) =>
        wake.purpose.kind === "job" ? { ...wake, purpose: { ...wake.purpose, jobId: jobId("0c".repeat(16)) } } : wake,
      GIVEN_UP,
    ],
    [
      "another attempt's",
      (wake) => (wake.purpose.kind === "job" ? { ...wake, purpose: { ...wake.purpose, attempt: 4 } } : wake),
      GIVEN_UP,
    ],
    ["a control session's for a job's", (wake) => ({ ...wake, purpose: { kind: "control" } }), GIVEN_UP],
  ])("%s: refused in the handshake or never met", async (_what, change, code) => {
    expect(await outcome({ bureau: { wakes: (wake, deliver) => deliver(change(wake)), isStall: true } })).toMatch(code);
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
    ["an impostor is at the other end", () => ({ bank: impostor() }), GIVEN_UP],
    ["the node itself is at the other end", () => ({ bank: echo() }), GIVEN_UP],
    [
      "a byte of the handshake is changed",
      () => ({
        bank: relaying((chunk) => chunk.with(chunk.length >> 1, (chunk[chunk.length >> 1] as number) ^ 1) as Buffer),
      }),
      GIVEN_UP,
    ],
    [
      "bytes are added behind the handshake",
      () => ({ bureau: relaying((chunk, nth) => (nth < 4 ? chunk : Buffer.concat([chunk, Buffer.from("more")]))) }),
      /^(PEER_|WIRE_|SESSION_MISMATCH|done)/,
    ],
    [
      "bytes are left out",
      () => ({ bureau: relaying((chunk, nth) => (nth < 6 ? chunk : chunk.subarray(1))) }),
      GIVEN_UP,
    ],
    [
      "the stream is cut in the middle",
      () => ({ bank: relaying((chunk, nth) => (nth < 5 ? chunk : "end")) }),
      GIVEN_UP,
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
      GIVEN_UP,
    ],
  ])("%s", async (_what, lie, code) => {
    const told = Object.entries(lie()).map(([name, one]): [string, Lie] => [name, { ...one, isStall: true }]);
    expect(await outcome(Object.fromEntries(told))).toMatch(code);
  });

  test("after all that, an honest job runs", () => pair.runHonestJob());
});

/** What a call throws, whatever it is given. */
const refusing = (code: ErrorCode) => async (): Promise<never> => {
  throw new EntenteError(code);
};

describe("what the coordinator says", () => {
  const wrong = digest("0".repeat(64));
  /** What it does not say otherwise is as it is. */
  const saying = (calls: NonNullable<Lie["calls"]>): Partial<Record<NodeName, Lie>> => ({ bank: { calls } });
  const keysetOf = (bytes: Uint8Array): NonNullable<Lie["calls"]> => {
    return (honest) => ({ lookup: async (party) => ({ ...(await honest.lookup(party)), keyset: bytes }) });
  };

  test.each<[string, () => NonNullable<Lie["calls"]>, RegExp]>([
    [
      "the peer's entry is another's",
      () => (honest) => ({ lookup: () => honest.lookup(partyId("bank")) }),
      /^(SIGNATURE_INVALID|PEER_)/,
    ],
    [
      "the peer's keyset is one that mallory signed",
      () => keysetOf(encodeEnvelope(mallory.peer.keysetEnvelope)),
      /^SIGNATURE_INVALID$/,
    ],
    ["the peer's keyset is no envelope", () => keysetOf(utf8("{}")), /^WIRE_INVALID$/],
    ["sessions cannot be had", () => () => ({ requestSession: refusing("NOT_FOUND") }), /^NOT_FOUND$/],
    [
      "a session has another's relay",
      () => (honest) => ({
        requestSession: async (request) => ({
          ...(await honest.requestSession(request)),
          relayId: relayId("2".repeat(32)),
        }),
      }),
      /^(PEER_|NOT_FOUND)/,
    ],
    [
      // Nothing of a job rests on any of it.
      "the job has another digest and is cancelled, its receipt is a forged one, its log's checkpoint nobody's, the agreement revoked",
      () => (honest) => ({
        createJob: async (request) => ({
          ...(await honest.createJob(request)),
          jobDigest: wrong,
          agreementDigest: wrong,
        }),
        reportJob: refusing("CANCELLED"),
        getJob: refusing("NOT_FOUND"),
        submitReceipt: refusing("RECEIPT_MISMATCH"),
        fetchCheckpoint: async () => ({ note: utf8("bureau/x\n1\nAAAA\n\n— a b\n"), proof: [] }),
        submitCosignature: refusing("LOG_FORKED"),
        getAgreement: async (of) => ({ ...(await honest.getAgreement(of)), state: "revoked" }),
        recordAgreement: refusing("AGREEMENT_REVOKED"),
      }),
      /^done$/,
    ],
  ])("%s", async (_what, calls, code) => {
    expect(await outcome(saying(calls()))).toMatch(code);
  });

  test("after all that, an honest job runs", () => pair.runHonestJob());
});
