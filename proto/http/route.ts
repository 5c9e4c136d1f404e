/** What a route of the API is made of, and the schemas that several of them share. */
import * as z from "zod";

/**
 * What a user of a node may be. An analyst runs jobs and takes their results; a steward binds the organisation: signs
 * agreements, confirms peers, approves jobs; an auditor reads what happened, without results; an operator enrols the
 * node and issues tokens.
 */
export const ROLES = ["analyst", "steward", "auditor", "operator"] as const;
export type Role = (typeof ROLES)[number];

/** In the place of roles: no token is asked for. Of the sign-in routes alone. */
export const ANYBODY = "anybody";

/** A route of the API. Without roles it does not compile: nobody may call what names nobody. */
export interface Route {
  readonly method: "GET" | "POST";
  readonly path: string;
  /** What it does, in a line without a full stop. */
  readonly summary: string;
  /** What else its caller must know. */
  readonly description?: string;
  readonly roles: readonly [Role, ...Role[]] | typeof ANYBODY;
  readonly request: z.ZodType;
  readonly response: z.ZodType;
  /** Of an answer that is a file, whose `response` is `never`: its media type, by format. */
  readonly file?: Readonly<Record<string, string>>;
  /** Of a request's body, instead of the server's limit for all. */
  readonly maxBodyBytes?: number;
  /**
   * Server-sent events. `states`: the answer is a stream of events of the response's form, the last one its end.
   * `progress`: who accepts an event stream is told progress, and in the end the response or an error, as events; others get the
   * response alone.
   */
  readonly events?: "states" | "progress";
}

const errorBody = z.object({
  code: z.string(),
  message: z.string(),
  detail: z.string().optional(),
  who: z.string(),
  retryable: z.boolean(),
  retryAfterSeconds: z.number().optional(),
});
export const errorResponse = z.object({ error: errorBody });

export const publicError = z.object({
  code: z.string(),
  message: z.string(),
  detail: z.string().optional(),
  who: z.string(),
});

/** A column of a dataset. */
export const column = z.object({ name: z.string(), type: z.string() });
/** A column of a dataset's id, and its normaliser. */
export const idColumn = z.object({ column: z.string(), normaliser: z.string() });
export const budget = z.object({
  runsInEpoch: z.number(),
  runsPerEpoch: z.number(),
  runsToday: z.number(),
  runsPerDay: z.number(),
  modelVersions: z.number(),
  modelVersionsAllowed: z.number(),
  datasetVersions: z.number(),
  datasetVersionsAllowed: z.number(),
  epochEndsAt: z.string(),
});

export const empty = z.strictObject({});
