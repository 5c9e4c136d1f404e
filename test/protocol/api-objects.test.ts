/**
 * Who may reach what by naming it: every route that takes an id, asked by somebody of all roles for objects that are not there, are
 * of another kind, or are the other party's. And that a node's metrics name none of what it holds.
 */
import { join } from "node:path";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openAccess } from "../../party/access/access.ts";
import { handlers } from "../../party/api/handlers.ts";
import { HttpLimits } from "../../party/api/http-limits.ts";
import { type Api, startApi } from "../../party/api/server.ts";
import { realMachine } from "../../party/doctor/machine.ts";
import { watchNode } from "../../party/ops/watch.ts";
import { collaborationOf } from "../../proto/agreement/identity.ts";
import { CATALOGUE, isErrorCode } from "../../proto/errors.ts";
import { ROLES, type Route } from "../../proto/http/route.ts";
import { ROUTES, type RouteName } from "../../proto/http/routes.ts";
import { nodePorts } from "../../proto/ports/node.ts";
import { demoAgreement, generous } from "../support/demo-agreement.ts";
import { REPAYMENTS, range, writePeople } from "../support/people.ts";
import { type NodeName, TwoNodes } from "../support/two-nodes.ts";

const BY_ID = (Object.keys(ROUTES) as RouteName[]).filter((name) => ROUTES[name].path.includes("/:"));
/** A form of ids, of which every node has a list, if an empty one. */
const NO_OBJECT: readonly RouteName[] = ["optOutPage"];
/** What else these need to get past the check of their form. */
const REST: Partial<Record<RouteName, object>> = {
  confirmPeer: { fingerprint: "0123-4567-89ab-cdef-0123-4567-89ab-cdef" },
  acceptSuccession: { fingerprint: "0123-4567-89ab-cdef-0123-4567-89ab-cdef" },
  decideJob: { decision: "approve" },
  jobReportFile: { format: "html" },
  exportResult: { format: "csv" },
  evidenceEntry: { log: "2026", index: "0" },
  auditReport: { format: "json" },
  publishSegment: { version: 1, description: "people", to: ["bureau"] },
};

let nodes: TwoNodes;
let jobId: string;
let agreement: string;
const apis: Record<string, { api: Api; token: string; tokenId: string }> = {};
/** By parameter: what is not there, of another kind, or the other party's. */
let foreign: Record<string, readonly string[]>;

beforeAll(async () => {
  nodes = await TwoNodes.start();
  const data = join(nodes.coordinator.folder, "data");
  await nodes.register({
    bank: await writePeople(join(data, "bank.csv"), range(0, 1_000)),
    bureau: await writePeople(join(data, "bureau.csv"), range(300, 1_300), REPAYMENTS),
  });
  agreement = await nodes.agree(demoAgreement(generous()));
  jobId = (await nodes.run({ agreement: agreement as never })).bank.jobId;
  const definition = { kind: "sql", expression: "phone != ''" } as const;
  await nodes.bureau.segments.define({ name: "own-people", dataset: "repayments", definition }, "analyst");
  for (const name of ["bank", "bureau"] as const) {
    const node = nodes[name];
    const { random, timers } = nodePorts;
    const logger = pino({ level: "silent" });
    const access = openAccess({ store: node.store, random, timers, nowMs: () => node.clock.nowMs(), logger });
    const { token, tokenId } = await access.tokens.create({ person: "All", roles: ROLES, expiresInDays: 1 }, null);
    const limits = new HttpLimits(node.limits, nodePorts.clock);
    const served = { handlers: handlers(node, access, logger, "0"), access, port: 0, logger, random, timers, limits };
    apis[name] = { api: await startApi(served), token, tokenId };
  }
  const job = await nodes.bank.book.require(jobId);
  foreign = {
    jobId: ["0b".repeat(16), collaborationOf(["bank", "bureau"]), agreement.slice(0, 32)],
    digest: ["5f".repeat(32), job.proposed.jobDigest, job.proposed.datasetVersion],
    party: ["nobody", "bank", "coordinator"],
    name: ["repayments", "own-people", "customers", "nothing"],
    collaboration: [jobId, collaborationOf(["bank", "others"]), "00".repeat(16)],
    tokenId: ["00".repeat(8), (apis.bureau as { tokenId: string }).tokenId],
  };
});
afterAll(async () => {
  for (const { api } of Object.values(apis)) await api.close();
  await nodes.close();
});

