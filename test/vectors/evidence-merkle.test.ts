import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { verifyConsistency, verifyInclusion } from "../../proto/evidence/merkle.ts";

// Test data of transparency-dev/merkle (data/rfc6962-merkle/README.md).
function load<T>(name: string): T[] {
  return JSON.parse(readFileSync(new URL(`data/rfc6962-merkle/${name}.json`, import.meta.url), "utf8")) as T[];
}
const bytes = (base64: string) => Uint8Array.fromBase64(base64);

interface InclusionRow {
  file: string;
  leafIdx: number;
  treeSize: number;
  root: string;
  leafHash: string;
  proof: string[] | null;
  wantErr: boolean;
}

interface ConsistencyRow {
  file: string;
  size1: number;
  size2: number;
  root1: string;
  root2: string;
  proof: string[] | null;
  wantErr: boolean;
}

test("all 98 inclusion probes", () => {
  const rows = load<InclusionRow>("inclusion");
  const wrong = rows.filter(
    ({ leafIdx, treeSize, root, leafHash, proof, wantErr }) =>
      verifyInclusion({
        index: leafIdx,
        size: treeSize,
        root: bytes(root),
        leaf: bytes(leafHash),
        proof: (proof ?? []).map(bytes),
      }) === wantErr,
  );
  expect(wrong.map((row) => row.file)).toEqual([]);
  expect([rows.length, rows.filter((row) => !row.wantErr).length]).toEqual([98, 6]);
});

test("all 98 consistency probes", () => {
  const rows = load<ConsistencyRow>("consistency");
  const wrong = rows.filter(
    ({ size1, size2, root1, root2, proof, wantErr }) =>
      verifyConsistency({
        oldSize: size1,
        size: size2,
        oldRoot: bytes(root1),
        root: bytes(root2),
        proof: (proof ?? []).map(bytes),
      }) === wantErr,
  );
  expect(wrong.map((row) => row.file)).toEqual([]);
  expect([rows.length, rows.filter((row) => !row.wantErr).length]).toEqual([98, 6]);
});
