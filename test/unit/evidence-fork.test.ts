import { expect, test } from "vitest";
import { fromUtf8, utf8 } from "../../proto/encoding/bytes.ts";
import { checkFork, encodeFork, type Fork, parseFork } from "../../proto/evidence/fork.ts";
import { EvidenceLog } from "../../proto/evidence/log.ts";
import { encodeNote } from "../../proto/evidence/note.ts";
import { compareOrigins, formatOrigin, nextOrigin, parseOrigin } from "../../proto/evidence/origin.ts";
import { BANK, originOf, PARTNER } from "../support/evidence-world.ts";
import { MemoryFiles } from "../support/memory-files.ts";

const KEYS = [BANK.keys.log];

async function notesOf(
  entries: readonly string[],
  origin = originOf(BANK),
): Promise<{ log: EvidenceLog; at: string[] }> {
  const log = await EvidenceLog.open({ files: new MemoryFiles(), folder: "/l", origin, key: BANK.keys.log });
  const at = [fromUtf8(encodeNote(log.checkpointNote()))];
  for (const entry of entries) {
    await log.append([utf8(entry)]);
    at.push(fromUtf8(encodeNote(log.checkpointNote())));
  }
  return { log, at };
}

const left = await notesOf(["a", "b", "c"]);
const right = await notesOf(["a", "x", "y"]);
const fork = (known: number, offered: number, proof: string[] = []): Fork => ({
  known: left.at[known] as string,
  offered: right.at[offered] as string,
  proof,
});

test("two notes of one size prove it; of two sizes they are the witness's word", () => {
  expect(checkFork(fork(2, 2), KEYS)).toMatchObject({ origin: originOf(BANK), isProof: true });
  const proof = right.log.consistencyProof(2, 3).map((hash) => hash.toHex());
  expect(checkFork(fork(2, 3, proof), KEYS)).toMatchObject({
    isProof: false,
    known: { size: 2 },
    offered: { size: 3 },
  });
});

test("what agrees is no fork, in either direction, and the empty log agrees with all", () => {
  const proof = left.log.consistencyProof(1, 3).map((hash) => hash.toHex());
  for (const agreeing of [fork(1, 1), fork(0, 3), fork(3, 0), { ...fork(1, 1, proof), offered: left.at[3] as string }])
    expect(() => checkFork(agreeing, KEYS)).toThrow(expect.objectContaining({ code: "BAD_REQUEST" }));
});

test("notes of another key or another log are no fork of this one", async () => {
  expect(() => checkFork(fork(2, 2), [PARTNER.keys.log])).toThrow(
    expect.objectContaining({ code: "SIGNATURE_INVALID" }),
  );
  const other = await notesOf(["z"], `${originOf(BANK)}-2`);
  expect(() => checkFork({ ...fork(1, 1), offered: other.at[1] as string }, KEYS)).toThrow(
    expect.objectContaining({ code: "WIRE_INVALID" }),
  );
});

test("a file of it has one form", () => {
  const bytes = encodeFork(fork(2, 2));
  expect(parseFork(bytes)).toEqual(fork(2, 2));
  const text = fromUtf8(bytes);
  for (const other of [
    text.replace("entente-fork/1", "entente-fork/2"),
    ` ${text}`,
    text.replace('"proof":[]', '"proof":["0"]'),
  ])
    expect(() => parseFork(utf8(other))).toThrow(expect.objectContaining({ code: "WIRE_INVALID" }));
});

test("origins follow each other by year and number, and none has two names", () => {
  const base = originOf(BANK);
  const first = parseOrigin(base);
  const second = nextOrigin(first, 2026);
  expect(formatOrigin(second)).toBe(`${base}-2`);
  expect(parseOrigin(formatOrigin(second))).toEqual(second);
  expect(formatOrigin(nextOrigin(second, 2027))).toBe(base.replace("2026", "2027"));
  expect(formatOrigin(nextOrigin(second, 2025))).toBe(`${base}-3`);
  const labels = ["2025-9", "2026", "2026-2", "2026-10", "2027"].map((label) =>
    parseOrigin(base.replace("2026", label)),
  );
  expect(labels.toReversed().toSorted(compareOrigins)).toEqual(labels);
  for (const label of ["2026-1", "2026-0", "2026-02", "2026-", "2026-100", "1999"])
    expect(() => parseOrigin(base.replace("2026", label)), label).toThrow(
      expect.objectContaining({ code: "WIRE_INVALID" }),
    );
});
