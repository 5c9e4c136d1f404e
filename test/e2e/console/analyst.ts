/** The analyst's main path: data and its health, a segment, an audience and a score from dry run to result, tags. */
import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import type { ConsoleTab } from "../../support/console-browser.ts";
import type { ConsoleWorld } from "../../support/console-world.ts";

const MODEL = fileURLToPath(new URL("../../data/models/default-risk.json", import.meta.url));

export async function walkAnalyst(tab: ConsoleTab, world: ConsoleWorld): Promise<void> {
  await walkData(tab);
  const segment = await walkSegment(tab);
  await walkAudience(tab, segment);
  await walkScore(tab);
  await walkReport(tab, world);
  await walkTags(tab);
}

function press(tab: ConsoleTab, key: string): Promise<void> {
  return tab.page.getByRole("button", { name: tab.t(key), exact: true }).click();
}

function field(tab: ConsoleTab, key: string) {
  return tab.page.getByLabel(tab.t(key), { exact: true });
}

async function walkData(tab: ConsoleTab): Promise<void> {
  await tab.go("/datasets");
  await tab.page.getByRole("link", { name: "customers", exact: true }).click();
  await tab.look("/datasets/:name");
  await tab.go("/datasets/customers/again");
  await press(tab, "datasets.form.check");
  await tab.page.getByText(tab.t("datasets.check.title")).waitFor();
  await tab.look("/datasets/:name/again checked");
}

/** Its name: another in each language. */
async function walkSegment(tab: ConsoleTab): Promise<string> {
  const name = `from-thirty-${tab.language.toLowerCase()}`;
  await tab.go("/datasets/customers/segment");
  await field(tab, "segments.form.name").fill(name);
  await field(tab, "segments.form.column").selectOption("AGE");
  await field(tab, "segments.form.operator").selectOption(">=");
  await field(tab, "segments.form.value").fill("30");
  await tab.look("/datasets/:name/segment");
  await press(tab, "segments.form.submit");
  await press(tab, "segments.count");
  await tab.settled();
  await tab.look("/segments/:name");
  return name;
}

async function walkAudience(tab: ConsoleTab, segment: string): Promise<void> {
  await tab.go("/audience");
  await press(tab, "run.dryRun");
  expect(await tab.page.getByRole("alert").innerText()).toContain(tab.t("run.errors.tagKey"));
  await field(tab, "run.segment").selectOption(segment);
  await field(tab, "run.tagKey").fill("marketing:joint-audience");
  await field(tab, "run.tagValue").fill("spring");
  // More days than were agreed on.
  await field(tab, "run.days").fill("900");
  await press(tab, "run.dryRun");
  await tab.page.getByText(tab.t("run.refused")).waitFor();
  await tab.look("/audience refused");
  await field(tab, "run.days").fill("30");
  await tab.page.getByText(tab.t("run.again")).waitFor();
  await press(tab, "run.dryRun");
  await tab.page.getByText(tab.t("run.allowed"), { exact: true }).waitFor();
  await tab.look("/audience allowed");
  await press(tab, "run.start");
  await tab.page.getByRole("heading", { name: tab.t("jobs.job.done") }).waitFor();
  await tab.look("/jobs/:jobId");
}

async function walkScore(tab: ConsoleTab): Promise<void> {
  await tab.go("/score");
  await field(tab, "run.model").setInputFiles(MODEL);
  await field(tab, "run.output").selectOption("tier");
  await field(tab, "run.tagKey").fill(`risk:default-${tab.language.toLowerCase()}`);
  await press(tab, "run.dryRun");
  await tab.page.getByText(tab.t("run.allowed"), { exact: true }).waitFor();
  await tab.look("/score allowed");
  await press(tab, "run.start");
  await tab.page.getByRole("img", { name: tab.t("jobs.job.tiers") }).waitFor();
  await tab.look("/jobs/:jobId tiers");
}

async function walkReport(tab: ConsoleTab, world: ConsoleWorld): Promise<void> {
  await tab.go(`/jobs/${world.jobs.report}`);
  await tab.page.getByRole("heading", { name: tab.t("jobs.report.title") }).waitFor();
  await tab.look("/jobs/:jobId report");
  const saved = tab.page.waitForEvent("download");
  await press(tab, "jobs.download.html");
  expect((await saved).suggestedFilename()).toMatch(/^report-[0-9a-f]{8}\.html$/);
}

async function walkTags(tab: ConsoleTab): Promise<void> {
  await tab.go("/tag-catalogue");
  await press(tab, "tags.define");
  await tab.look("/tag-catalogue defining");
  await tab.page.keyboard.press("Escape");
  await tab.go("/tag-history");
  await field(tab, "tags.subject").fill("+8613800138000");
  await press(tab, "tags.look");
  await tab.look("/tag-history answered");
}
