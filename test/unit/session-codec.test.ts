/** Messages of the session layer as a peer's bytes: what comes back, and what is refused at the door. */
import { describe, expect, test } from "vitest";
import { decodeSessionMessage, encodeSessionMessage, SESSION_FRAME_TYPES } from "../../proto/codec/session.ts";
import type { SessionMessage } from "../../proto/codec/session-messages.ts";
import { encodeEnvelope } from "../../proto/encoding/dsse.ts";
import { type ErrorCode, toEntenteError } from "../../proto/errors.ts";
import { entente } from "../../proto/gen/messages.js";
import {
  AGREEMENT_DIGEST as agreement,
  filled as bytes,
  GOOD_MESSAGES as GOOD,
  TREE_HEAD as head,
  JOB_ID as jobId,
  SIGNED as signed,
  SOFTWARE as software,
} from "../support/session-messages.ts";

type Kind = SessionMessage["kind"];
type Wire = entente.v1.SessionMessage.$Properties;

const KINDS = Object.keys(GOOD) as Exclude<Kind, "failure">[];

/** With bytes as lists of numbers: the decoder's are Buffers. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return [...value];
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
}

/** Reads these members as a message of the kind. */
function read(kind: Kind, wire: Wire): ErrorCode | "read" {
  const body = entente.v1.SessionMessage.encode(wire).finish();
  try {
    decodeSessionMessage({ type: SESSION_FRAME_TYPES[kind], round: 0, partition: 0, chunk: 0, body }, kind);
    return "read";
  } catch (error) {
    return toEntenteError(error).code;
  }
}

test.each(KINDS)("%s comes back as it was said, and is no other message", (kind) => {
  for (const message of GOOD[kind]) {
    const frame = encodeSessionMessage(message);
    expect(plain(decodeSessionMessage(frame, kind))).toEqual(plain(message));
    const others = KINDS.filter((other) => other !== kind);
    expect(() => decodeSessionMessage(frame, ...others)).toThrow(expect.objectContaining({ code: "WIRE_UNEXPECTED" }));
    const type = SESSION_FRAME_TYPES[others[0] as Kind];
    expect(() => decodeSessionMessage({ ...frame, type }, ...KINDS)).toThrow(
      expect.objectContaining({ code: "WIRE_INVALID" }),
    );
    for (const change of [{ round: 1 }, { partition: 1 }, { chunk: 1 }, { type: 301 }])
      expect(() => decodeSessionMessage({ ...frame, ...change }, kind)).toThrow(
        expect.objectContaining({ code: "WIRE_UNEXPECTED" }),
      );
  }
});

test("every kind has a frame type of its own, which is its field number", () => {
  const types = Object.values(SESSION_FRAME_TYPES);
  expect(new Set(types).size).toBe(types.length);
  for (const kind of KINDS) {
    const [key = 0] = encodeSessionMessage(GOOD[kind][0] as SessionMessage).body;
    // A tag is field << 3 | 2 in base 128, least significant digit first; all numbers here take two digits.
    const [, second = 0] = encodeSessionMessage(GOOD[kind][0] as SessionMessage).body;
    expect(((key & 0x7f) | (second << 7)) >> 3).toBe(SESSION_FRAME_TYPES[kind]);
  }
});

const inForce = encodeEnvelope(signed);
const prepareRequest = { jobId, lastAttempt: 0, finished: [], inForce };
const prepareResponse = { sizeClass: 88, nonce: bytes(32), attempt: 1, finished: [], version: bytes(32), inForce };
const receiptPart = { inputCommitment: bytes(32), lastCosigned: head, sketchCommitment: bytes(32) };
const NO_ENVELOPE: readonly [string, Uint8Array][] = [
  ["empty", bytes(0)],
  ["no JSON", bytes(40)],
  ["cut short", inForce.slice(0, -1)],
  ["followed by more", new Uint8Array([...inForce, 10])],
];

