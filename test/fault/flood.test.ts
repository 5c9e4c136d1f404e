/** Floods while a job runs: what is new is shed by name, the job ends as if nothing were, and what a flood holds is bounded. */
import { join } from "node:path";
import { pino } from "pino";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openAccess } from "../../party/access/access.ts";
import { handlers } from "../../party/api/handlers.ts";
import { HttpLimits } from "../../party/api/http-limits.ts";
import { type Api, startApi } from "../../party/api/server.ts";
import { toEntenteError } from "../../proto/errors.ts";
import { ROLES } from "../../proto/http/route.ts";
import { type Digest, partyId } from "../../proto/ids.ts";
import { nodePorts } from "../../proto/ports/node.ts";
import type { TestParty } from "../support/coordinator.ts";
import { demoAgreement, generous } from "../support/demo-agreement.ts";
import { REPAYMENTS, range, writePeople } from "../support/people.ts";
import { IdealWorker, startIdealWorker } from "../support/policy-worker.ts";
import { TwoNodes } from "../support/two-nodes.ts";

const MIB = 1024 * 1024;
const LIMITS = { sessionsPerPeer: 3, questionsPerPeerMinute: 40, requestsPerTokenMinute: 15, largeBodiesAtOnce: 2 };

let nodes: TwoNodes;
let agreement: Digest;
let api: Api;
let token: string;
let stranger: TestParty;

beforeAll(async () => {
  nodes = await TwoNodes.start({
    bureau: { limits: LIMITS },
    startWorker: startIdealWorker,
    coordinatorLimits: { callsPerPartyMinute: 100, callsPerPartyAtOnce: 8, handshakesPerAddress: 16 },
  });
  const data = join(nodes.coordinator.folder, "data");
  await nodes.register({
    bank: await writePeople(join(data, "bank.csv"), range(0, 1_200), { limit: (person) => person % 7 }),
    bureau: await writePeople(join(data, "bureau.csv"), range(0, 1_100), REPAYMENTS),
  });
  agreement = await nodes.agree(demoAgreement(generous()));
  stranger = await nodes.coordinator.enrol("stranger");
  const node = nodes.bureau;
  const { random, timers } = nodePorts;
  const logger = pino({ level: "silent" });
  const access = openAccess({ store: node.store, random, timers, nowMs: () => node.clock.nowMs(), logger });
  ({ token } = await access.tokens.create({ person: "Wang Li", roles: ROLES, expiresInDays: 1 }, null));
  const limits = new HttpLimits(node.limits, nodePorts.clock);
  node.limitUses.add(() => limits.used());
  const options = { access, port: 0, logger, random, timers, limits };
  api = await startApi({ handlers: handlers(node, access, logger, "0"), ...options });
});
afterAll(async () => {
  await api.close();
  await nodes.close();
});

/** How often each code came back; "ok" for none. */
async function tally(asks: readonly Promise<unknown>[]): Promise<Record<string, number>> {
  const count: Record<string, number> = {};
  for (const result of await Promise.allSettled(asks)) {
    const answer = result.status === "rejected" ? toEntenteError(result.reason).code : result.value;
    const code = typeof answer === "string" ? answer : "ok";
    count[code] = (count[code] ?? 0) + 1;
  }
  return count;
}

const times = <T>(count: number, ask: () => Promise<T>) => Array.from({ length: count }, ask);

test("of the API, of a peer's sessions and questions, and of the coordinator, all at once", async () => {
  const held = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  IdealWorker.before = async () => {
    begun.resolve();
    await held.promise;
  };
  const job = nodes.run({ agreement });
  await begun.promise;
  const before = process.memoryUsage().rss;

  const { meetings, peers } = nodes.bank.connected;
  const bureau = await peers.require(partyId("bureau"));
  const session = async () => {
    const channel = await meetings.openControl(bureau);
    try {
      for (let i = 0; i < 20; i++) {
        await channel.say({ kind: "describeRequest" });
        await channel.hear(5_000, "describeResponse");
      }
    } finally {
      channel.close();
    }
  };
  const body = JSON.stringify({ model: "x".repeat(2 * MIB) });
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const request = async () => {
    const response = await fetch(`${api.url}/v1/jobs`, { method: "POST", headers, body });
    return ((await response.json()) as { error: { code: string } }).error.code;
  };
  const [sessions, requests, calls] = await Promise.all([
    tally(times(16, session)),
    tally(times(40, request)),
    tally(times(200, () => stranger.link.lookup(partyId("bank")))),
  ]);
  // Some of each were taken, as far as the form of what they asked went; all others were told why not.
  expect(Object.keys(sessions).sort()).toContain("OVERLOADED");
  expect(requests.RATE_LIMITED).toBeGreaterThan(0);
  expect(Object.keys(requests).every((code) => ["RATE_LIMITED", "OVERLOADED", "BAD_REQUEST"].includes(code))).toBe(
    true,
  );
  expect([calls.ok, calls.RATE_LIMITED].every((count = 0) => count > 0)).toBe(true);
  expect((calls.RATE_LIMITED ?? 0) + (calls.OVERLOADED ?? 0) + (calls.ok ?? 0)).toBe(200);

  // What the flood holds of memory is bounded, and let go of.
  expect(process.memoryUsage().rss - before).toBeLessThan(300 * MIB);
  const used = async () => nodes.bureau.limitUses.all();
  await expect.poll(async () => (await used()).sessions).toBe(0);
  expect(await used()).toMatchObject({ requestsAtOnce: 0, largeBodiesAtOnce: 0 });

  IdealWorker.before = async () => {};
  held.resolve();
  const { bank, bureau: served } = await job;
  expect([bank.state, served.state, bank.attempt, bank.summary?.matched]).toEqual(["done", "done", 1, 1_100]);
});
