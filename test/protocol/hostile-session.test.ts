/**
 * A peer that keeps to nothing, at the nodes themselves: whatever it says in a session, the honest side ends with a typed error,
 * releases nothing, and serves the next job. What single steps of a protocol refuse stands in the protocols' own tests.
 */
import { randomBytes } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import type { CoordinatorLink } from "../../party/coordinator-link/link.ts";
import type { Job } from "../../party/jobs/lifecycle.ts";
import { Carriers } from "../../party/session/carriers.ts";
import { ControlClient } from "../../party/session/control.ts";
import { ALIGNED_TYPE } from "../../proto/codec/aligned.ts";
import { encodeHeader, type Frame } from "../../proto/codec/frame.ts";
import { PSI_DH_TYPE } from "../../proto/codec/psi-dh.ts";
import { SCORE_LINEAR_TYPE } from "../../proto/codec/score-linear.ts";
import { encodeSessionMessage, SESSION_FRAME_TYPES } from "../../proto/codec/session.ts";
import type { WirePrepareResponse } from "../../proto/codec/session-messages.ts";
import { concat } from "../../proto/encoding/bytes.ts";
import type { ErrorCode } from "../../proto/errors.ts";
import { nodePorts } from "../../proto/ports/node.ts";
import { RISK_MODEL } from "../support/credit.ts";
import { HostilePair, PADDED_ROWS } from "../support/hostile-pair.ts";
import type { Meddling, Said } from "../support/meddler.ts";
import { openRawControl } from "../support/raw-peer.ts";
import type { NodeName } from "../support/two-nodes.ts";

let pair: HostilePair;

/** What the bank's node sends through the relay, stream by stream. */
const recorded: { readonly purpose: string; readonly bytes: Buffer[] }[] = [];
let lastPurpose = "";
/** What its next stream of that purpose says instead. */
let playback: { readonly purpose: string; readonly bytes: readonly Buffer[] } | undefined;
const recording = (link: CoordinatorLink): CoordinatorLink => ({
  ...link,
  async requestSession(request) {
    lastPurpose = request.purpose.kind;
    return link.requestSession(request);
  },
  async connectRelay(relayId) {
    const record = { purpose: lastPurpose, bytes: [] as Buffer[] };
    recorded.push(record);
    const stream = await link.connectRelay(relayId);
    const write = stream._write.bind(stream);
    const played = playback?.purpose === lastPurpose ? playback.bytes : undefined;
    if (played !== undefined) {
      playback = undefined;
      pair.meddler.hasMeddled = true;
      pair.meddler.hasStalled = true;
    }
    let isFirst = true;
    stream._write = (chunk: Buffer, encoding, done) => {
      record.bytes.push(Buffer.from(chunk));
      if (played === undefined) return write(chunk, encoding, done);
      const bytes = isFirst ? Buffer.concat(played) : Buffer.alloc(0);
      isFirst = false;
      return bytes.length === 0 ? done() : write(bytes, encoding, done);
    };
    // Otherwise what gathers goes another way.
    Object.assign(stream, { _writev: null });
    return stream;
  },
});

beforeAll(async () => {
  pair = await HostilePair.start({ bank: recording });
});
afterAll(() => pair.close());
afterEach(() => {
  vi.restoreAllMocks();
  pair.settle();
});

const other = (name: NodeName): NodeName => (name === "bank" ? "bureau" : "bank");

const garbage = (frame: Frame): Frame[] => [{ ...frame, body: new Uint8Array(randomBytes(frame.body.length + 1)) }];
/** What a party may do with its step, the step's number taking one after the other. */
const WAYS: readonly [string, (frame: Frame) => ReturnType<Meddling>][] = [
  ["falls silent", () => "silence"],
  ["ends", () => "end"],
  ["sends garbage", garbage],
];

