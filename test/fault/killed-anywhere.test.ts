/** Some cells of the fault matrix (test/fault-matrix): `npm run fault-matrix` runs all of them. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Cell, World } from "../fault-matrix/world.ts";

let world: World;

beforeAll(async () => {
  world = await World.start();
}, 60_000);
afterAll(() => world.stop());

test.each<[Cell["process"], string, Cell["when"], number]>([
  ["bureau", "entry:gate-key-released", "after", 1],
  ["bank", "entry:opened", "after", 2],
])(
  "the %s, killed at %s (%s it, %i times): one charge, one receipt, one release, one result",
  async (...cell) => {
    const [process, step, when, kills] = cell;
    const outcome = await world.run({ process, step, when, kills });
    expect({ ended: outcome.ended, faults: outcome.faults, kills: outcome.kills }).toEqual({
      ...{ ended: "done", faults: [] },
      kills: expect.toSatisfy((count: number) => count >= 1 && count <= kills),
    });
  },
  130_000,
);
