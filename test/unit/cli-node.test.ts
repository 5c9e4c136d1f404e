import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Handlers } from "../../party/api/server.ts";
import { utf8 } from "../../proto/encoding/bytes.ts";
import { CATALOGUE, EntenteError } from "../../proto/errors.ts";
import { encodeBundle } from "../../proto/evidence/bundle.ts";
import { BUNDLE_TYPES } from "../../proto/http/file-types.ts";
import type { RouteInput, RouteResponse } from "../../proto/http/routes.ts";
import type { Job } from "../../sdk/client.ts";
import { type Ended, entente, ententeHere, type RunOptions } from "../support/command-line.ts";
import {
  STUB_JOB,
  STUB_NODE_INFO,
  STUB_PROGRESS,
  STUB_TOKEN,
  type StubNode,
  startStubNode,
} from "../support/stub-node.ts";

let folder: string;
let node: StubNode | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "entente-cli-"));
});
afterEach(async () => {
  await node?.close();
  node = undefined;
  await rm(folder, { recursive: true });
});

/** Starts a stub node and writes its folder as a running node does. */
async function start(handlers: Partial<Handlers>): Promise<void> {
  node = await startStubNode(handlers);
  await writeFile(join(folder, "api.json"), JSON.stringify({ url: node.url }));
  await writeFile(join(folder, "token"), `${STUB_TOKEN}\n`);
}

/** Runs a command in the node's folder. */
function run(line: string, options: RunOptions = {}): Promise<Ended> {
  const start = options.onStart === undefined ? ententeHere : entente;
  return start(line.split(" "), { cwd: folder, ...options });
}

const STATUS: RouteResponse<"status"> = {
  version: "0.1.0",
  nodeVersion: "26.1.0",
  startedAt: "2026-11-01T00:00:00.000Z",
  at: "2026-11-02T00:00:00.000Z",
  memoryBytes: 300e6,
  memoryLimitBytes: 8e9,
  readiness: { ready: false, checks: [{ check: "link", why: "NOT_ENROLLED" }] },
  coordinator: null,
  directAddress: null,
  lasting: [
    {
      of: "keyset",
      fingerprint: "ab".repeat(32),
      validFrom: "2026-11-01T00:00:00.000Z",
      validUntil: "2027-11-01T00:00:00.000Z",
      daysLeft: 364,
      renewsAt: null,
    },
  ],
  storage: {
    folder: "/bank",
    store: { kind: "postgresql", schema: 21 },
    freeBytes: null,
    keptBytes: 268e6,
    areas: [
      { area: "store", bytes: null },
      { area: "evidence", bytes: 1 },
    ],
    keysSealed: true,
    databases: [],
  },
  sessions: [],
  jobs: [],
  limits: [],
};

const PART = {
  id: "leaves" as const,
  title: "What leaves your house",
  blocks: [{ title: "Joint audience", lines: ["Which people \x1b[2J"] }],
};
const MORE_RUNS = { what: "Runs in a day", before: "5", after: "6" };
const TERMS: RouteResponse<"agreementTerms"> = {
  digest: "b".repeat(64),
  terms: { en: [PART], "zh-CN": [PART] },
  differences: [
    {
      ...{ path: "budgets.runsPerDay", before: 5, after: 6, effect: "loosens" },
      words: { en: MORE_RUNS, "zh-CN": MORE_RUNS },
    },
  ],
};

