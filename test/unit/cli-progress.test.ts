/** What a person or a program sees of a long piece of work: the real command, on a terminal and without one. */
import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { StateEvent } from "../../party/api/events.ts";
import type { Progress } from "../../proto/http/progress.ts";
import type { RouteResponse } from "../../proto/http/routes.ts";
import { describeProgress, duration, ProgressDisplay } from "../../sdk/cli/progress.ts";
import { COMMAND, entente, PINNED_NODE } from "../support/command-line.ts";
import {
  STUB_DATASET,
  STUB_JOB,
  STUB_PROGRESS,
  STUB_TOKEN,
  type StubNode,
  startStubNode,
} from "../support/stub-node.ts";

const MOVING: Progress = { ...STUB_PROGRESS, done: 400_000, total: 1_000_000, rate: 12_345.6, secondsLeft: 48.6 };
const NEXT: Progress = { ...STUB_PROGRESS, step: "finding-duplicates", done: 0, total: null, unit: "steps" };

let folder: string;
let node: StubNode;

beforeAll(async () => {
  async function* states(): AsyncGenerator<StateEvent<RouteResponse<"job">>> {
    const running = { ...STUB_JOB, state: "running" } as const;
    yield { isFinal: false, value: { ...running, progress: MOVING } };
    yield { isFinal: false, value: { ...running, progress: NEXT } };
    yield { isFinal: true, value: { ...STUB_JOB, state: "done" } };
  }
  node = await startStubNode({
    registerDataset: async (_input, _caller, { tell }) => {
      tell(MOVING);
      tell(NEXT);
      return STUB_DATASET;
    },
    job: async () => STUB_JOB,
    jobEvents: async () => states(),
  });
  folder = await mkdtemp(join(tmpdir(), "entente-cli-"));
  await writeFile(join(folder, "api.json"), JSON.stringify({ url: node.url }));
  await writeFile(join(folder, "token"), `${STUB_TOKEN}\n`);
});
afterAll(async () => {
  await node.close();
  await rm(folder, { recursive: true });
});

const register = ["dataset", "register", "a", "--file", "a.csv", "--id-column", "id", "--normaliser", "email"];
const follow = ["job", "follow", STUB_JOB.jobId];
const LINE = "reading the rows: 400,000 of 1,000,000 rows, 12,346/s, 49 s left, 100 MB of memory";

describe("without a terminal", () => {
  test.each([
    ["dataset register", register, "usable ids  1"],
    ["job follow", follow, "state      done"],
  ])("%s: plain lines on stderr, the answer on stdout", async (_, line, answer) => {
    const { code, stdout, stderr } = await entente(line, { cwd: folder });
    expect([code, stderr]).toEqual([0, `${LINE}\nfinding duplicates\n`]);
    expect(stdout).toContain(answer);
    expect(stdout).not.toContain("reading");
  });

  test("--json: a line for each event, the last one the answer", async () => {
    const linesOf = async (line: readonly string[]) => {
      const { code, stdout, stderr } = await entente([...line, "--json"], { cwd: folder });
      expect([code, stderr]).toEqual([0, ""]);
      return stdout
        .trimEnd()
        .split("\n")
        .map((text) => JSON.parse(text));
    };
    const event = "progress";
    expect(await linesOf(register)).toEqual([{ event, progress: MOVING }, { event, progress: NEXT }, STUB_DATASET]);
    const job = { event, jobId: STUB_JOB.jobId, state: "running" };
    expect(await linesOf(follow)).toEqual([
      { ...job, progress: MOVING },
      { ...job, progress: NEXT },
      { ...STUB_JOB, state: "done" },
    ]);
  });
});

describe("on a terminal", () => {
  /** What util-linux's `script` saw on a terminal of its own; undefined where there is no such command. */
  function onTerminal(line: readonly string[]): Promise<string | undefined> {
    const command = [PINNED_NODE, COMMAND, ...line].join(" ");
    return new Promise((resolve) => {
      const child = spawn("script", ["-qec", command, "/dev/null"], {
        cwd: folder,
        stdio: ["ignore", "pipe", "ignore"],
      });
      let seen = "";
      child.stdout.setEncoding("utf8").on("data", (text: string) => {
        seen += text;
      });
      child.on("error", () => resolve(undefined));
      child.on("close", () => resolve(seen));
    });
  }

  test("bars, one for each step, with rate and time left", async () => {
    const seen = await onTerminal(register);
    if (seen === undefined) {
      process.stderr.write("no command 'script' here: bars were not looked at on a terminal\n");
      return;
    }
    expect(seen).toMatch(/reading the rows \[=+-+\] 40% 49 s left 12\.3K\/s 400K\/1M rows 100 MB/);
    expect(seen).toContain("finding duplicates ...");
    expect(seen).toMatch(/usable ids.*1/);
    const json = await onTerminal([...register, "--json"]);
    expect(JSON.parse(json as string)).toEqual(STUB_DATASET);
  });
});

test("a plain line comes with each step and every ten seconds, not more often", () => {
  const write = vi.spyOn(process.stderr, "write").mockReturnValue(true);
  try {
    let nowMs = 0;
    const display = new ProgressDisplay("lines", () => nowMs);
    for (let done = 0; done < 300; done++) {
      display.show({ ...MOVING, done });
      nowMs += 100;
    }
    display.show(NEXT);
    display.show(null);
    expect(write.mock.calls.map(([text]) => String(text).split(":")[0]?.trim())).toEqual([
      ...Array(3).fill("reading the rows"),
      "finding duplicates",
    ]);
  } finally {
    write.mockRestore();
  }
});

test.each<[Partial<Progress>, string]>([
  [{ rate: null, secondsLeft: null }, "400,000 of 1,000,000 rows, 100 MB of memory"],
  [
    { unit: "bytes", done: 1_500_000, total: null, secondsLeft: null, rate: 250_000 },
    "1.5 MB, 0.3/s, 100 MB of memory",
  ],
  [{ done: 3, total: 3, unit: "partitions", rate: 0.25, secondsLeft: 0 }, "3 of 3 partitions, 0.3/s, 100 MB of memory"],
])("%j in words", (change, words) => {
  expect(describeProgress({ ...MOVING, step: "reading-file", file: "a\x1b[2Jb", ...change })).toBe(
    `reading a\ufffd[2Jb: ${words}`,
  );
});

test.each([
  [0.2, "1 s"],
  [59.9, "1 min 0 s"],
  [3_599, "59 min 59 s"],
  [7_380, "2 h 3 min"],
])("%d seconds are %s", (seconds, words) => {
  expect(duration(seconds)).toBe(words);
});
