import { createHmac } from "node:crypto";
import { expect, test } from "vitest";
import { concat, fromUtf8, toHex, utf8 } from "../../proto/encoding/bytes.ts";
import {
  checkpointBody,
  openCheckpoint,
  parseCheckpointBody,
  signCheckpoint,
} from "../../proto/evidence/checkpoint.ts";
import { commit, opens } from "../../proto/evidence/commitment.ts";
import { cosign, cosignatureTimeS, cosignatureVerifier } from "../../proto/evidence/cosignature.ts";
import { emptyRoot, leafHash } from "../../proto/evidence/merkle.ts";
import {
  encodeNote,
  noteKeyId,
  noteVerifier,
  parseNote,
  parseSignatureLine,
  signText,
  verifyNote,
} from "../../proto/evidence/note.ts";
import { testKey } from "../support/evidence-world.ts";

const LOG = testKey("bank", "log");
const OTHER = testKey("partner", "log");
const COSIGNER = testKey("partner", "cosigner");
const TEXT = "one\n\ntwo\n";
const refused = (code: string) => expect.objectContaining({ code });

test("a note keeps its text, with empty lines, and several signatures", () => {
  const note = { text: TEXT, signatures: [signText(TEXT, LOG), signText(TEXT, OTHER)] };
  const read = parseNote(encodeNote(note));
  expect(read.text).toBe(TEXT);
  expect(verifyNote(read, [noteVerifier(LOG), noteVerifier(OTHER)])).toHaveLength(2);
});

test("an unknown signer is ignored, but somebody known must have signed", () => {
  const note = { text: TEXT, signatures: [signText(TEXT, LOG), signText(TEXT, OTHER)] };
  expect(verifyNote(note, [noteVerifier(LOG)])).toHaveLength(1);
  expect(() => verifyNote(note, [noteVerifier(COSIGNER)])).toThrow(refused("SIGNATURE_INVALID"));
});

test("one failing signature of a known key rejects the note, however many others are good", () => {
  const bad = { ...signText(TEXT, OTHER), signature: signText("other\n", OTHER).signature };
  const note = { text: TEXT, signatures: [signText(TEXT, LOG), bad] };
  expect(() => verifyNote(note, [noteVerifier(LOG), noteVerifier(OTHER)])).toThrow(refused("SIGNATURE_INVALID"));
});

test("a signature under a known name with another key id is another key's", () => {
  const stranger = { ...signText(TEXT, OTHER), name: LOG.keyId };
  expect(() => verifyNote({ text: TEXT, signatures: [stranger] }, [noteVerifier(LOG)])).toThrow(
    refused("SIGNATURE_INVALID"),
  );
  expect(verifyNote({ text: TEXT, signatures: [stranger, signText(TEXT, LOG)] }, [noteVerifier(LOG)])).toHaveLength(1);
});

const GOOD = fromUtf8(encodeNote({ text: TEXT, signatures: [signText(TEXT, LOG)] }));
const LINE = GOOD.slice(GOOD.lastIndexOf("—"));

test.each([
  ["empty", ""],
  ["without signatures", `${TEXT}\n`],
  ["without a blank line", `one\n${LINE}`],
  ["without the last newline", GOOD.slice(0, -1)],
  ["with text after the signatures", `${GOOD}more\n`],
  ["with a carriage return", GOOD.replace("one\n", "one\r\n")],
  ["with a tab", GOOD.replace("one", "o\te")],
  ["with a hyphen for the dash", GOOD.replace("—", "-")],
  ["with two spaces", GOOD.replace("— ", "—  ")],
  ["with a plus in the name", GOOD.replace("bank/log", "bank+log")],
  ["with a no-break space in the name", GOOD.replace("bank/log", "bank\u00a0log")],
  ["with unpadded base64", GOOD.replace("=\n", "\n")],
  ["with 17 signatures", `${TEXT}\n${LINE.repeat(17)}`],
  ["with a key id only", `${TEXT}\n— bank/log AAAAAA==\n`],
])("a note %s is refused", (_, text) => {
  expect(GOOD.length).toBeGreaterThan(0);
  expect(() => parseNote(utf8(text))).toThrow(refused("WIRE_INVALID"));
});

test("bytes that are not UTF-8, or too many, are refused", () => {
  expect(() => parseNote(concat(utf8(GOOD), new Uint8Array([0xff])))).toThrow(refused("WIRE_INVALID"));
  expect(() => parseNote(utf8(`${"x".repeat(200_000)}\n\n${LINE}`))).toThrow(refused("WIRE_INVALID"));
});

test("every changed bit of a note is refused or fails to verify", () => {
  const bytes = utf8(GOOD);
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const changed = new Uint8Array(bytes);
    changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
    expect(() => verifyNote(parseNote(changed), [noteVerifier(LOG)])).toThrow();
  }
});

