import { describe, expect, test } from "vitest";
import * as bank from "../../party/protocols/score-linear/bank.ts";
import { encryptModel } from "../../party/protocols/score-linear/bundle.ts";
import { LINEAR, type ScoreContext } from "../../party/protocols/score-linear/params.ts";
import * as partner from "../../party/protocols/score-linear/partner.ts";
import { TREES } from "../../party/protocols/score-trees/params.ts";
import { treeRows } from "../../party/protocols/score-trees/tree-rows.ts";
import type { Frame } from "../../proto/codec/frame.ts";
import { codeOf } from "../support/code-of.ts";
import { fullTree } from "../support/model-trees.ts";
import { changed, feeding, rowsOf, runScoreWith, scorePlatform } from "../support/score-run.ts";
import { columnsOf, modelOfTrees, partnerRows, treeCase, treesContext } from "../support/tree-run.ts";

const of = treeCase(modelOfTrees([fullTree(4, 3, 1), fullTree(4, 3, 2)]));
const row = { own: [], partner: of.view.columns.map((_, j) => j / 2) };
const rows = partnerRows(of, [row, row, row]);
const context = treesContext(of, { senderCapacity: 600 });
const model = await encryptModel(scorePlatform, of.polynomials);
const { bankFrames, partnerFrames } = runScoreWith(context, { model, rows });
const [announcement, key, group1, group2] = bankFrames as [Frame, Frame, Frame, Frame];
const [reply, answer0, answer1] = partnerFrames as [Frame, Frame, Frame];
const { partner: feedPartner, bank: feedBank } = feeding(context, { model, rows });

const overflow = (frame: Frame) =>
  changed(frame, (body) => {
    body.fill(0xff, body.length - 64);
  });

describe("the bank", () => {
  test("takes an honest run, and waits for answers that do not come", () => {
    expect(feedBank(partnerFrames).kind).toBe("done");
    expect(feedBank([reply, answer0]).kind).toBe("continue");
    expect(codeOf(() => feedBank([...partnerFrames, answer1]))).toContain("a frame too many");
  });

  test("refuses answers of another block, length or form", () => {
    expect(codeOf(() => feedBank([reply, answer1]))).toBe("WIRE_UNEXPECTED");
    expect(codeOf(() => feedBank([reply, answer0, answer0]))).toBe("WIRE_UNEXPECTED");
    const cut = { ...answer0, body: answer0.body.subarray(0, -1) };
    expect(codeOf(() => feedBank([reply, cut]))).toBe("WIRE_INVALID");
    expect(codeOf(() => feedBank([reply, { ...answer0, body: answer1.body }]))).toBe("WIRE_INVALID");
    expect(codeOf(() => feedBank([reply, overflow(answer0)]))).toBe("CIPHERTEXT_INVALID");
    expect(codeOf(() => feedBank([reply, answer0, overflow(answer1)]))).toBe("CIPHERTEXT_INVALID");
  });
});

describe("the partner", () => {
  test("refuses ciphertexts that are none, too few or too many, or those of another version", async () => {
    expect(codeOf(() => feedPartner(bankFrames))).toBeUndefined();
    expect(codeOf(() => feedPartner([announcement, key, group1, overflow(group2)]))).toBe("CIPHERTEXT_INVALID");
    expect(codeOf(() => feedPartner([announcement, key, group2]))).toBe("WIRE_UNEXPECTED");
    expect(codeOf(() => feedPartner([...bankFrames, group2]))).toContain("a frame too many");
    using other = await encryptModel(scorePlatform, of.polynomials.toReversed());
    const run = runScoreWith(context, { model: other, rows });
    const [promised, ...replayed] = run.bankFrames as [Frame, ...Frame[]];
    expect(codeOf(() => feedPartner([announcement, ...replayed]))).toBe("MODEL_MISMATCH");
    const job = { ...context, modelCommitment: new Uint8Array(32).fill(0x54) };
    expect(codeOf(() => feedPartner([promised], job))).toBe("MODEL_MISMATCH");
  });

  test("refuses a bank that would score with the other packing", async () => {
    const linear = { ...context, packing: LINEAR };
    const columns = [Int16Array.of(1), Int16Array.of(2)];
    const run = runScoreWith(linear, { model, rows: rowsOf(columns) });
    expect(codeOf(() => feedPartner(run.bankFrames))).toBe("SESSION_MISMATCH");
  });

  test("refuses columns and views of another shape", () => {
    const columns = columnsOf(of, [row, row]);
    const start = (at: ScoreContext, make: () => partner.PartnerRows) =>
      codeOf(() => partner.start(scorePlatform, at, { rows: make() }));
    expect(start(context, () => treeRows(of.view, columns, 2))).toBeUndefined();
    expect(start(context, () => treeRows(of.view, columns.slice(1), 2))).toBe("BAD_REQUEST");
    expect(start(context, () => treeRows(of.view, columns, 3))).toBe("BAD_REQUEST");
    const fewer = { ...of.view, trees: of.view.trees.slice(1) };
    expect(start(context, () => treeRows(fewer, columns, 2))).toBe("BAD_REQUEST");
    expect(start({ ...context, senderCapacity: 1 }, () => treeRows(of.view, columns, 2))).toBe("BAD_REQUEST");
    for (const value of [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      const infinite = columns.with(1, Float64Array.of(1, value));
      expect(start(context, () => treeRows(of.view, infinite, 2))).toBe("DATASET_COLUMN_TYPE");
    }
  });
});

describe("a job that must not start", () => {
  test.each<[string, Partial<ScoreContext>]>([
    ["more slots than a partition has", { senderCapacity: 2 ** 16 + 1 }],
    ["no groups", { features: 0 }],
    ["more groups than there are", { features: 513 }],
    ["so many rows that noise could tell more than the score", { maxMatchedRows: 2 ** 44 }],
  ])("%s", (_, overrides) => {
    const at = { ...context, ...overrides };
    expect(codeOf(() => bank.start(scorePlatform, at, { model, announce: true }))).toBe("BAD_REQUEST");
    expect(codeOf(() => partner.start(scorePlatform, at, { rows }))).toBe("BAD_REQUEST");
  });

  test("another number of groups at the bank", async () => {
    using three = await encryptModel(scorePlatform, [...of.polynomials, Int32Array.of(1)]);
    expect(codeOf(() => bank.start(scorePlatform, context, { model: three, announce: true }))).toBe("BAD_REQUEST");
  });

  test("the two packings have parameters of their own", () => {
    expect(Buffer.compare(TREES.parameterDigest, LINEAR.parameterDigest)).not.toBe(0);
    expect(TREES).toMatchObject({ first: 15, stride: 16, maxWeights: 512, maxCoefficient: 1, maxCapacity: 65_536 });
  });
});