describe("answers", () => {
  test("node status: what there is in tables, and in words what there is none of", async () => {
    await start({ status: async () => STATUS });
    const { stdout } = await run("node status");
    expect(stdout.split("\n")).toEqual([
      "version        0.1.0",
      "running since  2026-11-01T00:00:00.000Z",
      "ready          link: NOT_ENROLLED",
      "coordinator    not enrolled",
      "memory         300 MB of 8,000 MB",
      "disk           - free, of which 268 MB are kept",
      "store          postgresql, schema 21",
      "",
      "proof   days left  until       renewed",
      "keyset  364        2027-11-01  -",
      "",
      "storage   size",
      "store     -",
      "evidence  1 MB",
      "",
      "no session is open",
      "",
      "no job runs",
      "",
    ]);
  });

  test("node: fields for people, a document for programs; the folder by option or environment", async () => {
    await start({ node: async () => STUB_NODE_INFO });
    const people = await run("node");
    expect([people.code, people.stdout]).toEqual([
      0,
      [
        "party        bank",
        `fingerprint  ${STUB_NODE_INFO.fingerprint}`,
        "coordinator  not enrolled",
        "connected    no",
        `console      ${node?.url}/`,
        "version      0.1.0",
        "",
      ].join("\n"),
    ]);
    const programs = await run(`node --json --node ${folder}`, { cwd: "/" });
    expect(JSON.parse(programs.stdout)).toEqual({ ...STUB_NODE_INFO, consoleUrl: `${node?.url}/` });
    const environment = await run("--json node", { cwd: "/", env: { ENTENTE_NODE: folder } });
    expect(environment.stdout).toBe(programs.stdout);
    const wrong = await run("node --token wrong");
    expect([wrong.code, wrong.stderr.includes("TOKEN_MISSING")]).toEqual([1, true]);
  });

  test("lists: aligned whatever the script, and no control character of a peer reaches the terminal", async () => {
    const agreement = (title: string, digest: string) => ({
      digest: digest.repeat(64),
      title,
      parties: ["bank", "bureau"],
      signedBy: ["bank"],
      state: "proposed" as const,
      version: 1,
      validUntil: "2026-12-31T00:00:00.000Z",
      document: { title },
    });
    const dataset = {
      ids: [{ column: "税号", normaliser: "cn-uscc" }],
      columns: [{ name: "纳税额", type: "DOUBLE" }],
      segments: [],
    };
    await start({
      agreements: async () => ({ agreements: [agreement("clean", "a"), agreement("\x1b[2J\u202egone", "b")] }),
      agreement: async () => agreement("\x1b[2J\x9b2Jgone", "b"),
      agreementTerms: async () => TERMS,
      peerDatasets: async () => ({
        datasets: [
          { name: "企业纳税", ...dataset },
          { name: "tax", ...dataset },
        ],
      }),
      peers: async () => ({ peers: [] }),
    });
    const list = await run("agreement list");
    expect(list.stdout).toContain("clean");
    expect(list.stdout).toContain("\ufffd[2J\ufffdgone");
    const show = await run(`agreement show ${"b".repeat(64)} --document`);
    expect(show.stdout).toContain("What leaves your house:\n  Joint audience\n  - Which people \ufffd[2J");
    expect(show.stdout).toContain("- [lets more happen] Runs in a day: 5 -> 6\n");
    expect(show.stdout).toContain("\\u001b[2J\ufffd2Jgone");
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
    expect(list.stdout + show.stdout).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]/);
    expect((await run("peer datasets bureau")).stdout).toBe(
      [
        "dataset   id               columns",
        "企业纳税  税号 by cn-uscc  纳税额 DOUBLE",
        "tax       税号 by cn-uscc  纳税额 DOUBLE",
        "",
      ].join("\n"),
    );
    expect((await run("peer list")).stdout).toBe("No peers yet.\n");
  });

  test("dataset register sends an absolute path; agreement propose the document", async () => {
    const seen: unknown[] = [];
    const refuse = async (input: unknown) => {
      seen.push(input);
      throw new EntenteError("DATASET_EMPTY");
    };
    await start({ registerDataset: refuse, proposeAgreement: refuse });
    const { code, stderr } = await run("dataset register c --file c.csv --id-column phone --normaliser phone-e164");
    expect([code, stderr.includes(CATALOGUE.DATASET_EMPTY.text)]).toEqual([1, true]);
    await writeFile(join(folder, "agreement.json"), '{"title":"t"}');
    await run("agreement propose agreement.json");
    expect(seen).toEqual([
      {
        name: "c",
        path: join(folder, "c.csv"),
        ids: [{ column: "phone", normaliser: "phone-e164" }],
        duplicatePolicy: { kind: "first" },
      },
      { document: { title: "t" } },
    ]);
    expect((await run("agreement propose c.csv")).stderr).toContain("c.csv cannot be read");
  });

  test("segment publish names the version that was looked at, and the peers", async () => {
    const seen: unknown[] = [];
    const refuse = async (input: unknown) => {
      seen.push(input);
      throw new EntenteError("DATASET_EMPTY");
    };
    await start({ publishSegment: refuse });
    const { code, stderr } = await run("segment publish adults --to bank --description Adults");
    expect([code, stderr.includes("--of-version")]).toEqual([64, true]);
    expect((await run("segment publish adults --of-version 3 --description Adults")).stderr).toContain("--to");
    await run("segment publish adults --to bank --to shop --description Adults --of-version 3");
    expect(seen).toEqual([{ name: "adults", description: "Adults", version: 3, to: ["bank", "shop"] }]);
  });

  test("dataset register takes the parts of an id in order, and how duplicates are aggregated", async () => {
    const seen: unknown[] = [];
    const refuse = async (input: unknown) => {
      seen.push(input);
      throw new EntenteError("DATASET_EMPTY");
    };
    await start({ registerDataset: refuse });
    const line = "dataset register c --file c.csv --id-column owner --normaliser cn-resident-id";
    const more = "--id-column plate --normaliser opaque --duplicates aggregate --aggregate a=b=sum --aggregate n=min";
    await run(`${line} ${more} --default-aggregate mean`);
    expect(seen).toEqual([
      expect.objectContaining({
        ids: [
          { column: "owner", normaliser: "cn-resident-id" },
          { column: "plate", normaliser: "opaque" },
        ],
        duplicatePolicy: { kind: "aggregate", columns: { "a=b": "sum", n: "min" }, others: "mean" },
      }),
    ]);
    for (const [rest, why] of [
      ["--id-column plate", "one --normaliser for each --id-column"],
      ["--aggregate n=median", "Write column=sum or column=mean"],
      ["--default-aggregate sum", "are for --duplicates aggregate"],
      ["--duplicates last", "Allowed choices are first, reject, aggregate"],
    ]) {
      const { code, stderr } = await run(`${line} ${rest}`);
      expect([code, stderr]).toEqual([64, expect.stringContaining(why ?? "")]);
    }
    expect(seen).toHaveLength(1);
  });
});

