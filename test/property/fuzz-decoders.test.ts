/** Every decoder, fuzzed: what is given to it comes back from its own encoding, or is refused with a typed error. */
import { describe, expect, test } from "vitest";
import { EntenteError } from "../../proto/errors.ts";
import { campaign, describeFinding, execute, inputOf, share } from "../support/fuzz/campaign.ts";
import { decodersOfProto, NO_DECODERS } from "../support/fuzz/decoders.ts";
import { comesBack, type FuzzTarget, isCanonical } from "../support/fuzz/target.ts";
import { FUZZ_TARGETS } from "../support/fuzz/targets/all.ts";

const SEED = "1";
const EXECUTIONS = 20_000;

test("every decoder of proto/ has a fuzz target, or a reason why not", async () => {
  const covered = new Set(FUZZ_TARGETS.flatMap(({ covers }) => covers));
  const decoders = await decodersOfProto();
  expect(decoders.length).toBeGreaterThan(100);
  const missing = decoders.filter(({ name, value }) => !covered.has(value) && !(name in NO_DECODERS));
  expect(missing.map(({ name }) => name)).toEqual([]);
  const names = decoders.map(({ name }) => name);
  expect(Object.keys(NO_DECODERS).filter((name) => !names.includes(name))).toEqual([]);
});

test("every valid input is accepted, and no two targets have one name", async () => {
  const refused: string[] = [];
  for (const target of FUZZ_TARGETS)
    for (const [number, seed] of target.seeds.entries())
      if ((await execute(target, seed)) !== "accepted") refused.push(`${target.name} ${number}`);
  expect(refused).toEqual([]);
  expect(new Set(FUZZ_TARGETS.map(({ name }) => name)).size).toBe(FUZZ_TARGETS.length);
});

test(`${EXECUTIONS} cases: nothing but typed refusals`, async () => {
  const findings: string[] = [];
  const tally = await campaign({
    seed: SEED,
    targets: FUZZ_TARGETS,
    executions: EXECUTIONS,
    onFinding: (finding) => void findings.push(describeFinding(finding)),
  });
  expect(findings).toEqual([]);
  expect(tally.executions).toBeGreaterThanOrEqual(EXECUTIONS);
  // Neither all too broken to be looked at, nor all too good.
  expect(tally.accepted).toBeGreaterThan(EXECUTIONS / 20);
  expect(tally.refused).toBeGreaterThan(EXECUTIONS / 3);
});

describe("what the campaign finds", () => {
  const seeds = [new TextEncoder().encode('{"a":[1,2,3]}')];
  const targetOf = (run: FuzzTarget["run"]): FuzzTarget => ({ name: "planted", form: "json", seeds, covers: [], run });
  async function findings(run: FuzzTarget["run"]): Promise<string[]> {
    const found: string[] = [];
    const onFinding = (finding: Parameters<typeof describeFinding>[0]) => void found.push(describeFinding(finding));
    await campaign({ seed: SEED, targets: [targetOf(run)], executions: 300, onFinding });
    return found;
  }
  const asJson = (input: Uint8Array): unknown => {
    try {
      return JSON.parse(new TextDecoder().decode(input));
    } catch (cause) {
      throw new EntenteError("WIRE_INVALID", { cause });
    }
  };
  const encode = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));

  test.each<[string, FuzzTarget["run"]]>([
    ["an error of the language's", (input) => void (asJson(input) as { a: number[] }).a.map(String)],
    [
      "INTERNAL",
      (input) => {
        if (input.length > 40) throw new EntenteError("INTERNAL");
      },
    ],
    [
      "a rejected promise",
      async (input) => {
        if (input.length > 40) throw new TypeError("planted");
      },
    ],
    ["a value that comes back as another", comesBack(asJson, (value) => encode(Array.isArray(value) ? [] : value))],
    [
      "a value whose encoding is refused",
      comesBack(asJson, (value) => (value === null ? new Uint8Array(1) : encode(value))),
    ],
    ["an encoding that is not the input", isCanonical(asJson, encode)],
  ])("%s", async (_what, run) => {
    const found = await findings(run);
    expect(found.length).toBeGreaterThan(0);
    expect(found[0]).toMatch(/npm run bench -- fuzz --seed 1 --target 'planted' --case \d+$/);
  });

  test("and a decoder that refuses with typed errors has no findings", async () => {
    expect(await findings((input) => void asJson(input))).toEqual([]);
  });
});

test("a case is the same wherever it is run, and another for another seed, target or number", () => {
  const [target, other] = FUZZ_TARGETS as [FuzzTarget, FuzzTarget];
  const hex = (one: Parameters<typeof inputOf>[0]) => inputOf(one).toHex();
  const inputs = [10, 11, 12, 13, 14].map((number) => hex({ seed: SEED, target, number }));
  expect([10, 11, 12, 13, 14].map((number) => hex({ seed: SEED, target, number }))).toEqual(inputs);
  expect(new Set(inputs).size).toBeGreaterThan(2);
  expect([10, 11, 12, 13, 14].map((number) => hex({ seed: "2", target, number }))).not.toEqual(inputs);
  expect([10, 11, 12, 13, 14].map((number) => hex({ seed: SEED, target: other, number }))).not.toEqual(inputs);
  expect(share([target, { ...target, oneIn: 10 }], 1_100).map((cases) => cases >= 100)).toEqual([true, true]);
});
