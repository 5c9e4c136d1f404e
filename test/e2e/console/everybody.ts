/** What everybody finds, whatever the role: each page of the navigation, by its link and by the keyboard. */
import { expect } from "vitest";
import type { Role } from "../../../proto/http/route.ts";
import type { ConsoleTab } from "../../support/console-browser.ts";
import { PAGES } from "../../support/console-pages.ts";
import { BANK_SEGMENT, type ConsoleWorld } from "../../support/console-world.ts";

/** The page's address in the world; undefined for one that only a walk can find. */
function addressOf(path: string, { agreement, jobs }: ConsoleWorld): string | undefined {
  const [, topic] = path.split("/");
  const names: Readonly<Record<string, string>> = { datasets: "customers", segments: BANK_SEGMENT };
  const values: Readonly<Record<string, string | undefined>> = {
    ...{ ":jobId": jobs.report, ":digest": agreement, ":party": "bureau" },
    ":name": names[topic ?? ""],
  };
  const parts = path.split("/").map((part) => (part.startsWith(":") ? values[part] : part));
  return parts.includes(undefined) ? undefined : parts.join("/");
}

/**
 * Every page of the roles: none asks the node for what they may not. Those that nobody has looked at in this language are looked at.
 */
export async function walkPages(tab: ConsoleTab, world: ConsoleWorld, of: readonly Role[]): Promise<void> {
  for (const { path, roles } of PAGES) {
    const address = addressOf(path, world);
    if (address === undefined || !roles.some((role) => of.includes(role))) continue;
    await tab.go(address);
    expect(await tab.page.title(), path).not.toContain(tab.t("shell.noPage"));
    if (!tab.hasLooked(path)) await tab.look(path);
  }
}

/** From the address bar on by keys alone: past the navigation into the page, and along the navigation to another one. */
export async function walkByKeyboard(tab: ConsoleTab): Promise<void> {
  const { page } = tab;
  await tab.go("/");
  await page.reload();
  await tab.settled();
  await page.keyboard.press("Tab");
  expect(await tab.focused()).toContain(tab.t("shell.skip"));
  await page.keyboard.press("Enter");
  expect(await tab.focused()).toContain("#console-page");
  const name = (await page.locator("#console-menu a").last().textContent()) ?? "";
  await page.reload();
  await tab.settled();
  for (let presses = 0; !(await tab.focused()).includes(name); presses++) {
    expect(presses, `presses of Tab until "${name}" has the focus`).toBeLessThan(30);
    await page.keyboard.press("Tab");
  }
  await page.keyboard.press("Enter");
  await tab.settled();
  expect(await page.locator("#console-menu a[aria-current='page']").textContent()).toBe(name);
}

/** To a page whose file does not come, as while the node is away or after it got a newer version: it says so, and others work. */
export async function walkPastUnloaded(tab: ConsoleTab): Promise<void> {
  const { page } = tab;
  await page.route("**/assets/jobs-page-*.js", (route) => route.abort());
  await page
    .locator("#console-menu")
    .getByRole("link", { name: tab.t("nav.pages.jobs"), exact: true })
    .click();
  await page.getByRole("heading", { name: tab.t("shell.notShown") }).waitFor();
  await tab.go("/datasets");
  expect(await page.title()).toContain(tab.t("datasets.title"));
}
