/** The API's OpenAPI document: that it is one, and that it says what the server and the client go by. */
import { expect, test } from "vitest";
import * as z from "zod";
import { CATALOGUE } from "../../proto/errors.ts";
import { ANSWER_EXAMPLES, REQUEST_EXAMPLES } from "../../proto/http/examples.ts";
import { type Operation, openApiDocument } from "../../proto/http/openapi.ts";
import { ANYBODY, type Route } from "../../proto/http/route.ts";
import { ROUTES, type RouteName } from "../../proto/http/routes.ts";
import { EntenteClient } from "../../sdk/client.ts";
import { runnable } from "../support/published-schema.ts";

const NAMES = Object.keys(ROUTES) as RouteName[];
const document = openApiDocument("1.2.3");
const operations = new Map<
  RouteName,
  { readonly path: string; readonly method: string; readonly operation: Operation }
>(
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => [operation.operationId, { path, method, operation }] as const),
  ),
);

function operationOf(name: RouteName): {
  readonly path: string;
  readonly method: string;
  readonly operation: Operation;
} {
  const found = operations.get(name);
  if (found === undefined) throw new RangeError(`the document has no ${name}`);
  return found;
}

// OpenAPI 3.1.1 section 4: the fields of each object, and no others but extensions.
const extension = z.record(z.templateLiteral(["x-", z.string()]), z.unknown());
const object = <T extends z.core.$ZodShape>(shape: T) =>
  z.looseObject(shape).refine((value) => {
    const others = Object.keys(value).filter((key) => !Object.hasOwn(shape, key));
    return extension.safeParse(Object.fromEntries(others.map((key) => [key, null]))).success;
  }, "a field that the specification does not have");
const schema = z.record(z.string(), z.unknown());
const reference = z.strictObject({ $ref: z.string().startsWith("#/components/") });
const header = z.union([reference, object({ description: z.string().optional(), schema })]);
const content = z.record(
  z.string().regex(/^[a-z]+\/[a-z0-9.+-]+$/),
  object({ schema: schema.optional(), example: z.unknown().optional() }),
);
const response = z.union([
  reference,
  object({ description: z.string(), headers: z.record(z.string(), header).optional(), content: content.optional() }),
]);
const operation = object({
  operationId: z.string(),
  tags: z.array(z.string()),
  summary: z.string(),
  description: z.string().optional(),
  security: z.array(z.record(z.string(), z.array(z.string()))),
  parameters: z.array(
    object({
      name: z.string(),
      in: z.enum(["path", "query", "header"]),
      required: z.boolean().optional(),
      description: z.string().optional(),
      schema,
    }),
  ),
  requestBody: object({ required: z.boolean(), content }).optional(),
  responses: z.record(z.string().regex(/^([1-5]\d\d|default)$/), response),
});
const form = object({
  openapi: z.string().regex(/^3\.1\.\d+$/),
  info: object({
    title: z.string(),
    version: z.string(),
    description: z.string(),
    license: object({ name: z.string(), identifier: z.string() }),
  }),
  servers: z.array(object({ url: z.string(), description: z.string() })),
  tags: z.array(object({ name: z.string() })),
  paths: z.record(z.string().startsWith("/"), object({ get: operation.optional(), post: operation.optional() })),
  components: object({
    schemas: z.record(z.string().regex(/^[A-Za-z0-9._-]+$/), schema),
    responses: z.record(z.string(), response),
    headers: z.record(z.string(), header),
    securitySchemes: z.record(z.string(), object({ type: z.literal("http"), scheme: z.literal("bearer") })),
  }),
});

test("the document has the form of OpenAPI 3.1", () => {
  expect(form.parse(document)).toBeDefined();
  expect(form.safeParse({ ...document, routes: [] }).success).toBe(false);
});

test("every reference in it leads somewhere", () => {
  const references = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map(([, target]) => target as string);
  const lost = references.filter((target) => {
    let at: unknown = document;
    for (const part of target.split("/").slice(1)) at = (at as Record<string, unknown> | undefined)?.[part];
    return at === undefined;
  });
  expect(references.length).toBeGreaterThan(500);
  expect(lost).toEqual([]);
});

test("its operations are the routes: path, method, roles, files, events", () => {
  expect([...operations.keys()].toSorted()).toEqual(NAMES.toSorted());
  for (const name of NAMES) {
    const route: Route = ROUTES[name];
    const { path, method, operation } = operationOf(name);
    expect([method.toUpperCase(), path.replaceAll(/\{(\w+)\}/g, ":$1")]).toEqual([route.method, route.path]);
    expect(operation.security).toEqual(route.roles === ANYBODY ? [] : route.roles.map((role) => ({ token: [role] })));
    const answer = operation.responses[200] as { content: Record<string, unknown> };
    const types = Object.values(route.file ?? {}).map((type) => type.split(";")[0]);
    const streams = route.events === undefined ? [] : ["text/event-stream"];
    const json = route.response.type === "never" || route.events === "states" ? [] : ["application/json"];
    expect([name, Object.keys(answer.content)]).toEqual([name, [...types, ...json, ...streams]]);
  }
});

