/**
 * The OpenAPI 3.1 document of a node's API, made of its routes: paths, fields, answers, errors by code, roles, event streams,
 * files and examples. Nothing in it is written by hand that a route says, so that it cannot say anything else.
 */
import { ANSWER_EXAMPLES, REQUEST_EXAMPLES } from "./examples.ts";
import { errorResponses, errorsOf } from "./openapi-errors.ts";
import { type JsonSchema, type RouteSchemas, routeSchemas } from "./openapi-schemas.ts";
import { EVENT_STREAM } from "./progress.ts";
import { ANYBODY, type Route } from "./route.ts";
import { ROUTES, type RouteName } from "./routes.ts";

const JSON_TYPE = "application/json";
const ABOUT = `The HTTP API of a party's node, for its own organisation's people and programs.

Every request, but those of signing in, carries \`Authorization: Bearer <token>\` with a token that the node's operator made. Each token has roles; the
roles that may call an operation are the alternatives of its \`security\`. Errors have one form, \`Error\`: go by its \`code\`.`;

const PROGRESS_EVENTS = `Server-sent events, for who accepts \`${EVENT_STREAM}\`: \`progress\` (data: Progress) while the work goes on,
and in the end \`result\` (data: what is answered as JSON otherwise) or \`error\` (data: Error). A stream that ends without one of
these two broke off.`;
const STATE_EVENTS = `Server-sent events: \`progress\` with each new state and \`result\` with the last (data: the state), or \`error\` (data:
Error). Who comes back sends the last event's id as \`Last-Event-ID\`.`;

export interface OpenApiDocument {
  readonly openapi: string;
  readonly info: JsonSchema;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: Readonly<Record<string, JsonSchema>>;
  readonly [field: string]: unknown;
}

export interface Operation {
  readonly operationId: RouteName;
  readonly parameters: readonly JsonSchema[];
  readonly responses: JsonSchema;
  readonly [field: string]: unknown;
}

/** `version`: of the node that serves it. */
export function openApiDocument(version: string): OpenApiDocument {
  const schemas = routeSchemas();
  const bodies: Record<string, JsonSchema> = {};
  const paths: Record<string, Record<string, Operation>> = {};
  for (const name of Object.keys(ROUTES) as RouteName[]) {
    const { method, path }: Route = ROUTES[name];
    const template = path.replaceAll(/:(\w+)/g, "{$1}");
    paths[template] ??= {};
    (paths[template] as Record<string, Operation>)[method.toLowerCase()] = operationOf(name, schemas, bodies);
  }
  const all = { ...bodies, ...schemas.components };
  return {
    openapi: "3.1.1",
    info: {
      title: "Entente node",
      version,
      description: ABOUT,
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: "/", description: "The node that serves this document" }],
    tags: [...new Set(Object.keys(paths).map(tagOf))].map((name) => ({ name })),
    paths,
    components: {
      schemas: Object.fromEntries(Object.entries(all).toSorted(([a], [b]) => (a < b ? -1 : 1))),
      responses: errorResponses(),
      headers: {
        RequestId: { description: "The node's log has this id, too.", schema: { type: "string" } },
        RetryAfter: { description: "Seconds.", schema: { type: "integer", minimum: 0 } },
      },
      securitySchemes: { token: { type: "http", scheme: "bearer" } },
    },
  };
}

/** Of the first part of its path: `/v1/jobs/{jobId}` belongs to `jobs`. */
function tagOf(path: string): string {
  return (path.split("/")[2] as string).replace(/\.json$/, "");
}

