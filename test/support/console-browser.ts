/**
 * A browser for the console's tests. Whatever a page does that a person's browser would complain of is kept as a problem: errors in
 * the console, uncaught errors, violations of the content security policy, requests to anywhere else, requests that fail.
 */
import { existsSync, readdirSync, statSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { en } from "../../party/console/text/en/all.ts";
import { zhCn } from "../../party/console/text/zh-CN/all.ts";
import type { ErrorCode } from "../../proto/errors.ts";
import type { Language } from "../../proto/language.ts";

const PLACES = [
  process.env.ENTENTE_CHROMIUM,
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
];
/** Undefined where there is none: then the console is not walked. */
export const CHROMIUM = PLACES.find((path) => path !== undefined && existsSync(path));

const SCREENSHOTS = process.env.ENTENTE_SCREENSHOTS;
const WIDE = { width: 1280, height: 900 };
const NARROW = { width: 390, height: 844 };
const SETTLE_MS = 15_000;
const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
const CONSOLE = fileURLToPath(new URL("../../party/console", import.meta.url));
const IN_PAGE = fileURLToPath(new URL("in-page.js", import.meta.url));
const TEXTS = { en, "zh-CN": zhCn };

export interface TabOptions {
  /** Where the node serves its console. */
  readonly url: string;
  /** Undefined: nobody is signed in. */
  readonly token?: string | undefined;
  readonly language: Language;
  /** For the names of screenshots. */
  readonly name: string;
  /** Where a window may go beside the node's own pages: an origin. */
  readonly mayGoTo?: string;
}

export class ConsoleBrowser {
  readonly #browser: Browser;
  /** What was looked at in some language: axe and the order of focus do not depend on the words, only what fits does. */
  readonly #seen = new Set<string>();
  /** Paths of the registry that were looked at, by language: `en /jobs/:jobId`. */
  readonly #looked = new Set<string>();

  private constructor(browser: Browser) {
    this.#browser = browser;
  }

  /** Throws when the console was not built since its sources changed: another one would be walked. */
  static async start(): Promise<ConsoleBrowser> {
    const built = statSync(join(CONSOLE, "gen", "index.html"), { throwIfNoEntry: false })?.mtimeMs ?? 0;
    for (const entry of readdirSync(CONSOLE, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      if (entry.isFile() && /\.(?:tsx?|css)$/.test(path) && statSync(path).mtimeMs > built)
        throw new Error(`the console is older than ${path}: run 'node party/console/build.ts'`);
    }
    if (SCREENSHOTS !== undefined) await mkdir(SCREENSHOTS, { recursive: true });
    // Without a sandbox, since tests run as root in a container; nothing but the node under test is opened.
    const args = [
      "--no-sandbox",
      "--disable-dev-shm-usage",
      "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    ];
    return new ConsoleBrowser(await chromium.launch({ executablePath: CHROMIUM ?? "", args }));
  }

  /** A window of somebody's own, signed in unless there is no token. */
  async open(options: TabOptions): Promise<ConsoleTab> {
    const context = await this.#browser.newContext({
      viewport: WIDE,
      locale: options.language,
      reducedMotion: "reduce",
      acceptDownloads: true,
    });
    await context.addInitScript({ path: AXE });
    await context.addInitScript({ path: IN_PAGE });
    const tab = new ConsoleTab(context, await context.newPage(), options, this);
    await tab.page.goto(options.token === undefined ? options.url : `${options.url}/#token=${options.token}`);
    await tab.settled();
    return tab;
  }

  hasLooked(language: Language, path: string): boolean {
    return this.#looked.has(`${language} ${path}`);
  }

  note(language: Language, path: string): void {
    this.#looked.add(`${language} ${path}`);
  }

  /** Once for each name. */
  isFirstLook(name: string): boolean {
    if (this.#seen.has(name)) return false;
    this.#seen.add(name);
    return true;
  }

  async close(): Promise<void> {
    await this.#browser.close();
  }
}

export class ConsoleTab {
  readonly page: Page;
  readonly language: Language;
  readonly #context: BrowserContext;
  readonly #options: TabOptions;
  readonly #browser: ConsoleBrowser;
  readonly #problems: string[] = [];
  readonly #expected = new Set<ErrorCode>();

  constructor(context: BrowserContext, page: Page, options: TabOptions, browser: ConsoleBrowser) {
    this.#context = context;
    this.page = page;
    this.language = options.language;
    this.#options = options;
    this.#browser = browser;
    page.setDefaultTimeout(SETTLE_MS);
    this.#listen();
  }

  /** A text of the console in the tab's language, as `t("jobs.title")`. Throws when there is none. */
  t(key: string, values: Readonly<Record<string, string | number>> = {}): string {
    const text = key
      .split(".")
      .reduce<unknown>((at, part) => (at as Record<string, unknown> | undefined)?.[part], TEXTS[this.language]);
    if (typeof text !== "string") throw new Error(`there is no text ${key}`);
    return text.replaceAll(/\{\{(\w+)\}\}/g, (_, name: string) => String(values[name]));
  }

  /** To a page by its address, as `/jobs`, without loading the console anew. */
  async go(path: string): Promise<void> {
    await this.page.evaluate(`location.hash = ${JSON.stringify(path)}`);
    await this.settled();
  }

  /** Nothing loads any more. */
  async settled(): Promise<void> {
    const loading = await this.page.evaluate<string>(`consoleLook.settled(${SETTLE_MS})`);
    if (loading !== "") throw new Error(`${this.page.url()} still loads: ${loading}`);
  }

  /** An answer with one of these is no problem from now on. */
  expect(...codes: readonly ErrorCode[]): void {
    for (const code of codes) this.#expected.add(code);
  }

  /**
   * Looks at the page as it is now: axe, the focus of all that has one, that 390 px are enough, and a screenshot at both widths where
   * `ENTENTE_SCREENSHOTS` names a folder. `name`: the page's path in the registry, and in what state it is where there are several, as
   * `/jobs/:jobId` and `/jobs/:jobId running`. Every page and dialog of a walk is looked at.
   */
  async look(name: string): Promise<void> {
    await this.settled();
    const { page } = this;
    this.#browser.note(this.language, name.split(" ")[0] as string);
    await this.#shoot(name, WIDE.width);
    const problems: string[] = [];
    if (this.#browser.isFirstLook(name)) {
      problems.push(...(await this.#ask("axe")));
      // After a click a browser marks what a script focuses no more, until a key is pressed.
      await page.keyboard.press("F9");
      problems.push(...(await this.#ask("focus")));
    }
    await page.setViewportSize(NARROW);
    problems.push(...(await this.#ask("overflow")).map((what) => `at ${NARROW.width} px: ${what}`));
    await this.#shoot(name, NARROW.width);
    await page.setViewportSize(WIDE);
    this.#problems.push(...problems.map((what) => `${name}: ${what}`));
  }

  /** In this language, by this walk or an earlier one. */
  hasLooked(path: string): boolean {
    return this.#browser.hasLooked(this.language, path);
  }

  /** The element that has the focus. */
  focused(): Promise<string> {
    return this.page.evaluate("consoleLook.focused()");
  }

  /** All so far. */
  problems(): readonly string[] {
    return [...new Set(this.#problems)];
  }

  async close(): Promise<void> {
    await this.#context.close();
  }

  #ask(question: "axe" | "focus" | "overflow"): Promise<string[]> {
    return this.page.evaluate(`consoleLook.${question}()`);
  }

  async #shoot(name: string, width: number): Promise<void> {
    if (SCREENSHOTS === undefined) return;
    const state = name === "/" ? "start" : name.replaceAll(/[^a-z0-9]+/gi, "-").replaceAll(/^-|-$/g, "");
    const path = join(SCREENSHOTS, `${this.#options.name}-${state}-${width}.png`);
    await this.page.screenshot({ path, fullPage: true });
  }

  #listen(): void {
    const { origin } = new URL(this.#options.url);
    const told = (what: string) => void this.#problems.push(what);
    this.#context.on("weberror", (thrown) => told(`uncaught: ${thrown.error().message}`));
    this.#context.on("console", (message) => {
      // Of answers with an error: those are looked at below.
      if (message.text().startsWith("Failed to load resource")) return;
      if (message.type() === "error" || message.type() === "warning") told(`console: ${message.text()}`);
    });
    this.#context.on("request", (request) => {
      const url = new URL(request.url());
      const isOwn = url.origin === origin || ["blob:", "data:", "about:"].includes(url.protocol);
      const isGoing = request.isNavigationRequest() && url.origin === this.#options.mayGoTo;
      if (!isOwn && !isGoing) told(`a request to ${url.origin}`);
    });
    this.#context.on("requestfailed", (request) => {
      // A page that is left asks no further.
      const { errorText = "" } = request.failure() ?? {};
      if (errorText !== "net::ERR_ABORTED") told(`${request.method()} ${request.url()}: ${errorText}`);
    });
    this.#context.on("response", async (response) => {
      if (response.status() < 400) return;
      const body = (await response.json().catch(() => ({}))) as { error?: { code?: ErrorCode; detail?: string } };
      const { code = "INTERNAL", detail = "" } = body.error ?? {};
      if (this.#expected.has(code)) return;
      told(
        `${response.request().method()} ${new URL(response.url()).pathname}: ${response.status()} ${code} ${detail}`,
      );
    });
  }
}
