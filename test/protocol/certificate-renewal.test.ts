/** Nodes renew their certificates while a job runs, and come back when they were off until theirs had expired. */
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { toHex } from "../../proto/encoding/bytes.ts";
import { nodePorts } from "../../proto/ports/node.ts";
import type { Timers } from "../../proto/ports/ports.ts";
import { codeOf } from "../support/coordinator.ts";
import { REPAYMENTS, range, writePeople } from "../support/people.ts";
import { TwoNodes } from "../support/two-nodes.ts";

const DAY = 86_400_000;
let nodes: TwoNodes;
/** Of the bureau: how far its clock is ahead, and what its node does once a minute. */
let aheadMs = 0;
let upkeep: () => void = () => undefined;
let isUpkeep = true;
const UPKEEP_MS = 60_000;
beforeAll(async () => {
  const clock = { ...nodePorts.clock, nowMs: () => nodePorts.clock.nowMs() + aheadMs };
  const after: Timers["after"] = (delayMs, run) => {
    // Jobs have timers of that length, too.
    if (delayMs !== UPKEEP_MS || !isUpkeep) return nodePorts.timers.after(delayMs, run);
    upkeep = () => {
      isUpkeep = true;
      run();
      isUpkeep = false;
    };
    return () => undefined;
  };
  nodes = await TwoNodes.start({ bureau: { ports: { ...nodePorts, clock, timers: { after } } } });
  isUpkeep = false;
  const data = join(nodes.coordinator.folder, "data");
  await nodes.register({
    bank: await writePeople(join(data, "bank.csv"), range(0, 1_000)),
    bureau: await writePeople(join(data, "bureau.csv"), range(200, 1_200), { ...REPAYMENTS, SALARY: () => 1 }),
  });
});
afterAll(() => nodes.close());

test("a job goes on while both nodes renew their certificates, again and again", async () => {
  const agreement = await nodes.agree();
  let isOver = false;
  const job = nodes.run({ agreement }).finally(() => {
    isOver = true;
  });
  let renewals = 0;
  while (!isOver && renewals < 4) {
    for (const node of [nodes.bank, nodes.bureau]) await node.connected.renewal.renew();
    renewals++;
    await new Promise((done) => setTimeout(done, 30));
  }
  const { bank, bureau } = await job;
  expect([bank.state, bureau.state]).toEqual(["done", "done"]);
  expect(renewals).toBeGreaterThan(1);
  await nodes.untilOnline();
  const kept = await nodePorts.files.read(join(nodes.folder("bank"), "enrolment.json"));
  expect(Buffer.from(kept ?? []).includes(JSON.stringify(nodes.bank.connected.renewal.enrolled.certPem))).toBe(true);
  // What is on the disk is what it goes on with.
  await nodes.restart("bank");
  await nodes.bank.connected.link.listParties();
});

/** Looks after the node as each minute does, until it is so. */
async function upkeepUntil(isSo: () => boolean): Promise<void> {
  for (let tries = 0; !isSo(); tries++) {
    expect(tries).toBeLessThan(500);
    upkeep();
    await new Promise((done) => setTimeout(done, 10));
  }
}

test("a node renews its certificate by itself when its time has come", async () => {
  const { renewal } = nodes.bureau.connected;
  const before = renewal.enrolled.certPem;
  aheadMs = 17 * DAY;
  upkeep();
  await nodes.bureau.connected.link.listParties();
  expect(renewal.enrolled.certPem).toBe(before);
  aheadMs = 23 * DAY;
  await upkeepUntil(() => renewal.enrolled.certPem !== before);
  aheadMs = 0;
});

test("a node that was off until its certificate had expired says so, and an invite brings it back as it was", async () => {
  const before = nodes.bureau.connected.renewal.enrolled;
  const identity = toHex(nodes.bureau.keyring.identity.publicKey);
  const { code } = await nodes.coordinator.invite("bureau");
  expect(await codeOf(nodes.bureau.enrol(code))).toBe("ALREADY_EXISTS");
  aheadMs = 31 * DAY;
  expect(nodes.bureau.validity().certificateDaysLeft).toBeLessThan(0);
  expect(await codeOf(nodes.bureau.connected.renewal.renew())).toBe("CERTIFICATE_EXPIRED");
  await nodes.bureau.enrol(code);
  aheadMs = 0;
  const { renewal } = nodes.bureau.connected;
  expect(renewal.enrolled.certPem).not.toBe(before.certPem);
  expect(toHex(nodes.bureau.keyring.identity.publicKey)).toBe(identity);
  await nodes.untilOnline();
  expect((await nodes.bank.peerDatasets("bureau")).map(({ name }) => name)).toEqual(["repayments"]);
});

test("an invite of another coordinator does not take a node away from its own", async () => {
  const other = await TwoNodes.start();
  try {
    const { code } = await other.coordinator.invite("bureau");
    const { certPem } = nodes.bureau.connected.renewal.enrolled;
    expect(await codeOf(nodes.bureau.enrol(code))).toBe("PARTY_NAME_TAKEN");
    expect(nodes.bureau.connected.renewal.enrolled.certPem).toBe(certPem);
  } finally {
    await other.close();
  }
});

test("a node renews its keyset by itself before its year is over", async () => {
  const { keyring } = nodes.bureau;
  expect(keyring.keysets).toHaveLength(1);
  aheadMs = 330 * DAY;
  await upkeepUntil(() => keyring.keysets.length > 1);
  expect(Date.parse(keyring.verifiedKeysets.at(-1)?.validUntil ?? "") - Date.now()).toBeGreaterThan(690 * DAY);
});
