import { describe, expect, test } from "vitest";
import * as bank from "../../party/protocols/score-linear/bank.ts";
import type { ScoreContext } from "../../party/protocols/score-linear/params.ts";
import * as partner from "../../party/protocols/score-linear/partner.ts";
import type { Frame } from "../../proto/codec/frame.ts";
import { EntenteError } from "../../proto/errors.ts";
import { runScore, scoreContext, scorePlatform } from "../support/score-run.ts";

const context = scoreContext({ senderCapacity: 9000 });
const weights = Int32Array.of(5, -7);
const columns = [Int16Array.of(1, 2, 3), Int16Array.of(-1, 0, 1)];
const { bankFrames, partnerFrames } = runScore(context, weights, columns);
const [key, weight1, weight2] = bankFrames as [Frame, Frame, Frame];
const [answer0, answer1] = partnerFrames as [Frame, Frame];

function codeOf(run: () => unknown): string | undefined {
  try {
    run();
  } catch (error) {
    return error instanceof EntenteError ? error.code : String(error);
  }
  return undefined;
}

/** The partner fed with these frames. */
function feedPartner(frames: readonly Frame[], at: ScoreContext = context): void {
  let step = partner.start(scorePlatform, at, { columns, rows: 3 });
  try {
    for (const frame of frames) {
      if (step.kind === "done") throw new Error("a frame too many");
      step = partner.next(scorePlatform, step.state, frame);
    }
  } finally {
    if (step.kind === "continue") partner.abandon(step.state);
    else step.output.model[Symbol.dispose]();
  }
}

function feedBank(frames: readonly Frame[]): bank.BankStep {
  using keys = scorePlatform.he.createKeys();
  let step = bank.start(scorePlatform, context, { keys, weights, sendModel: true });
  for (const frame of frames) {
    if (step.kind === "done") throw new Error("a frame too many");
    step = bank.next(scorePlatform, step.state, frame);
  }
  return step;
}

function changed(frame: Frame, change: (body: Uint8Array) => void): Frame {
  const body = frame.body.slice();
  change(body);
  return { ...frame, body };
}

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
  [
    "residues not below their prime",
    "CIPHERTEXT_INVALID",
    (frame) =>
      changed(frame, (body) => {
        body.fill(0xff, body.length - 64);
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
    test("as the key", () => expect(codeOf(() => feedPartner([spoil(key)]))).toBe(code));
    test("as a weight", () => expect(codeOf(() => feedPartner([key, weight1, spoil(weight2)]))).toBe(code));
    test("as an answer", () => expect(codeOf(() => feedBank([answer0, spoil(answer1)]))).toBe(code));
  });

  test("another parameter digest", () => {
    // The digest lies behind two field headers: 5 and 2 bytes.
    const other = changed(key, (body) => {
      body[7] = (body[7] as number) ^ 1;
    });
    expect(codeOf(() => feedPartner([other]))).toBe("SESSION_MISMATCH");
  });

  test("frames twice, swapped, left out, or sent back", () => {
    expect(codeOf(() => feedPartner([key, key]))).toBe("WIRE_UNEXPECTED");
    expect(codeOf(() => feedPartner([key, weight1, weight1]))).toBe("WIRE_UNEXPECTED");
    expect(codeOf(() => feedPartner([key, weight2]))).toBe("WIRE_UNEXPECTED");
    expect(codeOf(() => feedPartner([weight1]))).toBe("WIRE_UNEXPECTED");
    expect(codeOf(() => feedPartner([answer0]))).toBe("WIRE_UNEXPECTED");
    expect(codeOf(() => feedBank([answer0, answer0]))).toBe("WIRE_UNEXPECTED");
    expect(codeOf(() => feedBank([answer1]))).toBe("WIRE_UNEXPECTED");
    expect(codeOf(() => feedBank([weight1]))).toBe("WIRE_UNEXPECTED");
  });

  test("fewer frames: the other side goes on waiting", () => {
    expect(feedBank([answer0]).kind).toBe("continue");
    expect(codeOf(() => feedPartner([key, weight1]))).toBeUndefined();
  });

  test("more frames than the context says", () => {
    expect(codeOf(() => feedBank([answer0, answer1, answer1]))).toContain("a frame too many");
  });
});

describe("a job that must not start", () => {
  using keys = scorePlatform.he.createKeys();
  const cases: readonly [string, Partial<ScoreContext>][] = [
    ["labels of another length", { labelBytes: 4 }],
    ["no slots", { senderCapacity: 0 }],
    ["more slots than a partition has", { senderCapacity: 2 ** 18 + 1 }],
    ["no features", { features: 0 }],
    ["more features than there are", { features: 257 }],
    ["no bound of matched rows", { maxMatchedRows: Number.NaN }],
    ["so many rows that noise could tell more than the score", { maxMatchedRows: 2 ** 30 }],
  ];
  test.each(cases)("%s", (_, overrides) => {
    const at = scoreContext(overrides);
    expect(codeOf(() => bank.start(scorePlatform, at, { keys, weights, sendModel: true }))).toBe("BAD_REQUEST");
    expect(codeOf(() => partner.start(scorePlatform, at, { columns, rows: 3 }))).toBe("BAD_REQUEST");
  });

  test("inputs of another shape", () => {
    const at = scoreContext();
    const three = Int32Array.of(1, 2, 3);
    expect(codeOf(() => bank.start(scorePlatform, at, { keys, weights: three, sendModel: true }))).toBe("BAD_REQUEST");
    const partnerCases = [
      { columns: columns.slice(1), rows: 3 },
      { columns, rows: 2 },
      { columns: [new Int16Array(1025), new Int16Array(1025)], rows: 1025 },
    ];
    for (const input of partnerCases) expect(codeOf(() => partner.start(scorePlatform, at, input))).toBe("BAD_REQUEST");
  });

  test("a label with a slot of no partition", () => {
    expect(codeOf(() => bank.combine(new Uint32Array(8), 8, 0))).toBe("WIRE_INVALID");
  });
});
