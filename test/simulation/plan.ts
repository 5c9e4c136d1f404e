/** What a seed decides: the lists, how they are cut, and everything that goes wrong. */
import { Chance } from "./chance.ts";
import { personOf } from "./data.ts";
import { CALM, type NetworkFaults } from "./network.ts";
import type { Group } from "./platform.ts";
import type { DiskFault, ProcessName } from "./process.ts";
import type { PartyName } from "./world.ts";

export const MAX_PEOPLE = 16;

interface At {
  /** Milliseconds after the job was asked for. */
  readonly atMs: number;
}

export interface SeedPlan {
  readonly seed: number;
  readonly tls: boolean;
  readonly group: Group;
  readonly lists: Readonly<Record<PartyName, readonly string[]>>;
  readonly partitions: number;
  readonly jobs: number;
  /** By process: which of its durable operations, counted from the job's beginning, meets what. */
  readonly disk: Readonly<Record<ProcessName, ReadonlyMap<number, DiskFault>>>;
  readonly kills: readonly (At & { readonly name: ProcessName; readonly downMs: number })[];
  readonly cuts: readonly At[];
  readonly clockJumps: readonly (At & { readonly name: ProcessName; readonly byMs: number })[];
  readonly revocation: (At & { readonly by: PartyName }) | undefined;
  readonly network: NetworkFaults;
  /** From then on nothing goes wrong any more. */
  readonly calmMs: number;
  readonly restartMs: { readonly from: number; readonly to: number };
}

const PROCESSES = ["bank", "bureau", "coordinator"] as const;
const DISK_FAULTS: readonly DiskFault[] = [
  "crash-before",
  "crash-after",
  "crash-before",
  "crash-after",
  "error-before",
  "error-after",
];
/** A job has some hundred at a party, fewer at the coordinator. */
const OPERATIONS = { bank: 90, bureau: 80, coordinator: 24 } as const;
const MINUTE_MS = 60_000;
/** Seeds that run over the real curve, which takes as long as all the rest of a simulation: one of so many. */
const REAL_GROUP_EVERY = 25;

function some<T>(chance: Chance, most: number, make: () => T): T[] {
  return Array.from({ length: chance.whole(0, most) }, make);
}

/** Up to 16 people on each list, of whom any number are on both. */
function listsOf(chance: Chance, most: number): SeedPlan["lists"] {
  const pool = Array.from({ length: most + 4 }, (_, i) => personOf(i));
  const list = () => {
    // Empty lists are refused; few seeds are spent on them.
    const length = chance.happens(0.02) ? 0 : chance.whole(1, most);
    const from = chance.whole(0, pool.length - length);
    return pool.slice(from, from + length);
  };
  return { bank: list(), bureau: list() };
}

function networkOf(chance: Chance): NetworkFaults {
  if (chance.happens(0.4)) return CALM;
  const rate = () => chance.pick([0, 0, 0.002, 0.01, 0.04]);
  return {
    loseRequest: rate(),
    loseAnswer: rate(),
    doubleCall: rate(),
    breakStream: rate() / 4,
    tamper: rate() / 4,
    delay: rate(),
  };
}

export function planOf(seed: number, options: { readonly tls: boolean }): SeedPlan {
  const chance = new Chance(`plan/${seed}`);
  const { tls } = options;
  const group: Group = tls || seed % REAL_GROUP_EVERY === 0 ? "ristretto255" : "easy";
  const lists = listsOf(chance, group === "easy" ? MAX_PEOPLE : 6);
  const partitions = chance.pick([1, 1, 2, 3]);
  const disk = { bank: new Map(), bureau: new Map(), coordinator: new Map() } as Record<
    ProcessName,
    Map<number, DiskFault>
  >;
  for (let i = chance.pick([0, 1, 1, 2, 3]); i > 0; i--) {
    const name = chance.pick(PROCESSES);
    disk[name].set(chance.whole(1, OPERATIONS[name]), chance.pick(DISK_FAULTS));
  }
  const calmMs = chance.pick([2, 5, 20]) * MINUTE_MS;
  const at = () => ({ atMs: chance.happens(0.8) ? chance.between(0, 1_500) : chance.between(0, calmMs) });
  return {
    ...{ seed, tls, group, lists, disk, calmMs },
    partitions: group === "easy" ? partitions : 1,
    jobs: chance.happens(0.15) ? 2 : 1,
    kills: some(chance, 1, () => ({
      ...at(),
      name: chance.pick(PROCESSES),
      downMs: chance.happens(0.9) ? chance.between(50, 5_000) : chance.between(5_000, 2 * MINUTE_MS),
    })),
    cuts: some(chance, 1, at),
    clockJumps: chance.happens(0.2)
      ? some(chance, 2, () => ({
          ...at(),
          name: chance.pick(PROCESSES),
          byMs: chance.pick([-1, 1]) * chance.between(1_000, 8 * MINUTE_MS),
        }))
      : [],
    revocation: chance.happens(0.06) ? { ...at(), by: chance.pick(["bank", "bureau"]) } : undefined,
    network: networkOf(chance),
    restartMs: chance.happens(0.8) ? { from: 50, to: 2_000 } : { from: 5_000, to: 90_000 },
  };
}
