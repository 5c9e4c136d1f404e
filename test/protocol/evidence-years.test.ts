/** A new year: the nodes' logs are followed by others, keys change in between, and an auditor reads them as one story. */
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { exportAudit } from "../../coordinator/main.ts";
import { exportEvidence } from "../../party/evidence/export.ts";
import { type Digest, partyId } from "../../proto/ids.ts";
import { reportOf } from "../../sdk/verify/report.ts";
import { examineFolders } from "../../sdk/verify/verify.ts";
import { MemoryFiles } from "../support/memory-files.ts";
import { REPAYMENTS, range, writePeople } from "../support/people.ts";
import { COLLABORATION, DAY_MS, Times } from "../support/policy-nodes.ts";
import { TwoNodes } from "../support/two-nodes.ts";

const times = new Times();
const thisYear = new Date().getUTCFullYear();
let nodes: TwoNodes;
let agreement: Digest;

beforeAll(async () => {
  nodes = await TwoNodes.start({
    // The year is over in a moment here: nothing has the time to be renewed.
    coordinatorLimits: { certificateMs: 500 * DAY_MS },
    bank: { ports: times.portsOf("bank") },
    bureau: { ports: times.portsOf("bureau") },
  });
  const data = join(nodes.coordinator.folder, "data");
  await nodes.register({
    bank: await writePeople(join(data, "bank.csv"), range(0, 1_000)),
    bureau: await writePeople(join(data, "bureau.csv"), range(200, 1_200), { ...REPAYMENTS, SALARY: () => 1 }),
  });
  agreement = await nodes.agree();
});
afterAll(() => nodes.close());

async function examine() {
  const files = new MemoryFiles();
  for (const node of [nodes.bank, nodes.bureau])
    for (const { path, bytes } of await exportEvidence(node.connected, COLLABORATION))
      files.contents.set(`/audit/${node.keyring.party}/${path}`, new Uint8Array(bytes));
  for (const { path, bytes } of await exportAudit({ folder: nodes.coordinator.folder, collaboration: COLLABORATION }))
    files.contents.set(`/audit/coordinator/${path}`, new Uint8Array(bytes));
  return examineFolders(["/audit"], { files, requireOpenings: true });
}

const exchange = () => nodes.bank.connected.witnessing.exchange(COLLABORATION, partyId("bureau"));

test("two logs of each party, with a job in each and a rotation of keys, verify as one", async () => {
  expect((await nodes.run({ agreement })).bank.state).toBe("done");
  await nodes.bank.rotateKeys();
  await exchange();
  const aheadMs = Date.UTC(thisYear + 1, 0, 2) - Date.now();
  times.both(aheadMs);
  nodes.coordinator.aheadMs = aheadMs;
  await exchange();
  await nodes.bureau.connected.witnessing.exchange(COLLABORATION, partyId("bank"));
  expect((await nodes.run({ agreement })).bank.state).toBe("done");
  await exchange();
  const examination = await examine();
  expect([examination.report.verdict, examination.report.problems]).toEqual(["verified", []]);
  const origins = new Set(examination.report.summary.logs.map(({ origin }) => origin));
  for (const party of ["bank", "bureau"])
    for (const year of [thisYear, thisYear + 1]) expect(origins).toContain(`${party}/${COLLABORATION}/${year}`);
  expect(examination.report.summary.jobs).toHaveLength(2);
  const { jobs } = reportOf(examination);
  expect(jobs.map(({ outcome }) => outcome)).toEqual(["opened", "opened"]);
});
