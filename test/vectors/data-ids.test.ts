import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { normaliseId } from "../../party/data/composite-id.ts";
import { idHasher } from "../../party/data/id-hash.ts";
import { normaliserOf } from "../../party/data/normalise.ts";
import { partitionOf } from "../../party/protocols/plan.ts";
import { NORMALISERS, type NormaliserName } from "../../proto/agreement/fields.ts";
import { fromHex, toHex, utf8 } from "../../proto/encoding/bytes.ts";

function vectors<T>(name: string): readonly T[] {
  return JSON.parse(readFileSync(new URL(`data/ids/${name}.json`, import.meta.url), "utf8")) as T[];
}

interface IdVector {
  readonly raw: string | null;
  readonly id?: string;
  readonly reason?: string;
}

interface HashVector {
  readonly key: string;
  readonly id: string;
  readonly hash: string;
  readonly partitionOf7: number;
}

describe.each(NORMALISERS)("%s", (name) => {
  const cases = vectors<IdVector>(name);

  it("has accepting and rejecting vectors", () => {
    expect(cases.filter(({ id }) => id !== undefined).length).toBeGreaterThan(5);
    expect(cases.filter(({ reason }) => reason !== undefined).length).toBeGreaterThan(5);
  });

  it.each(cases)("$raw", ({ raw, id, reason }) => {
    expect(normaliserOf(name)(raw)).toEqual(id === undefined ? { ok: false, reason } : { ok: true, id });
  });

  it("leaves what it made as it is", () => {
    for (const { id } of cases) if (id !== undefined) expect(normaliserOf(name)(id)).toEqual({ ok: true, id });
  });
});

interface CompositeVector {
  readonly normalisers: readonly NormaliserName[];
  readonly raw: readonly (string | null)[];
  readonly id?: string;
  readonly reason?: string;
  readonly part?: number;
}

describe("an id of several columns", () => {
  it.each(vectors<CompositeVector>("composite"))("$raw", ({ normalisers, raw, id, reason, part }) => {
    const ids = normalisers.map((normaliser, k) => ({ column: `part ${k}`, normaliser }));
    const expected = id === undefined ? { ok: false, reason, column: `part ${part}` } : { ok: true, id };
    expect(normaliseId(ids, raw)).toEqual(expected);
  });
});

describe("id hash", () => {
  it.each(vectors<HashVector>("id-hash"))("$hash", ({ key, id, hash, partitionOf7 }) => {
    const hasher = idHasher(fromHex(key));
    const bytes = utf8(id);
    const hashes = hasher.hashAll({ count: 1, bytes, offsets: Uint32Array.of(0, bytes.length) });
    expect(toHex(hashes)).toBe(hash);
    expect(partitionOf(hashes, 0, 7)).toBe(partitionOf7);
  });

  it("refuses a key of another length", () => {
    expect(() => idHasher(new Uint8Array(31))).toThrow();
    expect(() => idHasher(new Uint8Array(33))).toThrow();
  });
});
