/** What the console asks the node and how long it goes by the answer. Without React, so that it can be tested as it is. */
import { keepPreviousData, type QueryObserverOptions } from "@tanstack/react-query";
import type { EntenteError } from "../../proto/errors.ts";
import type { RouteRequest, RouteResponse } from "../../proto/http/routes.ts";
import type { EntenteClient, JsonRouteName } from "../../sdk/client.ts";

export interface RouteOptions {
  /** Asks again that often. */
  readonly everyMs?: number;
  /** Not asked again by itself before it is so old. */
  readonly staleMs?: number;
  /** False: not yet. */
  readonly enabled?: boolean;
  /**
   * Shows the answer to what was asked before until the next one comes: for the pages of one list, where nothing is decided. Anywhere
   * else a person would read one thing and act on another.
   */
  readonly keepsPrevious?: boolean;
}

/** One question, and whether its answer may stand in for another's. */
export function routeQuery<N extends JsonRouteName>(
  client: Pick<EntenteClient, "call">,
  [name, request]: readonly [N, RouteRequest<N>],
  { everyMs, staleMs, enabled = true, keepsPrevious = false }: RouteOptions = {},
) {
  return {
    queryKey: [name, request],
    queryFn: () => client.call(name, request),
    enabled,
    ...(keepsPrevious ? { placeholderData: keepPreviousData } : {}),
    ...(staleMs === undefined ? {} : { staleTime: staleMs }),
    ...(everyMs === undefined ? {} : { refetchInterval: everyMs }),
  } satisfies QueryObserverOptions<RouteResponse<N>, EntenteError>;
}
