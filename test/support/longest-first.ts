/** The order in which test files begin: those that take longest come first, so that none is left alone with one core at the end. */
import { BaseSequencer, type TestSpecification } from "vitest/node";

const LONGEST = [
  "e2e/console.test.ts",
  "protocol/job-attempts.test.ts",
  "e2e/peer-gone.test.ts",
  "unit/data-bad-input.test.ts",
  "protocol/policy-differencing.test.ts",
  "fault/policy-history.test.ts",
  "fault/simulation-seeds.test.ts",
  "e2e/nothing-leaks.test.ts",
  "e2e/bad-input.test.ts",
  "protocol/policy-limits.test.ts",
  "protocol/hostile-session.test.ts",
  "protocol/hostile-peer.test.ts",
];

function rank({ moduleId }: TestSpecification): number {
  const at = LONGEST.findIndex((name) => moduleId.endsWith(`/test/${name}`));
  return at === -1 ? LONGEST.length : at;
}

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    // Then project by project: a worker that has loaded one keeps it.
    const byProject = (a: TestSpecification, b: TestSpecification) => a.project.name.localeCompare(b.project.name);
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b) || byProject(a, b));
  }
}
