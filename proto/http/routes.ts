/**
 * The HTTP API of a node, for its own organisation's users: one entry per route with its method, path and the schemas of
 * what goes in and what comes out. The server checks requests with them, the client checks answers.
 */
import type * as z from "zod";
import { AGREEMENT_ROUTES } from "./agreement-routes.ts";
import { AUDIT_ROUTES } from "./audit-routes.ts";
import { DATA_ROUTES } from "./data-routes.ts";
import { DISCLOSURE_ROUTES } from "./disclosure-routes.ts";
import { DOCTOR_ROUTES } from "./doctor-routes.ts";
import { EVIDENCE_ROUTES } from "./evidence-routes.ts";
import { FEED_ROUTES } from "./feed-routes.ts";
import { JOB_ROUTES } from "./job-routes.ts";
import { NODE_ROUTES } from "./node-routes.ts";
import { OPENAPI_ROUTES } from "./openapi-routes.ts";
import { PEER_ROUTES } from "./peer-routes.ts";
import { REPORT_ROUTES } from "./report-routes.ts";
import { RESULT_ROUTES } from "./result-routes.ts";
import type { ANYBODY, Route } from "./route.ts";
import { SEGMENT_ROUTES } from "./segment-routes.ts";
import { SIGN_IN_ROUTES } from "./sign-in-routes.ts";
import { STATUS_ROUTES } from "./status-routes.ts";
import { TAG_ROUTES } from "./tag-routes.ts";
import { TOKEN_ROUTES } from "./token-routes.ts";

export const ROUTES = {
  ...NODE_ROUTES,
  ...PEER_ROUTES,
  ...DATA_ROUTES,
  ...SEGMENT_ROUTES,
  ...AGREEMENT_ROUTES,
  ...DISCLOSURE_ROUTES,
  ...JOB_ROUTES,
  ...REPORT_ROUTES,
  ...RESULT_ROUTES,
  ...TAG_ROUTES,
  ...FEED_ROUTES,
  ...EVIDENCE_ROUTES,
  ...AUDIT_ROUTES,
  ...TOKEN_ROUTES,
  ...SIGN_IN_ROUTES,
  ...DOCTOR_ROUTES,
  ...STATUS_ROUTES,
  ...OPENAPI_ROUTES,
} as const satisfies Record<string, Route>;

export type RouteName = keyof typeof ROUTES;
/** Those that take no token. */
export type OpenRouteName = {
  [N in RouteName]: (typeof ROUTES)[N]["roles"] extends typeof ANYBODY ? N : never;
}[RouteName];
/** What a caller gives; defaults are filled in by the server. */
export type RouteRequest<N extends RouteName> = z.input<(typeof ROUTES)[N]["request"]>;
export type RouteInput<N extends RouteName> = z.output<(typeof ROUTES)[N]["request"]>;
export type RouteResponse<N extends RouteName> = z.output<(typeof ROUTES)[N]["response"]>;