/** Everything that is said in a job session, with who says it. */
const STEPS = [
  ["bank", PSI_DH_TYPE.blinded],
  ["bureau", PSI_DH_TYPE.evaluated],
  ["bureau", PSI_DH_TYPE.sealedTags],
  ...(["receiptPart", "receiptSignature", "checkpointOffer", "cosignature", "opened", "gateKeys"] as const).flatMap(
    (kind) => {
      const type = SESSION_FRAME_TYPES[kind];
      if (kind === "receiptPart" || kind === "opened") return [["bank", type]] as const;
      return kind === "gateKeys"
        ? ([["bureau", type]] as const)
        : ([
            ["bureau", type],
            ["bank", type],
          ] as const);
    },
  ),
] as readonly (readonly [NodeName, number])[];

describe("at every step of a job session", () => {
  test("the steps are all that an honest session has", async () => {
    const heard = new Set<string>();
    pair.meddler.set(({ by, session, frame }) => void (session === "job" && heard.add(`${by} ${frame.type}`)));
    await pair.nodes.run({ agreement: pair.agreement });
    const known = STEPS.map(([by, type]) => `${by} ${type}`);
    // A head that the other has cosigned already is not offered again: which those are differs from job to job.
    expect(
      [...heard].filter((step) => !known.includes(step) && !step.endsWith(` ${SESSION_FRAME_TYPES.witnessState}`)),
    ).toEqual([]);
    expect(heard.size).toBeGreaterThanOrEqual(known.length - 1);
  });

  test.each(STEPS.map(([by, type], i) => [by, type, ...(WAYS[i % WAYS.length] as (typeof WAYS)[number])] as const))(
    "the %s's frame %i: it %s",
    async (by, type, _way, meddle) => {
      const before = pair.nodes.log.length;
      let times = 0;
      pair.meddler.set(({ by: who, session, frame }) => {
        if (who !== by || session !== "job" || frame.type !== type || times++ > 0) return undefined;
        return meddle(frame);
      });
      const honest = other(by);
      const jobs = await pair.run(honest);
      expect(pair.meddler.hasMeddled).toBe(true);
      const own = jobs[honest] as Job;
      const lines = pair.nodes.log.slice(before).filter((line) => line.includes(`"name":"${honest}"`));
      expect(lines.filter((line) => line.includes("INTERNAL"))).toEqual([]);
      const events = await pair.eventsOf(pair.nodes[honest], own.jobId);
      if (own.state === "failed") {
        expect(own.reason?.code).toMatch(/^(WIRE_|PEER_|POINT_INVALID|SEAL_INVALID|SIGNATURE_INVALID|CANCELLED)/);
        expect(events.filter((event) => event === "opened" || event === "tags-issued")).toEqual([]);
        // No key without a receipt that both have signed.
        if (events.includes("gate-key-released")) expect(events).toContain("receipt");
      } else if (own.state !== "releasing") {
        // What it broke was a connection: the job went on in another session.
        expect(own).toMatchObject({ state: "done" });
        expect(events.filter((event) => event === "receipt" || event === "opened").length).toBeLessThanOrEqual(2);
      }
    },
  );

  test("after all that, an honest job runs", () => pair.runHonestJob());
});

/** Replaces the first frame of a type that a party sends in a job session, of this job alone. */
function once(by: NodeName, type: number, change: (frame: Frame) => readonly Frame[]): Meddling {
  let times = 0;
  return ({ by: who, session, frame }: Said) =>
    who === by && session === "job" && frame.type === type && times++ === 0 ? change(frame) : undefined;
}

/** A job in which one side lies once; how it ended at the honest one. */
async function lie(
  by: NodeName,
  meddling: Meddling,
  wish: Parameters<HostilePair["run"]>[1] = {},
): Promise<ErrorCode | Job["state"]> {
  pair.meddler.set(meddling);
  const own = (await pair.run(other(by), wish))[other(by)];
  expect(pair.meddler.hasMeddled).toBe(true);
  if (own === undefined) return "proposed";
  expect(own.summary?.matched).toBeUndefined();
  const events = await pair.eventsOf(pair.nodes[other(by)], own.jobId);
  for (const released of ["opened", "tags-issued", "gate-key-released"]) expect(events).not.toContain(released);
  return own.reason?.code ?? own.state;
}

