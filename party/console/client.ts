/** The node's routes as React sees them: what a page reads, and what it does. */
import {
  type QueryClient,
  type UseMutationResult,
  type UseQueryResult,
  useMutation,
  useQuery,
  useQueryClient,
} from "@tanstack/react-query";
import { EntenteError } from "../../proto/errors.ts";
import type { RouteName, RouteRequest, RouteResponse } from "../../proto/http/routes.ts";
import type { EntenteClient, JsonRouteName } from "../../sdk/client.ts";
import { type RouteOptions, routeQuery } from "./route-query.ts";
import { useSession } from "./session.tsx";

export function useClient(): EntenteClient {
  return useSession().client;
}

/** What a route answers, kept while the page looks at it. Asked again when the tab is looked at again, and after every action. */
export function useRoute<N extends JsonRouteName>(
  name: N,
  request: RouteRequest<N>,
  options?: RouteOptions,
): UseQueryResult<RouteResponse<N>, EntenteError> {
  return useQuery<RouteResponse<N>, EntenteError>(routeQuery(useClient(), [name, request], options));
}

/** A route that does something. Whatever is on the page is asked for again afterwards. */
export function useAction<N extends JsonRouteName>(
  name: N,
): UseMutationResult<RouteResponse<N>, EntenteError, RouteRequest<N>> {
  const client = useClient();
  const queries = useQueryClient();
  return useMutation<RouteResponse<N>, EntenteError, RouteRequest<N>>({
    mutationFn: (request) => client.call(name, request),
    onSuccess: () => askAgain(queries),
  });
}

/** Everything that is on the page. */
export function askAgain(queries: QueryClient, ...names: readonly RouteName[]): Promise<void> {
  if (names.length === 0) return queries.invalidateQueries();
  return queries.invalidateQueries({ predicate: ({ queryKey }) => names.includes(queryKey[0] as RouteName) });
}

/** Whether asking again may help. */
export function isWorthRetrying(failures: number, error: unknown): boolean {
  return failures < 2 && error instanceof EntenteError && error.toPublic().retryable;
}

/** Whether the token is no longer good. */
export function isSignedOut(error: unknown): boolean {
  return error instanceof EntenteError && (error.code === "TOKEN_MISSING" || error.code === "TOKEN_EXPIRED");
}

/** Lets a person save what a file route answers. Throws as `EntenteClient.download`. */
export async function saveFile(stream: ReadableStream<Uint8Array>, fileName: string, type: string): Promise<void> {
  const blob = await new Response(stream, { headers: { "content-type": type } }).blob();
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = fileName;
  link.click();
  URL.revokeObjectURL(link.href);
}