const CHECKPOINT = { origin: "bank/log1", size: 3, root: leafHash(utf8("x")) };

test("a checkpoint is opened under its origin and key only", () => {
  const bytes = encodeNote(signCheckpoint(CHECKPOINT, LOG));
  expect(openCheckpoint(bytes, { origin: "bank/log1", verifiers: [noteVerifier(LOG)] }).checkpoint).toEqual(CHECKPOINT);
  expect(() => openCheckpoint(bytes, { origin: "bank/log2", verifiers: [noteVerifier(LOG)] })).toThrow(
    refused("WIRE_INVALID"),
  );
  expect(() => openCheckpoint(bytes, { origin: "bank/log1", verifiers: [noteVerifier(OTHER)] })).toThrow(
    refused("SIGNATURE_INVALID"),
  );
});

const BODY = checkpointBody(CHECKPOINT);
test.each([
  ["an extension line", `${BODY}more\n`],
  ["a leading zero", BODY.replace("\n3\n", "\n03\n")],
  ["a negative size", BODY.replace("\n3\n", "\n-3\n")],
  ["a size past 2^53", BODY.replace("\n3\n", "\n9007199254740993\n")],
  ["a space in the origin", BODY.replace("bank/", "bank /")],
  ["an empty origin", BODY.slice(BODY.indexOf("\n"))],
  ["no final newline", BODY.slice(0, -1)],
  ["a short root", `bank/log1\n3\n${leafHash(utf8("x")).slice(1).toBase64()}\n`],
  ["an empty tree under another root", BODY.replace("\n3\n", "\n0\n")],
])("a checkpoint body with %s is refused", (_, text) => {
  expect(parseCheckpointBody(BODY)).toEqual(CHECKPOINT);
  expect(() => parseCheckpointBody(text)).toThrow(refused("WIRE_INVALID"));
});

test("the empty tree has a checkpoint", () => {
  const body = checkpointBody({ origin: "a", size: 0, root: emptyRoot() });
  expect(body).toBe("a\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n");
  expect(parseCheckpointBody(body).size).toBe(0);
});

test("a cosignature signs time and body, under a key id of its own type", () => {
  const signature = cosign(BODY, COSIGNER, 1679315147);
  expect(toHex(signature.signature.slice(0, 8))).toBe("00000000641850cb");
  expect(cosignatureTimeS(signature.signature)).toBe(1679315147);
  const message = utf8(`cosignature/v1\ntime 1679315147\n${BODY}`);
  expect(COSIGNER.verify(message, signature.signature.slice(8))).toBe(true);
  expect(signature.keyId).not.toEqual(noteKeyId(COSIGNER.keyId, 0x01, COSIGNER.publicKey));
  const verifier = cosignatureVerifier(COSIGNER);
  expect(verifyNote({ text: BODY, signatures: [signature] }, [verifier])).toHaveLength(1);
  const later = new Uint8Array(signature.signature);
  later[7] = (later[7] as number) ^ 1;
  expect(verifier.verify(BODY, later)).toBe(false);
  expect(verifier.verify(BODY.replace("3", "4"), signature.signature)).toBe(false);
  // A plain note signature of the same key is no cosignature.
  expect(verifier.verify(BODY, signText(BODY, COSIGNER).signature)).toBe(false);
});

test("a cosignature of time zero, or of what is no checkpoint, is not made", () => {
  for (const [body, timeS] of [
    [BODY, 0],
    [BODY, 1.5],
    ["anything\n", 1],
  ] as const)
    expect(() => cosign(body, COSIGNER, timeS)).toThrow(refused("WIRE_INVALID"));
});

test("a signature line is read as it is written", () => {
  expect(parseSignatureLine(LINE)).toEqual(signText(TEXT, LOG));
  expect(() => parseSignatureLine(LINE.trimEnd())).toThrow(refused("WIRE_INVALID"));
  expect(() => parseSignatureLine(`${LINE}${LINE}`)).toThrow(refused("WIRE_INVALID"));
});

test("a commitment is HMAC-SHA-256 over the length-prefixed domain and the value", () => {
  const salt = new Uint8Array(32).fill(0x0b);
  const commitment = commit(salt, "count", utf8("123"));
  const oracle = createHmac("sha256", salt).update("\u0005count123").digest("hex");
  expect(toHex(commitment)).toBe(oracle);
  expect(opens(commitment, { salt, domain: "count", value: utf8("123") })).toBe(true);
  expect(opens(commitment, { salt, domain: "coun", value: utf8("t123") })).toBe(false);
  expect(opens(commitment, { salt: new Uint8Array(32), domain: "count", value: utf8("123") })).toBe(false);
  expect(() => commit(salt.slice(1), "count", utf8("1"))).toThrow(refused("BAD_REQUEST"));
  expect(() => commit(salt, "", utf8("1"))).toThrow(refused("BAD_REQUEST"));
});
