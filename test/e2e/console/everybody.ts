/** What everybody finds, whatever the role: each page of the navigation, by its link and by the keyboard. */
import { expect } from "vitest";
import type { Role } from "../../../proto/http/route.ts";
import type { ConsoleTab } from "../../support/console-browser.ts";
import { PAGES } from "../../support/console-pages.ts";

/** Every page of the role that needs nothing in its address. */
export async function walkPages(tab: ConsoleTab, role: Role): Promise<void> {
  for (const { path, roles } of PAGES) {
    if (path.includes(":") || !roles.includes(role)) continue;
    await tab.go(path);
    await tab.look(path);
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