describe("jobs", () => {
  const digest = STUB_JOB.agreement;
  const line = `audience run --agreement ${digest} --dataset a --peer-dataset b --tag marketing:joint=spring`;
  const summary = { matched: 812, tags: { spring: 812 }, seconds: 1.25, bytesSent: 2048, bytesReceived: 1 };
  const states = (last: Partial<Job>, seen: RouteInput<"startJob">[] = []): Partial<Handlers> => {
    const coming: Partial<Job>[] = [{ state: "running", progress: STUB_PROGRESS }, last];
    return {
      startJob: async (input) => {
        seen.push(input);
        return STUB_JOB;
      },
      job: async () => ({ ...STUB_JOB, ...coming.shift() }),
    };
  };

  test("done: the summary, exit 0", async () => {
    const seen: RouteInput<"startJob">[] = [];
    await start(states({ state: "done", summary }, seen));
    const { code, stdout, stderr } = await run(`${line} --expires-days 30`);
    expect(code).toBe(0);
    expect(stdout).toMatch(/state +done\n[\s\S]*matched +812\ntags +spring 812\ntook +1\.3 s\nsent +2 KiB\n/);
    expect(stderr).toContain(STUB_JOB.jobId);
    expect(stderr).not.toContain("\x1b");
    const tag = { key: "marketing:joint", value: "spring", expiresInDays: 30 };
    const what = { operation: "audience", output: "list", agreement: digest, dataset: "a", peerDataset: "b" };
    expect(seen).toEqual([{ ...what, tag }]);
  });

  test("withheld: says so, exit 0", async () => {
    await start(states({ state: "done", withheld: true, summary: { ...summary, matched: undefined } }));
    const { code, stdout } = await run(line);
    expect([code, stdout]).toEqual([0, "Withheld: below the agreed minimum.\n"]);
  });

  const reason = { code: "POLICY_INPUT_FLOOR", message: "", detail: "1000", who: "caller", by: "peer" as const };

  test.each(["refused", "failed"] as const)("%s: the reason, exit 1", async (state) => {
    await start(states({ state, reason }));
    const { code, stdout, stderr } = await run(line);
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toContain(`error POLICY_INPUT_FLOOR: ${CATALOGUE.POLICY_INPUT_FLOOR.text}`);
    expect(stderr).toContain("why: said by bureau: 1000");
  });

  test("--json without a terminal: a line for each event, the last one the answer, with the job beside the error", async () => {
    await start(states({ state: "refused", reason }));
    const { code, stdout, stderr } = await run(`${line} --json`);
    expect([code, stderr]).toEqual([1, ""]);
    const [first, document, ...rest] = stdout
      .trimEnd()
      .split("\n")
      .map((text) => JSON.parse(text));
    expect(rest).toEqual([]);
    expect(first).toEqual({ event: "progress", jobId: STUB_JOB.jobId, state: "running", progress: STUB_PROGRESS });
    expect(document.error).toEqual(
      new EntenteError("POLICY_INPUT_FLOOR", { detail: "said by bureau: 1000" }).toPublic(),
    );
    expect(document.job).toEqual({ ...STUB_JOB, state: "refused", reason });
  });

  test("rules of the line and of a file go along in that order, with output, expiry and tag", async () => {
    const seen: RouteInput<"startJob">[] = [];
    await start(states({ state: "done", summary }, seen));
    await writeFile(join(folder, "model.json"), "{}");
    const inJson = { when: { op: "=", left: { kind: "tier" }, right: "B" }, key: "risk", value: "b" };
    await writeFile(join(folder, "rules.json"), JSON.stringify([inJson, "tier=C->risk:c"]));
    const what = `--agreement ${digest} --dataset a --peer-dataset b --rule tier=A->risk:a --rule limit>5->risk:x`;
    const more = "--rules rules.json --expires-days 7";
    const rules = ["tier=A->risk:a", "limit>5->risk:x", inJson, "tier=C->risk:c"];
    expect((await run(`score run ${what} ${more} --model model.json --output tier --tag risk:default`)).code).toBe(0);
    expect(seen[0]).toMatchObject({ output: "tier", rules, tag: { key: "risk:default", expiresInDays: 7 } });
    await node?.close();
    await start(states({ state: "done", summary }, seen));
    expect((await run(`audience run ${what} ${more}`)).code).toBe(0);
    expect(seen[1]).toMatchObject({ output: "list", rules, tag: { expiresInDays: 7 } });
    expect(seen[1]?.tag).not.toHaveProperty("key");
    expect(seen.map(({ labels }) => labels)).toEqual([undefined, undefined]);
    await writeFile(join(folder, "rules.json"), "{}");
    const refused = await run(`audience run ${what} ${more}`);
    expect([refused.code, refused.stderr.includes("TAG_RULE_INVALID")]).toEqual([1, true]);
  });

  test("labels go along, and the command says how to get them", async () => {
    const seen: RouteInput<"startJob">[] = [];
    await start(states({ state: "done", summary }, seen));
    const what = `--agreement ${digest} --dataset a --peer-dataset b --rule has_car->k:v`;
    const { code, stderr } = await run(`audience run ${what} --label has_car --label city`);
    expect([code, seen[0]?.labels]).toEqual([0, ["has_car", "city"]]);
    expect(stderr).toContain(`entente job result ${STUB_JOB.jobId}`);
  });

  test("score run sends the model and the tag's key alone; job show of a failed job exits with 0", async () => {
    const seen: RouteInput<"startJob">[] = [];
    await start(states({ state: "done", summary }, seen));
    await writeFile(join(folder, "model.json"), '{"weights":[1]}');
    const what = `--agreement ${digest} --dataset a --peer-dataset b --tag risk:credit`;
    expect((await run(`score run ${what} --model model.json`)).code).toBe(0);
    expect(seen[0]).toMatchObject({ operation: "score", model: { weights: [1] }, tag: { key: "risk:credit" } });
    const missing = await run(`score run ${what} --model none.json`);
    expect([missing.code, missing.stderr.includes("MODEL_INVALID")]).toEqual([1, true]);
    await node?.close();
    await start({ job: async () => ({ ...STUB_JOB, state: "failed", reason }) });
    const show = await run(`job show ${STUB_JOB.jobId}`);
    expect([show.code, /reason +The input list is smaller/.test(show.stdout)]).toEqual([0, true]);
  });
});

