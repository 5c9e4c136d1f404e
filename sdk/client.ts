/**
 * A client of one party node's HTTP API. Uses `fetch` and the published routes and nothing else, so that it runs in a
 * browser as it does in Node.
 */
import { EntenteError, isErrorCode } from "../proto/errors.ts";
import { errorResponse } from "../proto/http/route.ts";
import { ROUTES, type RouteName, type RouteRequest, type RouteResponse } from "../proto/http/routes.ts";

/** How long a request may take until its answer begins. Registering a large dataset is the slowest. */
const ANSWER_TIMEOUT_MS = 290_000;
const POLL_MS = 500;

type Fetch = (url: string, init: RequestInit) => Promise<Response>;
export type Job = RouteResponse<"job">;

/** The routes that answer with a file. */
export type FileRouteName = { [N in RouteName]: [RouteResponse<N>] extends [never] ? N : never }[RouteName];
export type JsonRouteName = Exclude<RouteName, FileRouteName>;

export interface ClientOptions {
  /** Where the node listens, as `http://127.0.0.1:7110`. */
  readonly url: string;
  /** Bearer token that the node issued. */
  readonly token: string;
  /** Default: the platform's. */
  readonly fetch?: Fetch;
  /** Milliseconds until an answer must have begun. Default: 290,000. */
  readonly timeoutMs?: number;
}

export interface FollowOptions {
  /** Milliseconds between two questions. Default: 500. */
  readonly pollMs?: number;
}

/** Whether nothing more will happen to a job. */
export function isFinal(job: Pick<Job, "state">): boolean {
  return job.state === "done" || job.state === "refused" || job.state === "failed";
}

export class EntenteClient {
  readonly #base: string;
  readonly #token: string;
  readonly #fetch: Fetch;
  readonly #timeoutMs: number;

  /** Throws BAD_REQUEST when `url` is no http or https address. */
  constructor({ url, token, fetch, timeoutMs }: ClientOptions) {
    if (!/^https?:$/.test(URL.parse(url)?.protocol ?? "")) throw new EntenteError("BAD_REQUEST", { detail: "url" });
    this.#base = url.replace(/\/+$/, "");
    this.#token = token;
    // A browser's fetch refuses to be called as a method of another object.
    this.#fetch = fetch ?? ((target, init) => globalThis.fetch(target, init));
    this.#timeoutMs = timeoutMs ?? ANSWER_TIMEOUT_MS;
  }

  /**
   * Calls a route and checks its answer. Throws the node's own error; NODE_UNREACHABLE when nothing answers in time;
   * INTERNAL when the answer is not of the published form.
   */
  async call<N extends JsonRouteName>(name: N, request: RouteRequest<N>): Promise<RouteResponse<N>> {
    const response = await this.#send(name, request);
    const body = await readJson(response);
    if (!response.ok || errorResponse.safeParse(body).success) throw serverError(response, body);
    const parsed = ROUTES[name].response.safeParse(body);
    if (parsed.success) return parsed.data as RouteResponse<N>;
    const field = parsed.error.issues[0]?.path.join(".") ?? "";
    throw new EntenteError("INTERNAL", { detail: `unexpected answer to ${name}: ${field === "" ? "form" : field}` });
  }

  /**
   * The bytes of a file. Throws as `call` does; the stream fails with NODE_UNREACHABLE when the connection ends before
   * the file does, so what was read until then must not be used.
   */
  async download<N extends FileRouteName>(name: N, request: RouteRequest<N>): Promise<ReadableStream<Uint8Array>> {
    const response = await this.#send(name, request);
    if (!response.ok) throw serverError(response, await readJson(response));
    if (response.body === null) throw new EntenteError("INTERNAL", { detail: `${name} answered without a file` });
    return wholeOrError(response.body);
  }

