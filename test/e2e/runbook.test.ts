/** Every command of the operators' runbook, as it stands there, against a bank, a bureau and a coordinator in this process. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { demoAgreement } from "../support/demo-agreement.ts";
import { brokenLinks, GuideShell, readGuide } from "../support/guide.ts";
import { GuideWorld } from "../support/guide-world.ts";
import { REPAYMENTS, range, writePeople } from "../support/people.ts";

const RUNBOOK = await readGuide("runbook");
/** Refused here, where nothing is wrong, and the runbook says so. */
const REFUSED = ["entente evidence resume", "entente evidence recover"];

let world: GuideWorld;
let shell: GuideShell;

beforeAll(async () => {
  world = await GuideWorld.start();
  shell = new GuideShell(world.programs);
  const [bank, bureau] = [await world.client("bank"), await world.client("bureau")];
  const ids = [{ column: "phone", normaliser: "phone-e164" as const }];
  const data = join(world.folder, "data");
  const files = [
    await writePeople(join(data, "a.csv"), range(0, 1_000)),
    await writePeople(join(data, "b.csv"), range(300, 1_300), REPAYMENTS),
  ];
  await bank.call("registerDataset", { name: "customers", path: files[0] as string, ids });
  await bureau.call("registerDataset", { name: "repayments", path: files[1] as string, ids });
  const agree = async (changes: Record<string, unknown>) => {
    const { digest } = await bank.call("proposeAgreement", { document: demoAgreement(changes) });
    await bureau.call("signAgreement", { digest: digest as never });
    return digest;
  };
  shell.names.AGREEMENT = await agree({ title: "To be revoked" });
  const { operations } = demoAgreement() as { operations: object[] };
  const approval = { receiver: "every-run", provider: "automatic" };
  const waiting = await agree({ operations: operations.map((operation) => ({ ...operation, approval })) });
  shell.names.WAITING = waiting;
  shell.names.COLLABORATION = (await bank.call("collaborations", {})).collaborations[0]?.collaboration as string;
  shell.names.TOKEN = (await bank.call("createToken", { person: "Wang Li", roles: ["auditor"] } as never)).tokenId;
});
afterAll(() => world.close());

/** What must be so for a section, beside everything being well. */
const SETTINGS: Record<string, () => Promise<void>> = {
  "Stuck approval": async () => {
    const lists = { dataset: "customers", peerDataset: "repayments" };
    const { WAITING: agreement } = shell.names;
    const request = { operation: "audience", agreement, ...lists, tag: { key: "joint", value: "yes" } };
    shell.names.JOB = (await (await world.client("bank")).call("startJob", request as never)).jobId;
  },
};

test.each(RUNBOOK.blocks)("$section", async ({ section, words, lines }) => {
  // Of a folder whose node does not run.
  if (words.includes("stopped")) await world.stopNode("bank");
  else {
    await world.startNode("bank");
    await world.untilConnected("bank");
  }
  await SETTINGS[section]?.();
  for (const line of lines) {
    // A party that was revoked may enrol again when it has noticed.
    if (line.startsWith("entente enroll")) await world.untilConnected("bureau", false);
    const isRefused = REFUSED.some((prefix) => line.startsWith(prefix));
    await shell.expect(line, isRefused ? 1 : 0);
  }
});

test("the links and the metrics of the runbook are there", async () => {
  await world.startNode("bank");
  expect(brokenLinks(RUNBOOK)).toEqual([]);
  const metrics = await (await fetch(`${world.node("bank").opsUrl}/metrics`)).text();
  const named = new Set([...RUNBOOK.text.matchAll(/entente_[a-z_]+/g)].map(([name]) => name));
  expect(named.size).toBeGreaterThan(8);
  expect([...named].filter((name) => !metrics.includes(`# TYPE ${name} `))).toEqual([]);
  expect(existsSync(join(world.folder, "bank-restored", "node.json"))).toBe(true);
});
