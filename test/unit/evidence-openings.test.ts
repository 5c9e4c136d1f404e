import { describe, expect, test } from "vitest";
import { toHex, utf8 } from "../../proto/encoding/bytes.ts";
import { commit } from "../../proto/evidence/commitment.ts";
import { OPENING_KINDS, type OpeningKind } from "../../proto/evidence/opening-kinds.ts";
import {
  commitmentsIn,
  commitTo,
  encodeOpenings,
  type Opening,
  type OpeningValue,
  openingBytes,
  openingDomain,
  parseOpenings,
  readOpening,
} from "../../proto/evidence/openings.ts";
import { parseStatement, statementEntry } from "../../proto/evidence/statements.ts";
import { ABOUT_JOB, AT, BANK, JOB, PARTNER, receiptOf, testHash } from "../support/evidence-world.ts";

const SALT = new Uint8Array(32).fill(9);
const digest = testHash("d");
const VALUES: { [K in OpeningKind]: OpeningValue<K> } = {
  input: { datasetVersion: digest, rows: 12_345, digest },
  output: { matched: 678, digest },
  rate: { shown: ">85%" },
  tags: { count: 678, digest },
  sketch: { rows: 12_345, digest },
  approver: { person: "Li Wei 李伟" },
  withdrawn: { count: 9, jobs: 2, digest },
  model: digest,
  tiers: [{ tier: "A", minScore: 640.5 }, { tier: "B" }],
};

function openingOf<K extends OpeningKind>(kind: K): Opening {
  const value = openingBytes(kind, VALUES[kind]);
  return { kind, commitment: toHex(commitTo(kind, VALUES[kind], SALT)), opened: { salt: SALT, value } };
}

test("every kind opens to what was committed to", () => {
  expect(Object.keys(VALUES).sort()).toEqual([...OPENING_KINDS].sort());
  for (const kind of OPENING_KINDS) expect(readOpening(openingOf(kind))).toEqual({ kind, value: VALUES[kind] });
  expect(new Set(OPENING_KINDS.map(openingDomain)).size).toBe(OPENING_KINDS.length);
  expect(commitTo("model", digest, SALT)).toEqual(commit(SALT, "entente model version", utf8(digest)));
});

test("a file of them is read as it was written, in one order and no other form", () => {
  const openings = [...OPENING_KINDS.map(openingOf), { ...openingOf("rate"), commitment: digest, opened: null }];
  const bytes = encodeOpenings("bank", openings);
  const { party, openings: read } = parseOpenings(bytes);
  expect([party, read]).toEqual(["bank", openings.sort((a, b) => (a.commitment < b.commitment ? -1 : 1))]);
  expect(readOpening({ ...openingOf("rate"), opened: null })).toBeUndefined();
  const text = new TextDecoder().decode(bytes);
  for (const other of [
    text.replace("entente-openings/1", "entente-openings/2"),
    text.replace('"bank"', '"Bank"'),
    text.replace('"kind":"rate"', '"kind":"ids"'),
    JSON.stringify({ ...JSON.parse(text), openings: JSON.parse(text).openings.toReversed() }),
    JSON.stringify({ ...JSON.parse(text), openings: [read[0], read[0]] }),
  ])
    expect(() => parseOpenings(utf8(other))).toThrow(expect.objectContaining({ code: "WIRE_INVALID" }));
});

describe("what is no opening", () => {
  const invalid = expect.objectContaining({ code: "WIRE_INVALID" });
  test.each<[string, (opening: Opening & { opened: NonNullable<Opening["opened"]> }) => Opening]>([
    ["another salt", (of) => ({ ...of, opened: { ...of.opened, salt: new Uint8Array(32) } })],
    ["a short salt", (of) => ({ ...of, opened: { ...of.opened, salt: SALT.slice(1) } })],
    ["another value", (of) => ({ ...of, opened: { ...of.opened, value: utf8("{}") } })],
    ["another kind's domain", (of) => ({ ...of, kind: of.kind === "input" ? "sketch" : "input" })],
    ["another commitment", (of) => ({ ...of, commitment: digest })],
  ])("%s", (_, change) => {
    for (const kind of OPENING_KINDS) {
      const opening = openingOf(kind) as Opening & { opened: NonNullable<Opening["opened"]> };
      expect(() => readOpening(change(opening)), kind).toThrow(invalid);
    }
  });

  test("a value of another form, though it is what was committed to", () => {
    for (const text of ['{"matched":1}', '{"digest":1,"matched":1}', `{"digest":"${digest}","ids":[],"matched":1}`]) {
      const commitment = toHex(commit(SALT, openingDomain("output"), utf8(text)));
      const opening = { kind: "output" as const, commitment, opened: { salt: SALT, value: utf8(text) } };
      expect(() => readOpening(opening), text).toThrow(invalid);
    }
    expect(() => commitTo("approver", { person: "a\nb" }, SALT)).toThrow(
      expect.objectContaining({ code: "BAD_REQUEST" }),
    );
  });
});

test("an entry's commitments are told with who made them", () => {
  const receipt = receiptOf({ sketchCommitment: testHash("sketch"), modelVersion: testHash("model") });
  const entry = statementEntry("receipt", ABOUT_JOB, receipt, BANK.keys.jobs, PARTNER.keys.jobs);
  const { receiver, sender } = receipt.inputCommitments;
  for (const owner of ["bank", "partner", "hub"])
    expect(commitmentsIn(parseStatement(entry), owner)).toEqual([
      { by: "bank", kind: "input", commitment: receiver },
      { by: "partner", kind: "input", commitment: sender },
      { by: "bank", kind: "sketch", commitment: testHash("sketch") },
      { by: "bank", kind: "model", commitment: testHash("model") },
    ]);
  const said = {
    ...JOB,
    decision: "approved" as const,
    leakStatementDigest: digest,
    approver: testHash("who"),
    at: AT,
  };
  expect(commitmentsIn(parseStatement(statementEntry("approval", ABOUT_JOB, said, BANK.keys.jobs)), "bank")).toEqual([
    { by: "bank", kind: "approver", commitment: testHash("who") },
  ]);
  const failed = { jobId: JOB.jobId, attempt: 1, code: "PEER_GONE", at: AT };
  expect(commitmentsIn(parseStatement(statementEntry("failed", ABOUT_JOB, failed, BANK.keys.jobs)), "bank")).toEqual(
    [],
  );
});
