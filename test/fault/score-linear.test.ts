import { describe, expect, test } from "vitest";
import * as bank from "../../party/protocols/score-linear/bank.ts";
import { columnRows } from "../../party/protocols/score-linear/columns.ts";
import type { ScoreContext } from "../../party/protocols/score-linear/params.ts";
import * as partner from "../../party/protocols/score-linear/partner.ts";
import type { Frame } from "../../proto/codec/frame.ts";
import { codeOf } from "../support/code-of.ts";
import {
  changed,
  encryptWeights,
  feeding,
  rowsOf,
  runScoreWith,
  scoreContext,
  scorePlatform,
} from "../support/score-run.ts";

const context = scoreContext({ senderCapacity: 9000 });
const weights = Int32Array.of(5, -7);
const columns = [Int16Array.of(1, 2, 3), Int16Array.of(-1, 0, 1)];
const rows = rowsOf(columns);
const model = await encryptWeights(weights);
const { bankFrames, partnerFrames, received } = runScoreWith(context, { model, rows });
const [announcement, key, weight1, weight2] = bankFrames as [Frame, Frame, Frame, Frame];
const [reply, answer0, answer1] = partnerFrames as [Frame, Frame, Frame];
const { partner: feedPartner, bank: feedBank } = feeding(context, { model, rows });

const HOSTILE_BODIES: readonly [string, string, (frame: Frame) => Frame][] = [
  ["empty", "WIRE_INVALID", (frame) => ({ ...frame, body: new Uint8Array(0) })],
  ["one byte short", "WIRE_INVALID", (frame) => ({ ...frame, body: frame.body.subarray(1) })],
  [
    "one byte long",
    "WIRE_INVALID",
    (frame) => ({ ...frame, body: Uint8Array.from([...frame.body.subarray(0, 8), 0, ...frame.body.subarray(8)]) }),
  ],
  ["zeros of the right length", "WIRE_INVALID", (frame) => ({ ...frame, body: new Uint8Array(frame.body.length) })],
  [
    "another inner length",
    "WIRE_INVALID",
    (frame) =>
      changed(frame, (body) => {
        body[2] = (body[2] as number) ^ 1;
      }),
  ],
  ["another round", "WIRE_UNEXPECTED", (frame) => ({ ...frame, round: frame.round + 1 })],
  ["another partition", "WIRE_UNEXPECTED", (frame) => ({ ...frame, partition: 4 })],
  ["another chunk", "WIRE_UNEXPECTED", (frame) => ({ ...frame, chunk: frame.chunk + 1 })],
  ["another type", "WIRE_UNEXPECTED", (frame) => ({ ...frame, type: frame.type + 1 })],
];

