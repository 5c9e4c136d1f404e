/** The auditor's pages without a browser: proofs that they compute, fingerprints that they read, searches that they ask for. */
import { webcrypto } from "node:crypto";
import { describe, expect, test } from "vitest";
import { computeInclusion } from "../../party/console/audit/inclusion.ts";
import { EMPTY_SEARCH, isJobId, requestOf } from "../../party/console/audit/search.ts";
import { readTrust } from "../../party/console/audit/trust.ts";
import { toBase64, toHex, utf8 } from "../../proto/encoding/bytes.ts";
import { MerkleTree } from "../../proto/evidence/merkle.ts";
import { ROUTES } from "../../proto/http/routes.ts";

describe("an inclusion proof in the browser", () => {
  const subtle = webcrypto.subtle as SubtleCrypto;
  const entries = Array.from({ length: 13 }, (_, i) => utf8(`entry ${i}`));
  const tree = new MerkleTree();
  for (const entry of entries) tree.appendEntry(entry);
  const shown = (index: number, size: number) => ({
    entry: toBase64(entries[index] as Uint8Array),
    index,
    path: tree.inclusionProof(index, size).map(toHex),
    checkpoint: { size, root: toHex(tree.root(size)) },
  });

  test("holds for each entry of a tree of each size, and for no other entry, place, size or path", async () => {
    for (let size = 1; size <= entries.length; size++)
      for (let index = 0; index < size; index++) {
        const proof = shown(index, size);
        expect([index, size, await computeInclusion(proof, subtle)]).toEqual([index, size, "holds"]);
        const changed = [
          { ...proof, entry: toBase64(utf8("another")) },
          { ...proof, index: index + 1 },
          { ...proof, path: [...proof.path, toHex(tree.root())] },
          { ...proof, path: proof.path.slice(1) },
          { ...proof, checkpoint: { size, root: toHex(utf8("x".repeat(32))) } },
        ].filter((other) => JSON.stringify(other) !== JSON.stringify(proof));
        for (const other of changed) expect(await computeInclusion(other, subtle)).toBe("fails");
      }
  });

  test("is not claimed where the browser has no SHA-256", async () => {
    const { crypto } = globalThis;
    Object.defineProperty(globalThis, "crypto", { value: {}, configurable: true });
    try {
      expect(await computeInclusion(shown(0, 1))).toBe("cannot");
    } finally {
      Object.defineProperty(globalThis, "crypto", { value: crypto, configurable: true });
    }
  });
});

test("fingerprints are read as the command line reads them, and the line that is none is named", () => {
  const print = "0123-4567-89ab-cdef-0123-4567-89ab-cdef";
  expect(readTrust(` ${print.toUpperCase()} # bank\n\n# all\n${print}\r\n`)).toEqual({ fingerprints: [print, print] });
  expect(readTrust("")).toEqual({ fingerprints: [] });
  expect(readTrust(`${print}\n${print.slice(1)}`)).toEqual({ badLine: 2 });
});

test("a search asks for what is filled in, in the route's form", () => {
  const collaboration = "0b".repeat(16);
  expect(requestOf(collaboration, EMPTY_SEARCH, undefined)).toEqual({ collaboration });
  const form = { ...EMPTY_SEARCH, person: " Wang ", event: "receipt", from: "2026-05-01" };
  const request = requestOf(collaboration, form, "2026:12");
  expect(request).toEqual({ collaboration, person: "Wang", event: "receipt", from: "2026-05-01", before: "2026:12" });
  expect(ROUTES.evidenceEntries.request.safeParse(request).success).toBe(true);
  expect([isJobId(collaboration), isJobId(`${collaboration}0`), isJobId("")]).toEqual([true, false, false]);
});
