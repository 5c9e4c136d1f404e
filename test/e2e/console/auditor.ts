/** The auditor's afternoon in the console: the log, one job's entries, a proof, checkpoints, the check, and what is taken away. */
import { readFile } from "node:fs/promises";
import { expect } from "vitest";
import { utf8 } from "../../../proto/encoding/bytes.ts";
import { readBundle } from "../../../proto/evidence/bundle.ts";
import { KEYSETS_PATH } from "../../../proto/evidence/export.ts";
import { headline } from "../../../proto/evidence/verdict.ts";
import { verifyProof } from "../../../sdk/verify/prove.ts";
import type { ConsoleTab } from "../../support/console-browser.ts";
import type { ConsoleWorld } from "../../support/console-world.ts";

export async function walkAuditor(tab: ConsoleTab, { jobs }: ConsoleWorld): Promise<void> {
  const { page } = tab;
  const button = (key: string) => page.getByRole("button", { name: tab.t(key), exact: true });
  await tab.go("/log");

  // A typing mistake is told beside the field; then one job's entries, and of these the receipt.
  const job = page.getByLabel(tab.t("audit.log.job"), { exact: true });
  await job.fill(`${jobs.audience}0`);
  await button("audit.log.submit").click();
  await page.getByText(tab.t("audit.log.badJob")).waitFor();
  await job.fill(jobs.audience);
  await button("audit.log.submit").click();
  await tab.settled();
  await page.getByRole("link", { name: tab.t("audit.events.opened") }).waitFor();
  await page.getByText(tab.t("audit.did.requested", { name: "setup" })).waitFor();
  await tab.look("/log found");
  await page.getByRole("link", { name: tab.t("audit.events.receipt") }).click();
  await tab.settled();

  // The browser computes the proof by itself; what it saves verifies elsewhere.
  await page.getByText(tab.t("audit.entry.holds")).waitFor();
  await tab.look("/log/:collaboration/:log/:index");
  const proof = await saved(tab, () => button("audit.entry.save").click());
  await button("audit.entry.sameJob").click();
  await tab.settled();
  expect(await page.getByLabel(tab.t("audit.log.job"), { exact: true }).inputValue()).toBe(jobs.audience);

  await page.getByLabel(tab.t("audit.log.event")).selectOption("enrolled");
  await button("audit.log.submit").click();
  await page.getByText(tab.t("audit.log.none")).waitFor();
  await button("audit.log.reset").click();
  await tab.settled();

  await tab.go("/checkpoints");
  await page.locator("summary").first().click();
  await tab.look("/checkpoints");

  await tab.go("/verify");
  await page.getByLabel(tab.t("audit.verify.trust")).fill("# by telephone\nnot a fingerprint");
  await button("audit.verify.run").click();
  await page.getByText(tab.t("audit.verify.badTrust", { line: 2 })).waitFor();
  await page.getByLabel(tab.t("audit.verify.trust")).fill("");
  await button("audit.verify.run").click();
  await page.getByText(headline({ verdict: "incomplete", trusted: false }, tab.language)).waitFor();
  await page.getByText(tab.t("audit.verify.onlyMissing")).waitFor();
  await tab.look("/verify");

  const bundle = await saved(tab, () => button("audit.verify.bundle").click());
  const files = await readBundle([bundle.bytes]);
  const keysets = files.get(KEYSETS_PATH) as Uint8Array;
  expect(verifyProof(proof.bytes, { keysets })).toMatchObject({ verdict: "verified", event: "receipt" });
  expect(proof.name).toMatch(/^bank-\d{4}-receipt\.tlog-proof$/);
  const report = await saved(tab, () => button("audit.verify.report").click());
  expect(report.name).toMatch(/^bank-[0-9a-f]{8}-report\.html$/);
  expect(Buffer.from(report.bytes).includes(utf8(`<html lang="${tab.language}">`))).toBe(true);
}

async function saved(tab: ConsoleTab, click: () => Promise<void>): Promise<{ name: string; bytes: Uint8Array }> {
  const [download] = await Promise.all([tab.page.waitForEvent("download"), click()]);
  return { name: download.suggestedFilename(), bytes: new Uint8Array(await readFile(await download.path())) };
}
