import { defineConfig } from "vitest/config";
import { LongestFirst } from "./test/support/longest-first.ts";

/** They replace a module, and so each needs a process of its own. */
const ALONE = [
  "test/unit/api-surface.test.ts",
  "test/protocol/job-attempts.test.ts",
  "test/protocol/job-parked.test.ts",
  "test/protocol/score-trees-job.test.ts",
  "test/protocol/session-resumed.test.ts",
  "test/protocol/shared-score.test.ts",
];

export default defineConfig({
  test: {
    // One more than the two cores: tests with processes of their own wait for them.
    maxWorkers: 3,
    sequence: { sequencer: LongestFirst },
    globalSetup: "test/support/memory-folder.ts",
    testTimeout: 60_000,
    hookTimeout: 60_000,
    projects: [
      // Loading the product for each file anew took a tenth of the time.
      {
        extends: true,
        test: {
          name: "pieces",
          include: ["test/{unit,property,vectors}/**/*.test.ts"],
          exclude: ALONE,
          isolate: false,
        },
      },
      {
        extends: true,
        test: { name: "nodes", include: ["test/{protocol,fault,e2e}/**/*.test.ts"], exclude: ALONE, isolate: false },
      },
      { extends: true, test: { name: "alone", include: ALONE } },
    ],
  },
});
