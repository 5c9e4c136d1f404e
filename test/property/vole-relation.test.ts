import fc from "fast-check";
import { expect, test } from "vitest";
import { plainMultiply, toInteger } from "../support/vole-plain.ts";
import { runVole, volePlatform, wrongRows } from "../support/vole-run.ts";

const parties = { receiver: await volePlatform(), sender: await volePlatform() };

test("the relation holds for any number of outputs, by integers too", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 40_000 }), fc.boolean(), fc.nat(), (outputs, planes, pick) => {
      const run = runVole(parties, { outputs, profile: planes ? "planes" : "field" });
      expect(wrongRows(parties.sender, run)).toBe(0);
      const at = (pick % outputs) * 16;
      const of = (vector: Uint8Array) => toInteger(vector.subarray(at, at + 16));
      expect(of(run.c)).toBe(plainMultiply(of(run.a), toInteger(run.delta)) ^ of(run.b));
    }),
    { numRuns: 12 },
  );
});
