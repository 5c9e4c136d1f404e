/** Nodes renew their certificates while a job runs, and come back when they were off until theirs had expired. */
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { toHex } from "../../proto/encoding/bytes.ts";
import { nodePorts } from "../../proto/ports/node.ts";
import { codeOf } from "../support/coordinator.ts";
import { REPAYMENTS, range, writePeople } from "../support/people.ts";
import { TwoNodes } from "../support/two-nodes.ts";

const DAY = 86_400_000;
let nodes: TwoNodes;
/** Of the bureau. */
let aheadMs = 0;
beforeAll(async () => {
  const clock = { ...nodePorts.clock, nowMs: () => nodePorts.clock.nowMs() + aheadMs };
  nodes = await TwoNodes.start({ bureau: { ports: { ...nodePorts, clock } } });
  const data = join(nodes.coordinator.folder, "data");
  await nodes.register({
    bank: await writePeople(join(data, "bank.csv"), range(0, 1_200)),
    bureau: await writePeople(join(data, "bureau.csv"), range(200, 1_400), { ...REPAYMENTS, SALARY: () => 1 }),
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
  while (!isOver && renewals < 6) {
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
