/** The doctor at real nodes: what it says of healthy ones, and of a peer that is another or gone. */
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { examineNode } from "../../party/doctor/doctor.ts";
import { realMachine } from "../../party/doctor/machine.ts";
import { startOf } from "../../party/doctor/validity.ts";
import { statusHandlers } from "../../party/status/handlers.ts";
import type { Finding } from "../../proto/http/doctor-routes.ts";
import { ROUTES } from "../../proto/http/routes.ts";
import { demoAgreement, generous } from "../support/demo-agreement.ts";
import { NOBODY_LISTENS } from "../support/stub-node.ts";
import { type NodeName, TwoNodes } from "../support/two-nodes.ts";

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

const statusOf = async (name: NodeName) => {
  const status = statusHandlers({ node: nodes[name], machine: realMachine, startedAtMs: 0, version: "0" }).status;
  return ROUTES.status.response.parse(await status({}, {} as never, NOBODY_LISTENS));
};

test("the status of a healthy node: it is ready, and shows what it proves itself with and what it keeps", async () => {
  const { readiness, coordinator, lasting, storage, jobs, limits } = await statusOf("bank");
  expect(readiness.checks.filter(({ why }) => why !== null)).toEqual([]);
  expect(coordinator).toMatchObject({ connected: true, error: null });
  expect(lasting.map(({ of, renewsAt }) => [of, renewsAt !== null])).toEqual([
    ["certificate", true],
    ["authority", false],
    ["keyset", true],
  ]);
  for (const { validFrom, renewsAt, validUntil } of lasting)
    expect([validFrom, renewsAt ?? validFrom, validUntil].toSorted()).toEqual([
      validFrom,
      renewsAt ?? validFrom,
      validUntil,
    ]);
  const sizes = Object.fromEntries(storage.areas.map(({ area, bytes }) => [area, bytes]));
  expect(storage.store).toEqual({ kind: "sqlite", schema: expect.any(Number) });
  expect([sizes.evidence, sizes.store].every((bytes) => bytes !== null && bytes !== undefined && bytes > 0)).toBe(true);
  expect([jobs, limits.length > 20]).toEqual([[], true]);
});

test("a session is shown at both ends while it is open", async () => {
  const { meetings, peers } = nodes.bank.connected;
  const channel = await meetings.openControl(await peers.require("bureau"));
  const of = async (name: NodeName) => (await statusOf(name)).sessions;
  const control = { kind: "control", jobId: null, way: "relay" };
  await expect.poll(() => of("bank")).toMatchObject([{ ...control, peer: "bureau", openedBy: "this-node" }]);
  await expect.poll(() => of("bureau")).toMatchObject([{ ...control, peer: "bank", openedBy: "peer" }]);
  expect((await of("bank"))[0]?.bytesSent).toBeGreaterThan(0);
  channel.close();
  await expect.poll(async () => [await of("bank"), await of("bureau")]).toEqual([[], []]);
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
