/** Every command of the auditor's guide, as it stands there, over the evidence of a bank and a bureau in this process. */
import { globSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { demoAgreement, generous } from "../support/demo-agreement.ts";
import { GuideShell, readGuide } from "../support/guide.ts";
import { GuideWorld } from "../support/guide-world.ts";
import { REPAYMENTS, range, writePeople } from "../support/people.ts";

const GUIDE = await readGuide("auditors-afternoon");

let world: GuideWorld;
let shell: GuideShell;

beforeAll(async () => {
  world = await GuideWorld.start();
  const cat = async (args: readonly string[]) => {
    const texts = args.flatMap((arg) => globSync(arg)).map((path) => readFile(path, "utf8"));
    return { stdout: (await Promise.all(texts)).join("") };
  };
  shell = new GuideShell({ ...world.programs, cat });
  const [bank, bureau] = [await world.client("bank"), await world.client("bureau")];
  const ids = [{ column: "phone", normaliser: "phone-e164" as const }];
  const data = join(world.folder, "data");
  const path = await writePeople(join(data, "a.csv"), range(0, 1_000));
  await bank.call("registerDataset", { name: "customers", path, ids });
  const other = await writePeople(join(data, "b.csv"), range(300, 1_300), REPAYMENTS);
  await bureau.call("registerDataset", { name: "repayments", path: other, ids });
  const { digest } = await bank.call("proposeAgreement", { document: demoAgreement(generous()) });
  await bureau.call("signAgreement", { digest: digest as never });
  const request = { operation: "audience", agreement: digest, dataset: "customers", peerDataset: "repayments" };
  const job = await bank.call("startJob", { ...request, tag: { key: "joint", value: "yes" } } as never);
  expect(await bank.waitForJob(job.jobId)).toMatchObject({ state: "done" });
  await bureau.waitForJob(job.jobId);
  const [first] = (await bank.call("collaborations", {})).collaborations;
  const collaboration = first?.collaboration as string;
  Object.assign(shell.names, { JOB: job.jobId, COLLABORATION: collaboration });
  // What the auditor hears by telephone.
  const { fingerprints } = await bank.call("checkpoints", { collaboration });
  const lines = fingerprints.map(({ party, fingerprint }) => `${fingerprint} # ${party}\n`);
  await writeFile("fingerprints.txt", lines.join(""));
});
afterAll(() => world.close());

test.each(GUIDE.blocks)("$section", async ({ words, lines }) => {
  for (const line of lines) {
    const { stdout } = await shell.expect(line, words.includes("incomplete") ? 2 : 0);
    if (line.startsWith("entente audit verify") && !words.includes("incomplete")) expect(stdout).toContain("VERIFIED");
  }
});

test("one changed byte in a file that was taken away is found", async () => {
  const text = await readFile("bank.jsonl", "utf8");
  const at = text.indexOf("/tile/entries/") - 200;
  const other = text[at] === "A" ? "B" : "A";
  await writeFile("changed.jsonl", text.slice(0, at) + other + text.slice(at + 1));
  const { code, stdout } = await shell.run("entente audit verify changed.jsonl bureau.jsonl --trust fingerprints.txt");
  expect([code, stdout.includes("TAMPERED")]).toEqual([1, true]);
});