function operationOf(name: RouteName, schemas: RouteSchemas, bodies: Record<string, JsonSchema>): Operation {
  const { method, path, summary, description, roles, events }: Route = ROUTES[name];
  const { fixed, rest } = fieldsOf(path, schemas.request(name).schema);
  const isPost = method === "POST";
  const lastEventId = { name: "last-event-id", in: "header", schema: { type: "string" } };
  const parameters = [
    ...fixed.map(([field, schema]) => ({ ...parameter(field, schema), in: "path", required: true })),
    ...(isPost
      ? []
      : rest.fields.map(([field, schema]) => ({
          ...parameter(field, schema),
          in: "query",
          required: rest.required.includes(field),
        }))),
    ...(events === "states" ? [lastEventId] : []),
  ];
  return {
    operationId: name,
    tags: [tagOf(path)],
    summary,
    ...(description === undefined ? {} : { description }),
    security: roles === ANYBODY ? [] : roles.map((role) => ({ token: [role] })),
    parameters,
    ...(isPost && rest.fields.length > 0 ? { requestBody: bodyOf(name, schemas, bodies, rest) } : {}),
    responses: { 200: answerOf(name, schemas), ...errorsOf({ hasPathFields: fixed.length > 0, isPost }) },
  };
}

interface Fields {
  readonly fields: readonly (readonly [string, JsonSchema])[];
  readonly required: readonly string[];
}

/** A request's fields: those that stand in the path, and the rest. Throws for a request that is no object. */
function fieldsOf(path: string, schema: JsonSchema): { readonly fixed: Fields["fields"]; readonly rest: Fields } {
  if (schema.type !== "object") throw new TypeError(`the request of ${path} is no object`);
  const { properties = {}, required = [] } = schema as { properties?: Record<string, JsonSchema>; required?: string[] };
  const inPath = new Set([...path.matchAll(/:(\w+)/g)].map(([, field]) => field as string));
  const entries = Object.entries(properties);
  return {
    fixed: entries.filter(([field]) => inPath.has(field)),
    rest: {
      fields: entries.filter(([field]) => !inPath.has(field)),
      required: required.filter((field) => !inPath.has(field)),
    },
  };
}

function parameter(name: string, { description, ...schema }: JsonSchema): JsonSchema {
  return { name, ...(description === undefined ? {} : { description }), schema };
}

function bodyOf(route: RouteName, schemas: RouteSchemas, bodies: Record<string, JsonSchema>, rest: Fields): JsonSchema {
  const { name, schema } = schemas.request(route);
  bodies[name] = { ...schema, properties: Object.fromEntries(rest.fields), required: rest.required };
  const inBody = new Set(rest.fields.map(([field]) => field));
  const example = Object.entries(REQUEST_EXAMPLES[route]).filter(([field]) => inBody.has(field));
  return {
    required: rest.required.length > 0,
    content: {
      [JSON_TYPE]: { schema: { $ref: `#/components/schemas/${name}` }, example: Object.fromEntries(example) },
    },
  };
}

function answerOf(name: RouteName, schemas: RouteSchemas): JsonSchema {
  const { summary, events, file }: Route = ROUTES[name];
  const schema = schemas.answer(name);
  const example = ANSWER_EXAMPLES[name];
  const stream = { [EVENT_STREAM]: { schema: { type: "string" } } };
  const json = { [JSON_TYPE]: { schema, ...(example === undefined ? {} : { example }) } };
  const types = Object.values(file ?? {}).map((type) => type.replace(/;.*/, ""));
  const files = Object.fromEntries(types.map((type) => [type, { schema: fileForm(type) }]));
  const headers = { "x-request-id": { $ref: "#/components/headers/RequestId" } };
  if (schema === undefined) return { description: `${summary}.`, headers, content: files };
  if (events === "states")
    return {
      description: STATE_EVENTS,
      headers,
      content: { [EVENT_STREAM]: { schema: { type: "string" }, "x-event-data": schema } },
    };
  if (events === "progress") return { description: PROGRESS_EVENTS, headers, content: { ...json, ...stream } };
  return { description: `${summary}.`, headers, content: json };
}

function fileForm(type: string): JsonSchema {
  if (type === JSON_TYPE) return {};
  return /^text\/|\+xml$/.test(type) ? { type: "string" } : { type: "string", format: "binary" };
}