  /** The job's states, from now until the final one, which comes last. Leaving the loop leaves the job running. */
  async *jobProgress(jobId: string, { pollMs = POLL_MS }: FollowOptions = {}): AsyncGenerator<Job, void, undefined> {
    for (;;) {
      const job = await this.call("job", { jobId });
      yield job;
      if (isFinal(job)) return;
      await new Promise((resolve) => setTimeout(resolve, pollMs));
    }
  }

  /** The job in its final state; `refused` and `failed` are answers too, not errors. */
  async waitForJob(
    jobId: string,
    { onProgress, ...options }: FollowOptions & { readonly onProgress?: (job: Job) => void } = {},
  ): Promise<Job> {
    let last: Job | undefined;
    for await (const job of this.jobProgress(jobId, options)) {
      onProgress?.(job);
      last = job;
    }
    return last as Job;
  }

  async #send(name: RouteName, request: object): Promise<Response> {
    const { method } = ROUTES[name];
    const { path, rest } = fillPath(ROUTES[name].path, request);
    const headers: Record<string, string> = { authorization: `Bearer ${this.#token}`, accept: "*/*" };
    const init: RequestInit = { method, headers, redirect: "error" };
    let target = `${this.#base}${path}`;
    if (method === "POST") {
      headers["content-type"] = "application/json";
      init.body = JSON.stringify(rest);
    } else if (Object.keys(rest).length > 0) {
      target += `?${new URLSearchParams(Object.entries(rest).map(([key, value]) => [key, String(value)]))}`;
    }
    // The deadline is for the beginning of the answer only: a large file may take longer.
    const deadline = new AbortController();
    const timer = setTimeout(() => deadline.abort(), this.#timeoutMs);
    try {
      return await this.#fetch(target, { ...init, signal: deadline.signal });
    } catch (cause) {
      const what = deadline.signal.aborted ? "no answer in time from" : "no connection to";
      throw new EntenteError("NODE_UNREACHABLE", { detail: `${what} ${new URL(this.#base).origin}`, cause });
    } finally {
      clearTimeout(timer);
    }
  }
}

/** `/v1/jobs/:jobId` with the request's own field in it, and the fields that are left. */
function fillPath(
  template: string,
  request: object,
): { readonly path: string; readonly rest: Record<string, unknown> } {
  const rest: Record<string, unknown> = Object.fromEntries(
    Object.entries(request).filter(([, value]) => value !== undefined),
  );
  const path = template.replaceAll(/:(\w+)/g, (_, name: string) => {
    const value = rest[name];
    delete rest[name];
    // "." and ".." would be taken for steps in the path, even when encoded.
    if (typeof value !== "string" || /^\.{0,2}$/.test(value)) throw new EntenteError("BAD_REQUEST", { detail: name });
    return encodeURIComponent(value);
  });
  return { path, rest };
}

/** Undefined when the body is not JSON. */
async function readJson(response: Response): Promise<unknown> {
  let text: string;
  try {
    text = await response.text();
  } catch (cause) {
    throw new EntenteError("NODE_UNREACHABLE", { detail: "the connection ended within the answer", cause });
  }
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function serverError(response: Response, body: unknown): EntenteError {
  const parsed = errorResponse.safeParse(body);
  if (!parsed.success) return new EntenteError("INTERNAL", { detail: `HTTP status ${response.status}` });
  const { code, detail } = parsed.data.error;
  if (!isErrorCode(code)) return new EntenteError("INTERNAL", { detail: `the node reports ${code}` });
  const requestId = response.headers.get("x-request-id");
  const own = code === "INTERNAL" && detail === undefined && requestId !== null ? `request ${requestId}` : detail;
  return new EntenteError(code, own === undefined ? {} : { detail: own });
}

function wholeOrError(body: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done, value } = await reader.read();
        if (done) controller.close();
        else controller.enqueue(value);
      } catch (cause) {
        const detail = "the connection ended before the file was complete";
        controller.error(new EntenteError("NODE_UNREACHABLE", { detail, cause }));
      }
    },
    cancel: (reason) => reader.cancel(reason),
  });
}