describe("job result", () => {
  test("writes the file in the form that it is named after, or that is named", async () => {
    const seen: RouteInput<"exportResult">[] = [];
    await start({
      exportResult: async (request) => {
        seen.push(request);
        async function* stream() {
          yield Buffer.from("subject\r\n");
        }
        return { contentType: "text/csv", fileName: "result.csv", stream: stream() };
      },
    });
    const { jobId } = STUB_JOB;
    const done = await run(`job result ${jobId} --out r.parquet --destination crm --json`);
    expect([done.code, JSON.parse(done.stdout)]).toEqual([0, { file: join(folder, "r.parquet"), bytes: 9 }]);
    expect((await run(`job result ${jobId} --out r.txt --format csv --for-spreadsheet`)).code).toBe(0);
    expect(seen).toEqual([
      { jobId, format: "parquet", destination: "crm" },
      { jobId, format: "csv", forSpreadsheet: "yes" },
    ]);
    const unknown = await run(`job result ${jobId} --out r.xlsx`);
    expect([unknown.code, unknown.stderr.includes("--format")]).toEqual([64, true]);
    expect(seen).toHaveLength(2);
  });
});

describe("tier bounds", () => {
  test("model commit-tiers sends the tiers and nothing else of the model", async () => {
    const seen: unknown[] = [];
    await start({
      commitTiers: async (input) => {
        seen.push(input);
        return { commitment: "ab".repeat(32) };
      },
    });
    const tiers = [{ tier: "A", minScore: 640 }, { tier: "B" }];
    await writeFile(join(folder, "model.json"), JSON.stringify({ features: [1], tiers }));
    const { code, stdout } = await run("model commit-tiers --model model.json");
    expect([code, stdout.trim(), seen]).toEqual([0, "ab".repeat(32), [{ tiers }]]);
    await writeFile(join(folder, "model.json"), '{"features":[]}');
    const none = await run("model commit-tiers --model model.json");
    expect([none.code, none.stderr.includes("MODEL_INVALID"), seen.length]).toEqual([1, true, 1]);
  });
});

