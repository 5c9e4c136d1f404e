/** The partner's steward: signs what was proposed, reads a next version, approves a job, sees what has left the house, and revokes. */
import { expect } from "vitest";
import { sampleAgreement } from "../../../sdk/cli/sample.ts";
import type { ConsoleTab } from "../../support/console-browser.ts";
import type { ConsoleWorld } from "../../support/console-world.ts";
import { generous } from "../../support/demo-agreement.ts";

/** Agreements of the walk's own: other walks go on under the world's. */
function documentOf(title: string, changes: Record<string, unknown> = {}): Record<string, unknown> {
  const document = { ...sampleAgreement(Date.now()), ...generous(), title, ...changes };
  const operations = (document as unknown as { operations: readonly object[] }).operations.map((operation) => ({
    ...operation,
    approval: { provider: "every-run" },
  }));
  return { ...document, operations };
}

export async function walkSteward(tab: ConsoleTab, world: ConsoleWorld): Promise<void> {
  const { page, language } = tab;
  const title = `Autumn campaign (${language})`;
  const button = (key: string) => page.getByRole("button", { name: tab.t(key), exact: true });
  const inDialog = (key: string) => page.locator("dialog[open]").getByRole("button", { name: tab.t(key), exact: true });

  const { digest } = await world.bank.call("proposeAgreement", { document: documentOf(title) });
  await tab.go("/inbox");
  const row = page.getByRole("row").filter({ hasText: title });
  await row.waitFor();
  await tab.look("/inbox to sign");
  await row.getByRole("link", { name: tab.t("govern.inbox.readAndSign") }).click();
  await button("govern.agreement.sign").waitFor();
  await tab.look("/agreements/:digest");
  await button("govern.agreement.sign").click();
  await tab.look("/agreements/:digest sign");
  await inDialog("govern.agreement.sign").click();
  await button("govern.agreement.revoke").waitFor();

  const looser = documentOf(title, { version: 2, supersedes: digest, floors: { result: 60 } });
  const next = await world.bank.call("proposeAgreement", { document: looser });
  await tab.go(`/agreements/${next.digest}`);
  await page.getByText(tab.t("govern.agreement.effects.loosens")).waitFor();
  await tab.look("/agreements/:digest next version");

  const { jobId } = await world.bank.call("startJob", {
    ...{ operation: "audience", agreement: digest, dataset: "customers", peerDataset: "repayments" },
    tag: { key: "marketing:joint", value: "yes" },
  });
  await tab.go("/inbox");
  await button("govern.inbox.approve").waitFor();
  await tab.look("/inbox");
  await button("govern.inbox.approve").click();
  await page.getByLabel(tab.t("govern.inbox.reason")).fill("As agreed");
  await tab.look("/inbox approve");
  await inDialog("govern.inbox.approve").click();
  await page.getByText(tab.t("govern.inbox.noJobs")).waitFor();
  expect((await world.bank.waitForJob(jobId, { pollMs: 100 })).state).toBe("done");

  await tab.go("/released");
  const given = page.getByRole("row").filter({ hasText: title });
  await given
    .getByText(
      tab.t(language === "en" ? "govern.released.byPerson_one" : "govern.released.byPerson_other", { count: 1 }),
    )
    .waitFor();
  await tab.look("/released");
  await tab.go("/publications");
  await button("govern.publications.publish").first().click();
  await page.getByLabel("bank").check();
  await tab.look("/publications publish");
  await inDialog("govern.publications.publish").click();
  await page.locator("dialog[open]").waitFor({ state: "detached" });

  await tab.go(`/agreements/${digest}`);
  await button("govern.agreement.revoke").click();
  await page.getByLabel(tab.t("govern.inbox.reason")).fill("The campaign has ended");
  await tab.look("/agreements/:digest revoke");
  await inDialog("govern.agreement.revoke").click();
  await page.getByText(tab.t("govern.agreements.states.revoked")).first().waitFor();
}
