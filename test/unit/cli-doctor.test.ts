import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { RouteResponse } from "../../proto/http/routes.ts";
import { ententeHere } from "../support/command-line.ts";
import { STUB_TOKEN, type StubNode, startStubNode } from "../support/stub-node.ts";

type Report = RouteResponse<"doctor">;

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

async function start(report: Report): Promise<void> {
  node = await startStubNode({ doctor: async () => report });
  await writeFile(join(folder, "api.json"), JSON.stringify({ url: node.url }));
  await writeFile(join(folder, "token"), `${STUB_TOKEN}\n`);
}

const UNKNOWN = { subject: null, code: "of-a-later-release", values: {} };
const OK = { ...UNKNOWN, check: "disk", state: "ok", what: "9 MB free", why: null, fix: null } as const;
const WARN = {
  ...UNKNOWN,
  check: "peer",
  subject: "bureau",
  state: "warn",
  what: "did not\x1b[2J answer",
  why: "it is off",
  fix: "Ring.",
} as const;
const FAIL = { ...UNKNOWN, check: "clock", state: "fail", what: "off", why: "bad", fix: "NTP." } as const;

test("what is wrong comes first, with why and what to do; exit 1 only for that", async () => {
  await start({ worst: "fail", findings: [OK, WARN, FAIL] });
  const people = await ententeHere(["doctor"], { cwd: folder });
  expect([people.code, people.stdout]).toEqual([
    1,
    [
      "fail  clock        off",
      "                   why: bad",
      "                   fix: NTP.",
      "warn  peer bureau  did not\ufffd[2J answer",
      "                   why: it is off",
      "                   fix: Ring.",
      "ok    disk         9 MB free",
      "",
      "1 ok, 1 to look at, 1 wrong",
      "",
    ].join("\n"),
  ]);
  await node?.close();
  await start({ worst: "warn", findings: [OK, WARN] });
  const programs = await ententeHere(["doctor", "--json"], { cwd: folder });
  expect([programs.code, JSON.parse(programs.stdout)]).toEqual([0, { worst: "warn", findings: [OK, WARN] }]);
});

test("in Chinese, but for what this release does not know", async () => {
  const values = { freeBytes: 9e6, keptBytes: 2e8 };
  await start({ worst: "fail", findings: [{ ...FAIL, check: "disk", code: "disk-room-kept", values }, OK] });
  const { stdout } = await ententeHere(["doctor", "--language", "zh-CN"], { cwd: folder });
  expect(stdout.split("\n")).toEqual([
    "fail  disk  可用 9 MB，其中 200 MB 预留给正在运行的任务",
    "            影响：新任务会被拒绝：DISK_FULL",
    expect.stringMatching(/^ {12}处理：请腾出空间/),
    "ok    disk  9 MB free",
    "",
    "正常 1 项，需关注 0 项，有问题 1 项",
    "",
  ]);
});

test("of a node that does not run: that it does not, and what its folder says", async () => {
  await ententeHere(["init", "--dir", folder, "--party", "bank", "--api-port", "0"]);
  const { code, stdout } = await ententeHere(["doctor", "--node", folder, "--json"]);
  const { worst, findings } = JSON.parse(stdout) as Report;
  const byCheck = new Map(findings.map((finding) => [finding.check, finding]));
  expect([code, worst]).toEqual([1, "fail"]);
  expect(byCheck.get("node")).toMatchObject({ state: "fail", fix: `entente party start --dir ${folder}` });
  expect(byCheck.get("configuration")).toMatchObject({ state: "ok" });
  expect(byCheck.get("store")).toMatchObject({ state: "ok" });
  expect(byCheck.get("coordinator")).toMatchObject({ state: "warn" });
  expect([...byCheck.keys()]).toEqual(["node", "runtime", "disk", "configuration", "keys", "store", "coordinator"]);
});

test("of a node on another machine nothing is looked at here; a token that it refuses is an error", async () => {
  const away = await ententeHere(["doctor", "--url", "http://127.0.0.1:9", "--token", "t", "--json"]);
  expect([away.code, (JSON.parse(away.stdout) as Report).findings.map(({ check }) => check)]).toEqual([1, ["node"]]);
  await start({ worst: "ok", findings: [OK] });
  const refused = await ententeHere(["doctor", "--token", "wrong", "--json"], { cwd: folder });
  expect(JSON.parse(refused.stdout)).toMatchObject({ error: { code: "TOKEN_MISSING" } });
});