describe("tags export", () => {
  const out = () => join(folder, "out.csv");
  const command = "tags export --format csv --out out.csv";
  const file = (stream: AsyncIterable<Uint8Array>): Partial<Handlers> => ({
    exportTags: async () => ({ contentType: "text/csv", fileName: "tags.csv", stream }),
  });
  /** What the folder holds beside the node's own files. */
  const left = async () => (await readdir(folder)).filter((name) => name !== "api.json" && name !== "token");

  test("writes the file, for its owner's eyes only", async () => {
    await start(
      file(
        (async function* () {
          yield Buffer.from("id,");
          yield Buffer.from("tag\n");
        })(),
      ),
    );
    const { code, stdout } = await run(`${command} --json`);
    expect([code, JSON.parse(stdout)]).toEqual([0, { file: out(), bytes: 7 }]);
    expect(await readFile(out(), "utf8")).toBe("id,tag\n");
    expect((await stat(out())).mode & 0o777).toBe(0o600);
    expect(await left()).toEqual(["out.csv"]);
  });

  test.each([false, true])(
    "leaves nothing half-written when the node fails midway; a file there before: %s",
    async (had) => {
      if (had) await writeFile(out(), "before");
      await start(
        file(
          (async function* () {
            yield new Uint8Array(200_000);
            await sleep(50);
            throw new Error("disk");
          })(),
        ),
      );
      const { code, stderr } = await run(command);
      expect([code, stderr.includes("NODE_UNREACHABLE")]).toEqual([1, true]);
      expect(stderr).toContain("the connection ended before the file was complete");
      expect(await left()).toEqual(had ? ["out.csv"] : []);
      if (had) expect(await readFile(out(), "utf8")).toBe("before");
    },
  );

  test("leaves nothing half-written when it is interrupted", async () => {
    let isUnderWay = () => {};
    const underWay = new Promise<void>((resolve) => {
      isUnderWay = resolve;
    });
    await start(
      file(
        (async function* () {
          for (;;) {
            yield new Uint8Array(10_000);
            await sleep(20);
            if ((await left()).length > 0) isUnderWay();
          }
        })(),
      ),
    );
    const { code, stderr } = await run(command, { onStart: (child) => void underWay.then(() => child.kill("SIGINT")) });
    expect([code, stderr.includes("error CANCELLED")]).toEqual([1, true]);
    expect(await left()).toEqual([]);
  });

  test("says when the disk refuses", async () => {
    await start(file((async function* () {})()));
    const { code, stderr } = await run("tags export --format csv --out no/such/folder.csv");
    expect([code, stderr.includes("why: cannot write no/such/folder.csv")]).toEqual([1, true]);
  });
});

