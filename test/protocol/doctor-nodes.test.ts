/** The doctor at real nodes: what it says of healthy ones, and of a peer that is another or gone. */
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { examineNode } from "../../party/doctor/doctor.ts";
import { realMachine } from "../../party/doctor/machine.ts";
import { startOf } from "../../party/doctor/validity.ts";
import type { Finding } from "../../proto/http/doctor-routes.ts";
import { demoAgreement, generous } from "../support/demo-agreement.ts";
import { TwoNodes } from "../support/two-nodes.ts";

let nodes: TwoNodes;
beforeAll(async () => {
  nodes = await TwoNodes.start();
  await nodes.agree(demoAgreement(generous()));
}, 30_000);
afterEach(() => vi.restoreAllMocks());
afterAll(() => nodes.close());

const examine = () => examineNode({ node: nodes.bank, machine: realMachine, start: startOf(nodes.bank.wallClock) });
const of = (findings: readonly Finding[], check: string) => findings.filter((finding) => finding.check === check);

test("healthy nodes: every room is looked at, and nothing of them is wrong", async () => {
  const findings = await examine();
  const checks = [
    "runtime",
    "disk",
    "clock",
    "keys",
    "store",
    "certificate",
    "coordinator",
    "peer",
    "evidence",
    "keyset",
    "limits",
  ];
  expect(new Set(findings.map(({ check }) => check))).toEqual(new Set(checks));
  for (const check of checks.filter((name) => !["runtime", "disk", "keys"].includes(name)))
    expect(of(findings, check).map(({ state, what }) => (state === "ok" ? "ok" : what))).toEqual(
      of(findings, check).map(() => "ok"),
    );
  expect(of(findings, "keys").map(({ state, what }) => [state, what])).toEqual([
    ["warn", "the node's keys are not encrypted"],
    ["warn", "recovery.key is in the node's folder"],
  ]);
});

test("a peer of another version, whose clock is ten minutes off, is named with who must act", async () => {
  const real = nodes.bureau.software();
  vi.spyOn(nodes.bureau, "software").mockReturnValue({
    version: "0.0.1",
    suites: real.suites.slice(1),
    at: new Date(Date.now() - 600_000).toISOString(),
  });
  const findings = await examine();
  expect(of(findings, "peer")).toMatchObject([
    { state: "fail", fix: expect.stringMatching(/^Bureau must upgrade to/) },
  ]);
  expect(of(findings, "clock").map(({ state }) => state)).toEqual(["ok", "fail"]);
});

test("a coordinator that is gone is found out, with its peers", async () => {
  await nodes.coordinator.close();
  const findings = await examine();
  expect(of(findings, "coordinator")).toMatchObject([{ state: "fail", what: expect.stringMatching(/^refused/) }]);
  expect(of(findings, "peer")).toMatchObject([{ state: "warn" }]);
}, 40_000);
