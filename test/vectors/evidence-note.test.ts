import { expect, test } from "vitest";
import { fromHex, toHex, utf8 } from "../../proto/encoding/bytes.ts";
import { signingKey, verifyingKey } from "../../proto/encoding/ed25519.ts";
import {
  encodeNote,
  encodeSignatureLine,
  noteKeyId,
  noteVerifier,
  parseNote,
  SIGNATURE_TYPE,
  signText,
  verifyNote,
} from "../../proto/evidence/note.ts";

// C2SP signed-note.md, "Verifier keys", the example.
const SPEC_KEY = "AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
const SPEC_NOTE = `This is an example message.

— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=
`;

test("the specification's example verifies under its verifier key", () => {
  const raw = Uint8Array.fromBase64(SPEC_KEY).slice(1);
  expect(toHex(noteKeyId("example.com/foo", SIGNATURE_TYPE.ed25519, raw))).toBe("530d903a");
  const note = parseNote(utf8(SPEC_NOTE));
  expect(note.text).toBe("This is an example message.\n");
  expect(verifyNote(note, [noteVerifier(verifyingKey("example.com/foo", raw))])).toHaveLength(1);
  expect(encodeNote(note)).toEqual(utf8(SPEC_NOTE));
});

// golang.org/x/mod/sumdb/note, note_test.go: key, text and signature.
const GO_SEED = "AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
const GO_TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
const GO_LINE = `— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n`;

test("signing reproduces the reference implementation's note, byte for byte", () => {
  const key = signingKey("PeterNeumann", Uint8Array.fromBase64(GO_SEED).slice(1));
  const signature = signText(GO_TEXT, key);
  expect(toHex(signature.keyId)).toBe("c74f20a3");
  expect(encodeSignatureLine(signature)).toBe(GO_LINE);
  expect(toHex(key.publicKey)).toBe(
    toHex(Uint8Array.fromBase64("ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW").slice(1)),
  );
  expect(fromHex("01")).toEqual(Uint8Array.fromBase64(GO_SEED).slice(0, 1));
});
