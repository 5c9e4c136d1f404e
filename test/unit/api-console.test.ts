/** How the node serves the console's files. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { type StubNode, startStubNode } from "../support/stub-node.ts";

let node: StubNode;
beforeAll(async () => {
  node = await startStubNode();
});
afterAll(() => node.close());

const get = (path: string, init: RequestInit = {}) => fetch(`${node.url}${path}`, init);

test("the page needs no token, is not kept, and may run nothing but its own files", async () => {
  const page = await get("/");
  expect(page.status).toBe(200);
  expect(page.headers.get("content-type")).toBe("text/html; charset=utf-8");
  expect(page.headers.get("cache-control")).toBe("no-store");
  const policy = page.headers.get("content-security-policy")?.split(";");
  for (const rule of ["script-src 'self'", "require-trusted-types-for 'script'", "trusted-types 'none'"])
    expect(policy).toContain(rule);
  const html = await page.text();
  expect(html).not.toMatch(/<style|style=|<script(?![^>]* src="\/assets\/)|https?:/);
});

test("its files are kept for good, since their names change with them", async () => {
  const [script] = /\/assets\/[^"]+\.js/.exec(await (await get("/")).text()) ?? [];
  const answer = await get(script as string);
  expect([answer.status, answer.headers.get("cache-control")]).toEqual([200, "public, max-age=31536000, immutable"]);
  expect(answer.headers.get("content-type")).toMatch(/^text\/javascript/);
});

test.each([
  "/assets",
  "/assets/",
  "/..%2fbuild.ts",
  "/assets/..%2f..%2fbuild.ts",
  "/%2e%2e/build.ts",
  "/main.tsx",
  "/%00",
])("%s is not there", async (path) => {
  const answer = await get(path);
  expect([400, 404]).toContain(answer.status);
  expect(((await answer.json()) as { error: { code: string } }).error.code).toMatch(/^(?:NOT_FOUND|BAD_REQUEST)$/);
});

test("nothing is taken there", async () => {
  expect((await get("/", { method: "POST" })).status).toBe(404);
});