describe("audit", () => {
  const command = `audit export --collaboration ${"9c".repeat(16)} --out evidence`;
  const files = (...paths: string[]): Partial<Handlers> => ({
    auditBundle: async () => ({
      ...{ contentType: BUNDLE_TYPES.jsonl, fileName: "bank-9c9c9c9c.jsonl" },
      stream: Readable.from(encodeBundle(paths.map((path) => ({ path, bytes: utf8(path) })))),
    }),
  });

  test("export writes the whole folder", async () => {
    await start(files("manifest.json", "logs/bank_9c_2026/tile/0/000.p/3"));
    expect((await run(command)).code).toBe(0);
    const inner = join(folder, "evidence/logs/bank_9c_2026/tile/0/000.p/3");
    expect(await readFile(inner, "utf8")).toBe("logs/bank_9c_2026/tile/0/000.p/3");
    expect((await readdir(folder)).sort()).toEqual(["api.json", "evidence", "token"]);
    const again = await run(command);
    expect([again.code, again.stderr.includes("ALREADY_EXISTS")]).toEqual([1, true]);
  });

  test("export refuses a path that leaves the folder, and leaves nothing", async () => {
    await start(files("manifest.json", "../outside"));
    const { code, stderr } = await run(command);
    expect([code, stderr.includes("a path outside itself")]).toEqual([1, true]);
    expect((await readdir(folder)).sort()).toEqual(["api.json", "token"]);
  });

  test("verify needs no node, and exits with the verdict", async () => {
    const damaged = await run("audit verify . --json");
    expect([damaged.code, JSON.parse(damaged.stdout).verdict]).toEqual([1, "tampered"]);
    const people = await run("audit verify .");
    expect([people.code, people.stdout.startsWith("TAMPERED")]).toEqual([1, true]);
    expect(people.stdout).toContain("MANIFEST_INVALID");
    await writeFile(join(folder, "trust"), "# from the telephone\nnot a fingerprint\n");
    const trust = await run("audit verify . --trust trust");
    expect([trust.code, trust.stderr.includes("line 2 of trust is no fingerprint")]).toEqual([64, true]);
  });
});