describe("a message of another form is refused", () => {
  test("the forms that are right pass the same way", () => {
    expect(read("prepareRequest", { prepareRequest })).toBe("read");
    expect(read("prepareResponse", { prepareResponse })).toBe("read");
    expect(read("receiptPart", { receiptPart })).toBe("read");
    expect(read("receiptPart", { receiptPart: { inputCommitment: bytes(32) } })).toBe("read");
  });

  test.each([0, 1, 31, 33, 64])("prepareResponse: a version tag or nonce of %i bytes", (length) => {
    expect(read("prepareResponse", { prepareResponse: { ...prepareResponse, version: bytes(length) } })).toBe(
      "WIRE_INVALID",
    );
    expect(read("prepareResponse", { prepareResponse: { ...prepareResponse, nonce: bytes(length) } })).toBe(
      "WIRE_INVALID",
    );
  });

  test.each([1, 31, 33, 64])("receiptPart: a sketch commitment of %i bytes", (length) => {
    expect(read("receiptPart", { receiptPart: { ...receiptPart, sketchCommitment: bytes(length) } })).toBe(
      "WIRE_INVALID",
    );
  });

  test.each([0, 31, 33])("receiptPart: a commitment or root of %i bytes", (length) => {
    expect(read("receiptPart", { receiptPart: { ...receiptPart, inputCommitment: bytes(length) } })).toBe(
      "WIRE_INVALID",
    );
    const lastCosigned = { ...head, root: bytes(length) };
    expect(read("receiptPart", { receiptPart: { ...receiptPart, lastCosigned } })).toBe("WIRE_INVALID");
  });

  test.each(NO_ENVELOPE)("an envelope that is %s", (what, envelopeBytes) => {
    const given = { envelope: envelopeBytes };
    expect(read("prepareRequest", { prepareRequest: { ...prepareRequest, inForce: envelopeBytes } })).toBe(
      "WIRE_INVALID",
    );
    expect(read("prepareResponse", { prepareResponse: { ...prepareResponse, inForce: envelopeBytes } })).toBe(
      "WIRE_INVALID",
    );
    expect(read("revocationNotice", { revocationNotice: given })).toBe("WIRE_INVALID");
    // Only here nothing means something: the agreement is not in force, or not signed yet.
    const mayBeEmpty = what === "empty" ? "read" : "WIRE_INVALID";
    expect(read("inForceReply", { inForceReply: given })).toBe(mayBeEmpty);
    expect(read("agreementReply", { agreementReply: given })).toBe(mayBeEmpty);
  });

  test.each(["", jobId.slice(1), `${jobId}0`, jobId.toUpperCase(), `${jobId}\n`, "x".repeat(32)])(
    "jobDecided, prepareRequest: the job id %j",
    (id) => {
      expect(read("jobDecided", { jobDecided: { jobId: id } })).toBe("BAD_REQUEST");
      expect(read("prepareRequest", { prepareRequest: { ...prepareRequest, jobId: id } })).toBe("BAD_REQUEST");
    },
  );

  test.each(["", agreement.slice(1), `${agreement}0`, agreement.toUpperCase(), "x".repeat(64)])(
    "inForceRequest: the digest %j",
    (digest) => {
      expect(read("inForceRequest", { inForceRequest: { agreement: digest } })).toBe("BAD_REQUEST");
    },
  );

  const segment = { name: "adults", version: 1, description: "18 and older" };
  test.each<[string, object[], string]>([
    ["as it should be", [segment], "read"],
    ["as many as there may be", Array.from({ length: 256 }, () => segment), "read"],
    ["one too many", Array.from({ length: 257 }, () => segment), "WIRE_INVALID"],
    ["no name", [{ ...segment, name: "" }], "WIRE_INVALID"],
    ["a name that is a word", [{ ...segment, name: "minus" }], "WIRE_INVALID"],
    ["a name that breaks out", [{ ...segment, name: "a' OR 1=1 --" }], "WIRE_INVALID"],
    ["a name that clears the screen", [{ ...segment, name: "a\u001b[2J" }], "WIRE_INVALID"],
    ["a long name", [{ ...segment, name: "a".repeat(65) }], "WIRE_INVALID"],
    ["version 0", [{ ...segment, version: 0 }], "WIRE_INVALID"],
    ["version 2^32 - 1", [{ ...segment, version: 2 ** 32 - 1 }], "WIRE_INVALID"],
    ["no description", [{ ...segment, description: "" }], "WIRE_INVALID"],
    ["a description that runs backwards", [{ ...segment, description: "a\u202eb" }], "WIRE_INVALID"],
    ["a long description", [{ ...segment, description: "a".repeat(201) }], "WIRE_INVALID"],
  ])("describeResponse: segments with %s", (_, segments, outcome) => {
    const dataset = { name: "customers", ids: [{ column: "phone", normaliser: "opaque" }], columns: [], segments };
    expect(read("describeResponse", { describeResponse: { datasets: [dataset], software } })).toBe(outcome);
  });

  test.each([79, 257])("prepareResponse: the size class %i", (sizeClass) => {
    expect(read("prepareResponse", { prepareResponse: { ...prepareResponse, sizeClass } })).toBe("WIRE_INVALID");
  });

  test("two members in one, or none", () => {
    const two = [{ noted: {} }, { opened: {} }].map((wire) => entente.v1.SessionMessage.encode(wire).finish());
    const frame = { type: SESSION_FRAME_TYPES.noted, round: 0, partition: 0, chunk: 0 };
    for (const body of [bytes(0), new Uint8Array(two.flatMap((part) => [...part]))])
      expect(() => decodeSessionMessage({ ...frame, body }, "noted")).toThrow(
        expect.objectContaining({ code: "WIRE_INVALID" }),
      );
  });
});

describe("a failure is thrown as what the peer may say", () => {
  test.each<[ErrorCode, ErrorCode]>([
    ["AGREEMENT_REVOKED", "AGREEMENT_REVOKED"],
    ["AGREEMENT_SUPERSEDED", "AGREEMENT_SUPERSEDED"],
    ["AGREEMENT_NOT_IN_FORCE", "AGREEMENT_NOT_IN_FORCE"],
    ["POLICY_RUNS_DAY", "POLICY_RUNS_DAY"],
    ["APPROVAL_DECLINED", "APPROVAL_DECLINED"],
    ["APPROVAL_OVERDUE", "APPROVAL_OVERDUE"],
    // Trouble of its own, which must not pass for a fault of this node's.
    ["STORAGE_FAILED", "PEER_FAILED"],
    ["TOKEN_EXPIRED", "PEER_FAILED"],
    ["LOG_CORRUPT", "PEER_FAILED"],
  ])("%s: %s", (said, code) => {
    const frame = encodeSessionMessage({ kind: "failure", code: said });
    expect(() => decodeSessionMessage(frame, "noted")).toThrow(expect.objectContaining({ code }));
  });
});