/** With nothing of the bank's own. */
const PARTNER_MODEL = { ...RISK_MODEL, features: RISK_MODEL.features.filter(({ party }) => party === "partner") };
const ELEMENT = 32;
/** Of a frame with one payload of 16 points: those, changed. The lengths before them stay. */
const points = (change: (elements: Uint8Array) => void) => (frame: Frame) => {
  const body = Uint8Array.from(frame.body);
  change(body.subarray(body.length - PADDED_ROWS * ELEMENT));
  return [{ ...frame, body }];
};

describe("lies in the frames of a protocol", () => {
  const LIES: readonly [string, (frame: Frame) => readonly Frame[], ErrorCode][] = [
    ["the identity among the points", points((all) => all.fill(0, 0, ELEMENT)), "POINT_INVALID"],
    ["one point twice", points((all) => all.copyWithin(ELEMENT, 0, ELEMENT)), "POINT_INVALID"],
    ["a frame of four megabytes", (frame) => [{ ...frame, body: new Uint8Array(4 * 1024 * 1024) }], "WIRE_INVALID"],
    ["the frame of another partition", (frame) => [{ ...frame, partition: 1 }], "WIRE_UNEXPECTED"],
    ["a frame of another protocol", (frame) => [{ ...frame, type: ALIGNED_TYPE.listed }], "WIRE_UNEXPECTED"],
    [
      "a failure that is not the peer's to say",
      () => [encodeSessionMessage({ kind: "failure", code: "STORAGE_FAILED" })],
      "PEER_FAILED",
    ],
  ];
  // Both sides take points: every other lie is the bank's.
  test.each(LIES.map(([what, change, code], i) => [i % 2 === 0 ? "bank" : "bureau", what, change, code] as const))(
    "by the %s: %s",
    async (by, _what, change, code) => {
      const type = by === "bank" ? PSI_DH_TYPE.blinded : PSI_DH_TYPE.evaluated;
      expect(await lie(by, once(by, type, change))).toBe(code);
    },
  );

  test("ciphertexts of other parameters, and such as are none", async () => {
    const wish = { operation: "score", model: PARTNER_MODEL } as const;
    const halved = (frame: Frame) => [
      { ...frame, body: frame.body.map((byte, i) => (i > 64 && i < 160 ? 0xff : byte)) },
    ];
    expect(await lie("bank", once("bank", SCORE_LINEAR_TYPE.ciphertext, halved), wish)).toBe("CIPHERTEXT_INVALID");
    expect(await lie("bureau", once("bureau", SCORE_LINEAR_TYPE.answer, halved), wish)).toMatch(
      /^(CIPHERTEXT_INVALID|SEAL_INVALID)$/,
    );
  });

  test("after all that, an honest job runs", () => pair.runHonestJob());
});

describe("lies before the job session", () => {
  const prepared = async (change: Partial<WirePrepareResponse>) => {
    const honest = ControlClient.prototype.prepare;
    vi.spyOn(ControlClient.prototype, "prepare").mockImplementation(async function (this: ControlClient, request) {
      return { ...(await honest.call(this, request)), ...change };
    });
    const { bank } = await pair.nodes.runAtBank({ agreement: pair.agreement });
    expect(bank.summary).toBeUndefined();
    return bank;
  };

  test.each<[string, Partial<WirePrepareResponse>, RegExp]>([
    [
      "a list of four thousand million people",
      { sizeClass: 256 },
      /^(POLICY_SIZE_RATIO|SESSION_MISMATCH|BAD_REQUEST)$/,
    ],
    ["the attempt before the first", { attempt: 0 }, /^ATTEMPT_REPLAYED$/],
    ["an attempt that is no number of one", { attempt: 4_000_000_000 }, /^ATTEMPT_REPLAYED$/],
    ["a partition that this node has not finished", { finished: [{ partition: 0, attempt: 1 }] }, /^WIRE_UNEXPECTED$/],
  ])("%s", async (_what, change, code) => {
    const bank = await prepared(change);
    expect(bank).toMatchObject({ state: "failed", attempt: 0 });
    expect(bank.reason?.code).toMatch(code);
  });

  test("after all that, an honest job runs", () => pair.runHonestJob());
});

