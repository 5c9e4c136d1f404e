/** Runs cases: each is told by seed, target and number, and comes out the same wherever it runs. */
import { EntenteError } from "../../../proto/errors.ts";
import { drawsOf } from "./draw.ts";
import { type FuzzTarget, MUTATORS } from "./target.ts";

export interface Case {
  readonly seed: string;
  readonly target: FuzzTarget;
  readonly number: number;
}

export interface Finding extends Case {
  readonly input: Uint8Array;
  readonly thrown: unknown;
}

export interface Tally {
  executions: number;
  accepted: number;
  refused: number;
}

/** The first cases are the valid inputs themselves; of the rest few are bytes at random. */
export function inputOf({ seed, target, number }: Case): Uint8Array {
  const { name, form, seeds } = target;
  const valid = seeds[number];
  if (valid !== undefined) return valid;
  const draw = drawsOf(`${seed}/${name}/${number}`);
  if (draw.oneIn(50)) return draw.bytes(draw.below(200));
  return MUTATORS[form](draw.pick(seeds), draw, seeds);
}

/** Accepted, refused, or what was thrown instead. */
export async function execute(
  target: FuzzTarget,
  input: Uint8Array,
): Promise<"accepted" | "refused" | { thrown: unknown }> {
  try {
    const running = target.run(input);
    if (running !== undefined) await running;
    return "accepted";
  } catch (thrown) {
    return thrown instanceof EntenteError && thrown.code !== "INTERNAL" ? "refused" : { thrown };
  }
}

/** How many cases of each, so that they are about `executions` in all. */
export function share(targets: readonly FuzzTarget[], executions: number): readonly number[] {
  const weights = targets.map(({ oneIn = 1 }) => 1 / oneIn);
  const whole = weights.reduce((sum, weight) => sum + weight, 0);
  // Every valid input is run, whatever the share.
  return targets.map(({ seeds }, i) =>
    Math.max(seeds.length + 1, Math.ceil((executions * (weights[i] as number)) / whole)),
  );
}

export interface Campaign {
  readonly seed: string;
  readonly targets: readonly FuzzTarget[];
  readonly executions: number;
  /** Only the target of this index, its cases from this one on. All of all by default. */
  readonly only?: readonly [target: number, fromNumber: number];
  /** Before each case: for a watchdog. */
  readonly onCase?: (one: Case) => void;
  readonly onFinding: (finding: Finding) => void;
}

export async function campaign(input: Campaign): Promise<Tally> {
  const { seed, targets, executions, only, onCase, onFinding } = input;
  const tally: Tally = { executions: 0, accepted: 0, refused: 0 };
  const cases = share(targets, executions);
  for (const [i, target] of targets.entries()) {
    if (only !== undefined && only[0] !== i) continue;
    for (let number = only?.[1] ?? 0; number < (cases[i] as number); number++) {
      const one = { seed, target, number };
      onCase?.(one);
      const outcome = await runCase(one);
      tally.executions++;
      if (typeof outcome === "string") tally[outcome]++;
      else onFinding(outcome);
    }
  }
  return tally;
}

export async function runCase(one: Case): Promise<"accepted" | "refused" | Finding> {
  const input = inputOf(one);
  const outcome = await execute(one.target, input);
  return typeof outcome === "string" ? outcome : { ...one, input, thrown: outcome.thrown };
}

export function repeatCommand(seed: string, target: string, number: number): string {
  return `npm run bench -- fuzz --seed ${seed} --target '${target}' --case ${number}`;
}

/** What somebody needs to see it again. */
export function describeFinding({ seed, target, number, input, thrown }: Finding): string {
  const what = thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown);
  const shown = input.length > 200 ? `${input.subarray(0, 200).toHex()}... (${input.length} bytes)` : input.toHex();
  const command = repeatCommand(seed, target.name, number);
  return `${target.name}, case ${number}: ${what.slice(0, 300)}\n  input ${shown}\n  ${command}`;
}
