/** The route of the API's own description. */
import * as z from "zod";
import { empty, ROLES, type Route } from "./route.ts";

export const OPENAPI_ROUTES = {
  /** For any token, and for no stranger: it says which version runs here. Generators that have none read the package's copy. */
  openApi: {
    method: "GET",
    path: "/v1/openapi.json",
    summary: "This description, an OpenAPI 3.1 document",
    roles: ROLES,
    request: empty,
    response: z.record(z.string(), z.unknown()),
  },
} as const satisfies Record<string, Route>;