describe("bytes that no node sends", () => {
  /** A control session's TLS as the bank's node would open it, up to a true hello; then whatever is written. */
  async function raw(bytes: (session: Uint8Array) => Uint8Array): Promise<void> {
    const { link, peers } = pair.nodes.bank.connected;
    const peer = await peers.require("bureau");
    const carriers = new Carriers({ ...nodePorts, link });
    const { socket, frameSession } = await openRawControl({
      stream: await carriers.open({ peer: peer.party, purpose: { kind: "control" } }),
      keyring: pair.nodes.bank.keyring,
      peer,
    });
    socket.on("error", () => undefined);
    socket.write(bytes(frameSession));
    socket.end();
    await new Promise((gone) => socket.once("close", gone).resume());
  }
  const header = (session: Uint8Array, length: number, change: Partial<Frame> = {}) => {
    const bytes = encodeHeader({ type: 272, round: 0, partition: 0, chunk: 0, ...change }, 0, session);
    new DataView(bytes.buffer).setUint32(0, length);
    return bytes;
  };

  test.each<[string, (session: Uint8Array) => Uint8Array, ErrorCode]>([
    ["a frame of four gigabytes", (session) => header(session, 0xffff_ffff), "WIRE_TOO_LARGE"],
    ["a frame of another session", () => header(new Uint8Array(8), 0), "SESSION_MISMATCH"],
    ["bytes at random", () => new Uint8Array(randomBytes(500)).fill(0xff, 0, 1), "WIRE_TOO_LARGE"],
    ["half a header", (session) => header(session, 0).subarray(0, 10), "PEER_GONE"],
    ["half a body", (session) => concat(header(session, 900), new Uint8Array(20)), "PEER_GONE"],
    [
      "a message in another's frame",
      (session) => header(session, 0, { type: SESSION_FRAME_TYPES.jobOffer }),
      "WIRE_INVALID",
    ],
    [
      "an answer that nobody asked for",
      (session) => concat(header(session, 2, { type: SESSION_FRAME_TYPES.noted }), Uint8Array.of(0xd2, 0x11)),
      "WIRE_INVALID",
    ],
    ["the frame of a job", (session) => header(session, 0, { type: 1, round: 1 }), "WIRE_UNEXPECTED"],
  ])("%s", async (_what, bytes, code) => {
    const before = pair.nodes.log.length;
    await raw(bytes);
    const isRefused = (line: string) =>
      line.includes('"session ended"') && line.includes('"name":"bureau"') && line.includes(`"code":"${code}"`);
    await vi.waitFor(() => expect(pair.nodes.log.slice(before).some(isRefused)).toBe(true), { timeout: 10_000 });
  });

  test.each(["control", "job"])("a whole %s session that was recorded and is played back", async (purpose) => {
    recorded.splice(0);
    const { bank } = await pair.nodes.run({ agreement: pair.agreement });
    expect(bank.state).toBe("done");
    const { bytes } = recorded.find((one) => one.purpose === purpose) ?? { bytes: [] };
    expect(Buffer.concat(bytes).length).toBeGreaterThan(1_000);
    const known = await pair.eventsOf(pair.nodes.bureau, bank.jobId);
    const before = pair.nodes.log.length;
    playback = { purpose, bytes };
    // Keys of a session are new: what was said in another is noise in this one. The job that it was to be goes on in the next.
    const again = await pair.run("bureau");
    expect(playback).toBeUndefined();
    const refused = pair.nodes.log
      .slice(before)
      .filter((line) => line.includes('"session ended"') && line.includes('"name":"bureau"'));
    expect(refused.filter((line) => /"code":"(PEER_|SESSION_MISMATCH)/.test(line)).length).toBeGreaterThan(0);
    expect(again.bank?.jobId).not.toBe(bank.jobId);
    expect(await pair.eventsOf(pair.nodes.bureau, bank.jobId)).toEqual(known);
  });

  test("after all that, an honest job runs", () => pair.runHonestJob());
});
