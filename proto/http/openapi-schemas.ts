/** JSON Schemas (draft 2020-12) of what the routes take and give, by name, for the OpenAPI document. */
import * as z from "zod";
import { agreementSchema } from "../agreement/schema.ts";
import {
  allOfRule,
  anyOfRule,
  anySegmentRule,
  notRule,
  segmentCondition,
  segmentRuleSchema,
} from "../segments/rule.ts";
import { tagCondition, tagJunction, tagName, tagNegation, tagRule } from "../tags/rule.ts";
import { agreementDocument } from "./agreement-routes.ts";
import { givenRule, JOB_ROUTES } from "./job-routes.ts";
import { errorCode, publishedError } from "./openapi-errors.ts";
import { progress } from "./progress.ts";
import { budget, column, publicError, type Route } from "./route.ts";
import { ROUTES, type RouteName } from "./routes.ts";

export type JsonSchema = Record<string, unknown>;

/** Answers that are things of their own, which other answers hold, too. */
const THINGS: Partial<Record<RouteName, string>> = {
  addFeed: "Feed",
  agreement: "Agreement",
  confirmPeer: "Peer",
  createToken: "NewToken",
  defineSegment: "SegmentVersion",
  defineTag: "TagDefinition",
  job: "Job",
  leakStatement: "LeakStatement",
  node: "Node",
  publishSegment: "Segment",
  registerDataset: "Dataset",
  resumeCollaboration: "Collaboration",
  revokeToken: "Token",
  runFeed: "Delivery",
};
const PARTS = { Progress: progress, Budget: budget, Column: column, Reason: publicError, ErrorCode: errorCode };
/** What stands behind fields that the API lets through as they are, and that are looked at where they are used. */
const BEHIND = new Map<z.core.$ZodType, string>([
  [agreementDocument, "AgreementDocument"],
  [segmentRuleSchema, "SegmentRule"],
  [givenRule, "GivenTagRule"],
]);
const GIVEN_PARTS = {
  NewJob: JOB_ROUTES.startJob.request,
  AgreementDocument: agreementSchema,
  SegmentRule: anySegmentRule,
  SegmentCondition: segmentCondition,
  SegmentRuleAll: allOfRule,
  SegmentRuleAny: anyOfRule,
  SegmentRuleNot: notRule,
  GivenTagRule: z.union([z.string().describe("As a person writes it."), tagRule]),
  TagCondition: tagCondition,
  TagJunction: tagJunction,
  TagName: tagName,
  TagNegation: tagNegation,
};

type Overridden = Parameters<NonNullable<z.core.ToJSONSchemaParams["override"]>>[0];

const refTo = (name: string) => `#/components/schemas/${name}`;
const capital = (name: string) => `${name.charAt(0).toUpperCase()}${name.slice(1)}`;

/** Zod schemas and their names. */
class Naming {
  readonly #registry = z.registry<{ id: string }>();
  readonly #names = new Set<string>();

  constructor(parts: Readonly<Record<string, z.ZodType>>) {
    for (const [name, schema] of Object.entries(parts)) this.add(schema, name);
  }

  /** The first name of a schema stays. Throws when the name is another one's. */
  add(schema: z.ZodType, name: string): void {
    if (this.#registry.has(schema)) return;
    if (this.#names.has(name)) throw new TypeError(`two schemas are called ${name}`);
    this.#names.add(name);
    this.#registry.add(schema, { id: name });
  }

  nameOf(schema: z.ZodType): string {
    return (this.#registry.get(schema) as { id: string }).id;
  }

  /** Each under its name, and a reference wherever another one holds it. */
  schemas(io: "input" | "output"): Record<string, JsonSchema> {
    const { schemas } = z.toJSONSchema(this.#registry, {
      io,
      uri: refTo,
      // What is published of them instead stands in `published`.
      unrepresentable: "any",
      override: (at) => published(at, io),
    });
    return Object.fromEntries(
      Object.entries(schemas).map(([name, { $schema: _, $id: __, ...schema }]) => [name, schema as JsonSchema]),
    );
  }
}

/** What JSON Schema has no words for, or other languages' readers do not take. */
function published({ zodSchema, jsonSchema }: Overridden, io: "input" | "output"): void {
  const behind = BEHIND.get(zodSchema);
  if (behind !== undefined) replace(jsonSchema, { $ref: refTo(behind) });
  const { def } = zodSchema._zod;
  // A name that was read keeps its form.
  if (io === "output" && isPipe(def) && def.out._zod.def.type === "transform") {
    const { $schema: _, ...form } = z.toJSONSchema(def.in, { io });
    replace(jsonSchema, form);
  }
  // Unicode classes are no part of regular expressions everywhere: the node refuses these characters all the same.
  if (jsonSchema.pattern?.includes("\\p{")) {
    delete jsonSchema.pattern;
    jsonSchema.description = [jsonSchema.description, "Without control and format characters."].join(" ").trim();
  }
  // They say what zod has asked for by other words already, in a form that some programs refuse.
  if (jsonSchema.prefixItems !== undefined && jsonSchema.items === false) delete jsonSchema.items;
  if (typeof jsonSchema.default === "object") delete jsonSchema.default;
  if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
  if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
  // A later version may tell more.
  if (io === "output" && jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties;
}

function isPipe(def: z.core.$ZodTypeDef): def is z.core.$ZodPipeDef {
  return def.type === "pipe";
}

function replace(jsonSchema: object, by: object): void {
  for (const key of Object.keys(jsonSchema)) Reflect.deleteProperty(jsonSchema, key);
  Object.assign(jsonSchema, by);
}

export interface RouteSchemas {
  /** All fields of a route's request, and the request's name. */
  request(name: RouteName): { readonly name: string; readonly schema: JsonSchema };
  /** A reference to its answer; undefined for one that is a file. */
  answer(name: RouteName): JsonSchema | undefined;
  /** `components.schemas`, without requests. */
  readonly components: Readonly<Record<string, JsonSchema>>;
}

export function routeSchemas(): RouteSchemas {
  const given = new Naming(GIVEN_PARTS);
  const told = new Naming({ ...PARTS, Error: publishedError });
  const names = Object.keys(ROUTES) as RouteName[];
  const isThing = (name: RouteName) => THINGS[name] !== undefined;
  // Things first: what has a name of its own keeps it where several routes share it.
  for (const name of names.toSorted((a, b) => Number(isThing(b)) - Number(isThing(a)))) {
    const { request, response }: Route = ROUTES[name];
    given.add(request, `${capital(name)}Request`);
    if (response.type !== "never") told.add(response, THINGS[name] ?? `${capital(name)}Answer`);
  }
  const requests = given.schemas("input");
  const bodies = new Set(names.map((name) => given.nameOf(ROUTES[name].request)));
  const parts = Object.entries(requests).filter(([name]) => !bodies.has(name));
  return {
    request: (route) => {
      const name = given.nameOf(ROUTES[route].request);
      return { name, schema: requests[name] as JsonSchema };
    },
    answer: (route) => {
      const { response }: Route = ROUTES[route];
      return response.type === "never" ? undefined : { $ref: refTo(told.nameOf(response)) };
    },
    components: { ...Object.fromEntries(parts), ...told.schemas("output") },
  };
}