test("a route answers with a file or with JSON, and says of a file which types it may have", () => {
  const isFile = (name: RouteName) => (ROUTES[name].response as z.ZodType).type === "never";
  expect(NAMES.filter((name) => "file" in ROUTES[name])).toEqual(NAMES.filter(isFile));
});

test("summaries are a line without a full stop", () => {
  for (const name of NAMES) expect(ROUTES[name].summary).toMatch(/^[A-Z][^\n]{3,90}[^.]$/);
});

test("every code of the catalogue is in it", () => {
  const { ErrorCode } = document.components.schemas as Record<string, { enum: string[] }>;
  expect(ErrorCode?.enum).toEqual(Object.keys(CATALOGUE));
});

/** The parameters and the body of a request that the client makes, as the document puts them. */
async function sentBy(name: RouteName): Promise<{ url: URL; init: RequestInit }> {
  const sent: { url: URL; init: RequestInit }[] = [];
  const fetch = async (url: string, init: RequestInit) => {
    sent.push({ url: new URL(url), init });
    return new Response("{}");
  };
  const client = new EntenteClient({ url: "http://node.test", token: "t", fetch });
  await client.call(name as "node", REQUEST_EXAMPLES[name] as never).catch(() => {});
  return sent[0] as { url: URL; init: RequestInit };
}

test("what the client sends is what the document asks for", async () => {
  for (const name of NAMES) {
    const { path, method, operation } = operationOf(name);
    const { url, init } = await sentBy(name);
    const inPath = new RegExp(`^${path.replaceAll(/\{(\w+)\}/g, "(?<$1>[^/]+)")}$`).exec(url.pathname);
    expect([name, init.method?.toLowerCase(), inPath !== null]).toEqual([name, method, true]);
    const given: Record<string, Map<string, string>> = {
      path: new Map(Object.entries(inPath?.groups ?? {}).map(([field, text]) => [field, decodeURIComponent(text)])),
      query: new Map(url.searchParams),
      header: new Map(),
    };
    for (const { name: field, in: place, required, schema: fieldSchema } of operation.parameters) {
      const value = given[place as string]?.get(field as string);
      given[place as string]?.delete(field as string);
      if (value === undefined) expect([name, field, required ?? false]).toEqual([name, field, false]);
      else
        expect([name, field, runnable(document, fieldSchema as object).safeParse(value).success]).toEqual([
          name,
          field,
          true,
        ]);
    }
    expect([name, given.path?.size, given.query?.size]).toEqual([name, 0, 0]);
    const body = operation.requestBody as { content: Record<string, { schema: object; example: unknown }> } | undefined;
    const published = body?.content["application/json"];
    const asked = published === undefined ? z.strictObject({}) : runnable(document, published.schema);
    const told: unknown = init.body === undefined ? {} : JSON.parse(String(init.body));
    expect([name, asked.safeParse(told).error]).toEqual([name, undefined]);
    if (published !== undefined) expect(published.example).toEqual(told);
  }
});

test("a body refused by the document is refused by the server", () => {
  for (const name of NAMES) {
    const { operation } = operationOf(name);
    const body = operation.requestBody as { content: Record<string, { schema: { $ref: string } }> } | undefined;
    if (body === undefined) continue;
    const [{ schema: asked }] = Object.values(body.content) as [{ schema: { $ref: string } }];
    const published = document.components.schemas?.[asked.$ref.split("/").at(-1) as string] as { required: string[] };
    for (const field of [...published.required, "noSuchField"]) {
      const wrong: Record<string, unknown> = { ...REQUEST_EXAMPLES[name] };
      if (field in wrong) delete wrong[field];
      else wrong[field] = 1;
      expect([name, field, ROUTES[name].request.safeParse(wrong).success]).toEqual([name, field, false]);
    }
  }
});

test("the examples of answers are of the routes' form, as published too", () => {
  const names = Object.keys(ANSWER_EXAMPLES) as (keyof typeof ANSWER_EXAMPLES)[];
  expect(names.length).toBeGreaterThan(2);
  for (const name of names) {
    const { content } = operationOf(name).operation.responses[200] as {
      content: Record<string, { schema: object; example: unknown }>;
    };
    const { schema: published, example } = content["application/json"] as { schema: object; example: unknown };
    expect((ROUTES[name].response as z.ZodType).safeParse(example).error).toBeUndefined();
    expect(runnable(document, published).safeParse(example).error).toBeUndefined();
  }
});