async function ask(at: NodeName, name: RouteName, id: string): Promise<{ status: number; code: string }> {
  const { method, path }: Route = ROUTES[name];
  const { api, token } = apis[at] as { api: Api; token: string };
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const rest: Record<string, unknown> = { ...REST[name] };
  let isNamed = false;
  const place = path.replaceAll(/:(\w+)/g, (_, parameter: string) => {
    const given = isNamed ? String(rest[parameter]) : id;
    isNamed = true;
    delete rest[parameter];
    return given;
  });
  const query = method === "GET" ? `?${new URLSearchParams(rest as Record<string, string>)}` : "";
  const body = method === "POST" ? { body: JSON.stringify(rest) } : {};
  const response = await fetch(api.url + place + query, { method, headers, ...body });
  const { error } = (await response.json().catch(() => ({}))) as { error?: { code: string } };
  return { status: response.status, code: error?.code ?? "none" };
}

/** All that a wrong name could have changed. */
async function everything(node: TwoNodes["bank"]): Promise<unknown> {
  const { store, book } = node;
  const lists = [store.agreements(), store.revocations(), store.peers(), store.segments(), store.segmentStandings()];
  return [
    await Promise.all(lists),
    (await book.list()).map(({ events }) => events),
    (await store.tokens()).map(({ revokedAt }) => revokedAt),
  ];
}

describe("a name that is not this node's", () => {
  test.each(BY_ID.filter((name) => !NO_OBJECT.includes(name)))("%s", async (name) => {
    const parameter = /:(\w+)/.exec(ROUTES[name].path)?.[1] as string;
    const ids = foreign[parameter];
    if (ids === undefined) throw new Error(`say which names of ":${parameter}" are not the node's own`);
    const before = await everything(nodes.bank);
    for (const id of ids) {
      const { status, code } = await ask("bank", name, id);
      // What its form refuses was never looked up.
      expect([name, id, code]).not.toEqual([name, id, "BAD_REQUEST"]);
      expect([name, id, isErrorCode(code) && CATALOGUE[code].http === status && status >= 400 && status < 500]).toEqual(
        [...[name, id, true]],
      );
    }
    expect(await everything(nodes.bank)).toEqual(before);
  });

  test.each(["jobReport", "jobReportFile", "exportResult", "decideJob"] as const)(
    "a job without one, at both of its nodes: %s",
    async (name) => {
      for (const at of ["bank", "bureau"] as const) {
        const { status, code } = await ask(at, name, jobId);
        expect([at, status >= 400 && status < 500 && code !== "BAD_REQUEST"]).toEqual([at, true]);
      }
    },
  );

  test("the node's own are there", async () => {
    for (const [name, id] of [
      ["job", jobId],
      ["agreement", agreement],
      ["checkpoints", collaborationOf(["bank", "bureau"])],
      ["evidenceEntries", collaborationOf(["bank", "bureau"])],
      ["leakStatement", jobId],
      ["jobTerms", jobId],
    ] as const)
      expect([name, (await ask("bank", name, id)).status]).toEqual([name, 200]);
  });
});

test("metrics tell of jobs, budgets and logs, and no label names a person, a dataset, an id or a place", async () => {
  const { metrics } = watchNode(nodes.bank, realMachine);
  const text = await metrics.text();
  const [agreed, logged] = [agreement.slice(0, 8), collaborationOf(["bank", "bureau"]).slice(0, 8)];
  for (const line of [
    'entente_jobs{role="receiver",state="done"} 1',
    'entente_job_rows{role="receiver"} 1000',
    'entente_job_partitions_finished{role="receiver"} 1',
    `entente_budget_runs_used{agreement="${agreed}",operation="audience"} 1`,
    `entente_evidence_not_open{collaboration="${logged}"} 0`,
    'entente_ready{check="link"} 1',
  ])
    expect(text.split("\n")).toContain(line);
  expect(text).toMatch(new RegExp(`entente_budget_runs_allowed\\{agreement="${agreed}",operation="audience"\\} \\d+`));
  expect(text).toMatch(new RegExp(`entente_evidence_entries\\{collaboration="${logged}"\\} [1-9]`));
  expect(text).toMatch(/entente_job_bytes\{role="receiver",direction="sent"\} [1-9]/);
  expect(text).toMatch(/entente_certificate_days_left\{certificate="party"\} \d/);
  const labels = [...text.matchAll(/="([^"]*)"/g)].map(([, value]) => value as string);
  expect(labels.length).toBeGreaterThan(20);
  expect(labels.filter((value) => !/^[A-Za-z0-9_.+-]{0,40}$/.test(value) || /[0-9a-f]{16}/.test(value))).toEqual([]);
  for (const secret of [jobId, agreement, "customers", "repayments", "phone", nodes.folder("bank"), "Wang Li"])
    expect(text).not.toContain(secret);
});
