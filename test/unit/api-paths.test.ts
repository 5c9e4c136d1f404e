/** What a caller may name: nothing that could be taken for a way out of a folder, in any parameter of any route. */
import { request as httpRequest } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as z from "zod";
import { EntenteError } from "../../proto/errors.ts";
import type { Route } from "../../proto/http/route.ts";
import { ROUTES, type RouteName } from "../../proto/http/routes.ts";
import { STUB_TOKEN, type StubNode, startStubNode } from "../support/stub-node.ts";

const NAMES = Object.keys(ROUTES) as RouteName[];
const parametersOf = (name: RouteName): string[] =>
  [...ROUTES[name].path.matchAll(/:(\w+)/g)].map(([, parameter]) => parameter as string);

/** As they come to the handler. */
const WAYS_OUT = [
  ...[
    "..",
    ".",
    "../../etc/passwd",
    "..\\..\\etc\\passwd",
    "/etc/passwd",
    "a/../../b",
    "./a",
    "a/b",
    "a\\b",
    "~",
    "C:\\a",
  ],
  ...[
    "\0",
    "a\0.csv",
    "\u2025/a",
    "．．／a",
    "..;/a",
    "%2e%2e%2f",
    "%252e%252e",
    "con",
    "a".repeat(5_000),
    " ",
    "-rf",
    "$(id)",
    "`id`",
  ],
];
/** Of those, what is a good name of some things, and no way out. */
const PLAIN = ["con"];

describe("in a path", () => {
  const called: unknown[] = [];
  let node: StubNode;
  beforeAll(async () => {
    const record = async (input: unknown) => {
      called.push(input);
      throw new EntenteError("CANCELLED");
    };
    node = await startStubNode(Object.fromEntries(NAMES.map((name) => [name, record])) as object);
  });
  afterAll(() => node.close());

  /** Not by `fetch`, which takes steps out of a path before it sends it. */
  function ask(method: string, path: string): Promise<number> {
    const { hostname, port } = new URL(node.url);
    const headers = { authorization: `Bearer ${STUB_TOKEN}` };
    return new Promise((resolve, reject) => {
      const sent = httpRequest({ hostname, port, method, path, headers }, (response) => {
        response.resume().on("end", () => resolve(response.statusCode ?? 0));
      });
      sent.on("error", reject).end();
    });
  }

  test.each(NAMES.filter((name) => parametersOf(name).length > 0))("of %s", async (name) => {
    const { method, path } = ROUTES[name];
    for (const way of WAYS_OUT.filter((text) => !PLAIN.includes(text) && text.length < 1_000)) {
      const encoded = [encodeURIComponent(way), encodeURIComponent(encodeURIComponent(way))];
      for (const text of encoded)
        expect([way, await ask(method, path.replaceAll(/:\w+/g, text))]).not.toEqual([way, 409]);
    }
    expect(called).toEqual([]);
  });

  test("a good name of each kind comes through, so that the others could", async () => {
    const good = { jobId: "0b".repeat(16), party: "bureau", name: "people" };
    for (const [parameter, path] of [
      ["jobId", "/v1/jobs/:jobId"],
      ["party", "/v1/peers/:party/datasets"],
      ["name", "/v1/segments/:name"],
    ] as const)
      expect(await ask("GET", path.replace(/:\w+/, good[parameter]))).toBe(409);
    expect(called.splice(0)).toHaveLength(3);
  });
});

/** Text that a person writes, values and columns of the data, and documents: nobody makes a name of a file of them. */
const FREE_TEXT = new Set([
  ...["person", "reason", "purpose", "description", "owner", "invite", "fingerprint", "expression", "query", "note"],
  ...["column", "ids", "idColumns", "values", "value", "valueType", "subject", "after", "labels", "rules", "model"],
  // What a sign-in service wrote into an address, for that service.
  ...["code", "iss", "error"],
  "destination",
]);
/** Of the node's own machine: `party/data` and `party/feeds` hold them to the folders that the operator allows, and a database is
 * looked up among those of the configuration. */
const PLACES = new Set(["path", "table", "url", "folder", "secretFile", "database"]);

/** Every field of text of a form, also within other fields, by name. */
function textFields(form: z.ZodType, name = ""): [string, z.ZodType][] {
  if (form instanceof z.ZodObject)
    return Object.entries(form.shape as Record<string, z.ZodType>).flatMap(([field, inner]) =>
      textFields(inner, field),
    );
  if (form instanceof z.ZodOptional || form instanceof z.ZodNullable || form instanceof z.ZodDefault)
    return textFields(form.unwrap() as z.ZodType, name);
  if (form instanceof z.ZodArray) return textFields(form.element as z.ZodType, name);
  if (form instanceof z.ZodUnion) return (form.options as z.ZodType[]).flatMap((option) => textFields(option, name));
  return form.safeParse("bank").success ||
    form.safeParse("0b".repeat(16)).success ||
    form.safeParse("0b".repeat(32)).success
    ? [[name, form]]
    : [];
}

test("in a query or a body: every field that becomes a name refuses a way out", () => {
  const open: string[] = [];
  let names = 0;
  for (const name of NAMES) {
    const { request }: Route = ROUTES[name];
    for (const [field, form] of textFields(request)) {
      names++;
      if (FREE_TEXT.has(field) || PLACES.has(field)) continue;
      const taken = WAYS_OUT.filter((way) => !PLAIN.includes(way) && form.safeParse(way).success);
      if (taken.length > 0)
        open.push(`${name}.${field}: ${taken.map((way) => JSON.stringify(way.slice(0, 12))).join(" ")}`);
    }
  }
  expect(names).toBeGreaterThan(60);
  expect(open).toEqual([]);
});