describe("score-linear refuses", () => {
  test("nothing of an honest run", () => {
    expect(codeOf(() => feedPartner(bankFrames))).toBeUndefined();
    expect(feedBank(partnerFrames).kind).toBe("done");
  });

  describe.each(HOSTILE_BODIES)("%s", (_, code, spoil) => {
    test("as the announcement", () => expect(codeOf(() => feedPartner([spoil(announcement)]))).toBe(code));
    test("as the key", () => expect(codeOf(() => feedPartner([announcement, spoil(key)]))).toBe(code));
    test("as a weight", () => {
      expect(codeOf(() => feedPartner([announcement, key, weight1, spoil(weight2)]))).toBe(code);
    });
    test("as the reply", () => expect(codeOf(() => feedBank([spoil(reply)]))).toBe(code));
    test("as an answer", () => expect(codeOf(() => feedBank([reply, answer0, spoil(answer1)]))).toBe(code));
  });

  test("residues that are not below their primes", () => {
    const spoil = (frame: Frame) =>
      changed(frame, (body) => {
        body.fill(0xff, body.length - 64);
      });
    expect(codeOf(() => feedPartner([announcement, spoil(key)]))).toBe("CIPHERTEXT_INVALID");
    expect(codeOf(() => feedPartner([announcement, key, weight1, spoil(weight2)]))).toBe("CIPHERTEXT_INVALID");
    expect(codeOf(() => feedBank([reply, answer0, spoil(answer1)]))).toBe("CIPHERTEXT_INVALID");
  });

  test("a reply that is neither yes nor no", () => {
    const other = changed(reply, (body) => {
      body[body.length - 1] = 2;
    });
    expect(codeOf(() => feedBank([other]))).toBe("WIRE_INVALID");
  });

  test("another parameter digest, another model version, other ciphertexts than those announced", () => {
    // The digests lie behind two field headers of five bytes in all: parameters, model version, bundle.
    const spoil = (frame: Frame, at: number) =>
      changed(frame, (body) => {
        body[at] = (body[at] as number) ^ 1;
      });
    const head = announcement.body.length - 96;
    expect(codeOf(() => feedPartner([spoil(announcement, head)]))).toBe("SESSION_MISMATCH");
    expect(codeOf(() => feedPartner([spoil(announcement, head + 32)]))).toBe("MODEL_MISMATCH");
    const promised = spoil(announcement, head + 64);
    expect(codeOf(() => feedPartner([promised, key, weight1, weight2]))).toBe("MODEL_MISMATCH");
    // One bit of a ciphertext that stays a residue.
    const lowest = weight2.body.length - 276_480;
    expect(codeOf(() => feedPartner([announcement, key, weight1, spoil(weight2, lowest)]))).toBe("MODEL_MISMATCH");
  });

  test("a bundle of another version, replayed", async () => {
    using other = await encryptWeights(Int32Array.of(5, -8));
    const run = runScoreWith(context, { model: other, rows });
    const [otherAnnouncement, ...otherFrames] = run.bankFrames as [Frame, ...Frame[]];
    expect(codeOf(() => feedPartner([announcement, ...otherFrames]))).toBe("MODEL_MISMATCH");
    // Announced honestly it is still not the version that the job names.
    const job = { ...context, modelCommitment: new Uint8Array(32).fill(0x54) };
    expect(codeOf(() => feedPartner([otherAnnouncement], job))).toBe("MODEL_MISMATCH");
    // What is held of another version is not used: the partner asks for the one announced.
    expect(codeOf(() => feedPartner([announcement, key, weight1, weight2], context, run.received))).toBeUndefined();
  });

  test("ciphertexts when the partner has said that it holds them", () => {
    expect(codeOf(() => feedPartner([announcement], context, received))).toBeUndefined();
    expect(codeOf(() => feedPartner([announcement, key], context, received))).toContain("a frame too many");
  });

  test("frames twice, swapped, left out, or sent back", () => {
    expect(codeOf(() => feedPartner([announcement, announcement]))).toBe("WIRE_UNEXPECTED");
    expect(codeOf(() => feedPartner([announcement, key, key]))).toBe("WIRE_UNEXPECTED");
    expect(codeOf(() => feedPartner([announcement, key, weight2]))).toBe("WIRE_UNEXPECTED");
    expect(codeOf(() => feedPartner([key]))).toBe("WIRE_UNEXPECTED");
    expect(codeOf(() => feedPartner([answer0]))).toBe("WIRE_UNEXPECTED");
    expect(codeOf(() => feedBank([answer0]))).toBe("WIRE_UNEXPECTED");
    expect(codeOf(() => feedBank([reply, reply]))).toBe("WIRE_UNEXPECTED");
    expect(codeOf(() => feedBank([reply, answer0, answer0]))).toBe("WIRE_UNEXPECTED");
    expect(codeOf(() => feedBank([reply, answer1]))).toBe("WIRE_UNEXPECTED");
    expect(codeOf(() => feedBank([reply, weight1]))).toBe("WIRE_UNEXPECTED");
  });

  test("fewer frames: the other side goes on waiting", () => {
    expect(feedBank([reply, answer0]).kind).toBe("continue");
    expect(codeOf(() => feedPartner([announcement, key, weight1]))).toBeUndefined();
  });

  test("more frames than the context says", () => {
    expect(codeOf(() => feedBank([reply, answer0, answer1, answer1]))).toContain("a frame too many");
  });
});

describe("a job that must not start", () => {
  const cases: readonly [string, Partial<ScoreContext>][] = [
    ["labels of another length", { labelBytes: 4 }],
    ["no slots", { senderCapacity: 0 }],
    ["more slots than a partition has", { senderCapacity: 2 ** 18 + 1 }],
    ["no features", { features: 0 }],
    ["more features than there are", { features: 257 }],
    ["a commitment of another length", { modelCommitment: new Uint8Array(31) }],
    ["no bound of matched rows", { maxMatchedRows: Number.NaN }],
    ["so many rows that noise could tell more than the score", { maxMatchedRows: 2 ** 30 }],
  ];
  test.each(cases)("%s", (_, overrides) => {
    const at = scoreContext(overrides);
    expect(codeOf(() => bank.start(scorePlatform, at, { model, announce: true }))).toBe("BAD_REQUEST");
    expect(codeOf(() => partner.start(scorePlatform, at, { rows }))).toBe("BAD_REQUEST");
  });

  test("inputs of another shape", async () => {
    const at = scoreContext();
    using three = await encryptWeights(Int32Array.of(1, 2, 3));
    expect(codeOf(() => bank.start(scorePlatform, at, { model: three, announce: true }))).toBe("BAD_REQUEST");
    const partnerCases = [
      () => rowsOf(columns.slice(1)),
      () => columnRows(columns, 2),
      () => rowsOf([new Int16Array(1025), new Int16Array(1025)]),
    ];
    for (const of of partnerCases)
      expect(codeOf(() => partner.start(scorePlatform, at, { rows: of() }))).toBe("BAD_REQUEST");
  });

  test("a label with a slot of no partition spoils that score and ends nothing", () => {
    const masked = new Uint32Array(8).fill(5);
    expect([7, 8, 0xffffffff].map((slot) => bank.combine(masked, slot, 3))).toEqual([8, 3, 3]);
  });
});
