/**
 * A client of one party node's HTTP API. Uses `fetch` and the published routes and nothing else, so that it runs in a
 * browser as it does in Node.
 */
import { EntenteError, isErrorCode } from "../proto/errors.ts";
import { EVENT_STREAM, HEARTBEAT_MS, type Progress, progress as progressForm } from "../proto/http/progress.ts";
import { errorResponse } from "../proto/http/route.ts";
import { ROUTES, type RouteName, type RouteRequest, type RouteResponse } from "../proto/http/routes.ts";
import { type ReceivedEvent, readEvents } from "./event-stream.ts";

export { EntenteError, type ErrorCode, isErrorCode } from "../proto/errors.ts";
export type { Progress, RouteName, RouteRequest, RouteResponse };

/** How long a request may take until its answer begins. Registering a large dataset is the slowest. */
const ANSWER_TIMEOUT_MS = 290_000;
const POLL_MS = 500;
/** A stream with nothing in it for so long is dead: heartbeats come four times as often. */
const SILENCE_MS = 4 * HEARTBEAT_MS;
/** Between two connections to one stream. */
const RECONNECT_MS = 1_000;
/** Connections in a row that bring no event, before the node is asked instead. */
const MAX_FRUITLESS = 3;

type Fetch = (url: string, init: RequestInit) => Promise<Response>;
export type Job = RouteResponse<"job">;

/** The routes that answer with a file. */
export type FileRouteName = { [N in RouteName]: [RouteResponse<N>] extends [never] ? N : never }[RouteName];
type RouteWith<Events extends string> = {
  [N in RouteName]: (typeof ROUTES)[N] extends { readonly events: Events } ? N : never;
}[RouteName];
/** The routes that answer with states, one event after another. */
export type StatesRouteName = RouteWith<"states">;
/** The routes that tell progress to who wants to hear it. */
export type ProgressRouteName = RouteWith<"progress">;
export type JsonRouteName = Exclude<RouteName, FileRouteName | StatesRouteName>;

/** Of work that takes long: how far it is, and in the end what came of it. */
export type WorkEvent<N extends RouteName> =
  | { readonly kind: "progress"; readonly progress: Progress }
  | { readonly kind: "answer"; readonly answer: RouteResponse<N> };

export interface ClientOptions {
  /** Where the node listens, as `http://127.0.0.1:7110`. */
  readonly url: string;
  /** Bearer token that the node issued; without one it can only be asked how to sign in. */
  readonly token?: string | undefined;
  /** Default: the platform's. */
  readonly fetch?: Fetch;
  /** Milliseconds until an answer must have begun. Default: 290,000. */
  readonly timeoutMs?: number;
}

export interface WorkOptions {
  readonly signal?: AbortSignal;
}

export interface FollowOptions {
  /** Milliseconds between two questions to a node that sends no events. Default: 500. */
  readonly pollMs?: number;
}

/** Whether nothing more will happen to a job. */
export function isFinal(job: Pick<Job, "state">): boolean {
  return job.state === "done" || job.state === "refused" || job.state === "failed";
}

export class EntenteClient {
  readonly #base: string;
  readonly #token: string | undefined;
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
    return this.#answer(name, await this.#send(name, request));
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

  /**
   * The same for work that takes long: first how far it is, again and again, and then the answer, which may take any time as long as the
   * node shows signs of life. Leaving the loop leaves the work running, but for what is done for its caller alone. Errors as of `call`;
   * NODE_UNREACHABLE when the connection ends before the answer, which says nothing of whether the work was done; CANCELLED when `signal`
   * is aborted, which is leaving, too.
   */
  async *follow<N extends ProgressRouteName & JsonRouteName>(
    name: N,
    request: RouteRequest<N>,
    { signal }: WorkOptions = {},
  ): AsyncGenerator<WorkEvent<N>, void, undefined> {
    try {
      const response = await this.#send(name, request, { accept: EVENT_STREAM }, signal);
      if (!isEventStream(response)) {
        yield { kind: "answer", answer: await this.#answer(name, response) };
        return;
      }
      for await (const { name: event, data } of this.#events(response)) {
        if (event === "result") {
          yield { kind: "answer", answer: checked(name, data) };
          return;
        }
        const parsed = progressForm.safeParse(data);
        if (parsed.success) yield { kind: "progress", progress: parsed.data };
      }
    } catch (cause) {
      throw signal?.aborted === true ? new EntenteError("CANCELLED", { cause }) : cause;
    }
    throw new EntenteError("NODE_UNREACHABLE", { detail: "the connection ended before the answer" });
  }

  /** The answer of `follow`, for who wants to hear the progress beside it. */
  async callWithProgress<N extends ProgressRouteName & JsonRouteName>(
    name: N,
    request: RouteRequest<N>,
    onProgress: (progress: Progress) => void,
    options: WorkOptions = {},
  ): Promise<RouteResponse<N>> {
    for await (const event of this.follow(name, request, options)) {
      if (event.kind === "answer") return event.answer;
      onProgress(event.progress);
    }
    throw new EntenteError("INTERNAL", { detail: "work ended without an answer" });
  }

  /**
   * The job's states, from now until the final one, which comes last. They come as the node's events; where those cannot be had the
   * node is asked again and again. Leaving the loop leaves the job running.
   */
  async *jobProgress(jobId: string, { pollMs = POLL_MS }: FollowOptions = {}): AsyncGenerator<Job, void, undefined> {
    let lastEventId: string | undefined;
    for (let fruitless = 0; fruitless < MAX_FRUITLESS; fruitless++) {
      try {
        const response = await this.#jobStream(jobId, lastEventId);
        if (response === undefined) break;
        for await (const { id, data } of this.#events(response)) {
          const job = checked("job", data);
          lastEventId = id;
          fruitless = 0;
          yield job;
          if (isFinal(job)) return;
        }
      } catch (error) {
        const isLost = error instanceof EntenteError && error.code === "NODE_UNREACHABLE";
        if (!isLost || lastEventId === undefined) throw error;
      }
      await sleep(RECONNECT_MS);
    }
    for (;;) {
      const job = await this.call("job", { jobId });
      yield job;
      if (isFinal(job)) return;
      await sleep(pollMs);
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

  async #answer<N extends JsonRouteName>(name: N, response: Response): Promise<RouteResponse<N>> {
    const body = await readJson(response);
    if (!response.ok || errorResponse.safeParse(body).success) throw serverError(response, body);
    return checked(name, body);
  }

  /** Undefined when the node has none, or too many, so that it has to be asked. */
  async #jobStream(jobId: string, lastEventId: string | undefined): Promise<Response | undefined> {
    const resumed = lastEventId === undefined ? {} : { "last-event-id": lastEventId };
    const response = await this.#send("jobEvents", { jobId }, { accept: EVENT_STREAM, ...resumed });
    if (isEventStream(response)) return response;
    await response.body?.cancel();
    return undefined;
  }

  /** Each event's name, id and data. Throws the node's error, INTERNAL for data of another form, and NODE_UNREACHABLE when the
   * connection breaks or brings nothing for a minute. */
  async *#events(response: Response): AsyncGenerator<Omit<ReceivedEvent, "data"> & { readonly data: unknown }> {
    if (response.body === null) return;
    const events = readEvents(response.body, SILENCE_MS);
    try {
      for (;;) {
        const next = await events.next().catch((cause: unknown) => {
          throw new EntenteError("NODE_UNREACHABLE", { detail: "the stream of events has broken off", cause });
        });
        if (next.done === true) return;
        const { name, id } = next.value;
        const data = parsedJson(next.value.data);
        if (name === "error") throw serverError(response, data);
        yield { name, id, data };
      }
    } finally {
      await events.return();
    }
  }

  async #send(
    name: RouteName,
    request: object,
    more: Readonly<Record<string, string>> = {},
    signal?: AbortSignal,
  ): Promise<Response> {
    const { method } = ROUTES[name];
    const { path, rest } = fillPath(ROUTES[name].path, request);
    const authorization = this.#token === undefined ? {} : { authorization: `Bearer ${this.#token}` };
    const headers: Record<string, string> = { ...authorization, accept: "*/*", ...more };
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
      const signals = [deadline.signal, ...(signal === undefined ? [] : [signal])];
      return await this.#fetch(target, { ...init, signal: AbortSignal.any(signals) });
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

/** Throws INTERNAL when an answer is not of the published form. */
function checked<N extends JsonRouteName>(name: N, body: unknown): RouteResponse<N> {
  const parsed = ROUTES[name].response.safeParse(body);
  if (parsed.success) return parsed.data as RouteResponse<N>;
  const field = parsed.error.issues[0]?.path.join(".") ?? "";
  throw new EntenteError("INTERNAL", { detail: `unexpected answer to ${name}: ${field === "" ? "form" : field}` });
}

function isEventStream({ ok, headers }: Response): boolean {
  return ok && headers.get("content-type")?.startsWith(EVENT_STREAM) === true;
}

function sleep(delayMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, delayMs));
}

/** Undefined when the body is not JSON. */
async function readJson(response: Response): Promise<unknown> {
  let text: string;
  try {
    text = await response.text();
  } catch (cause) {
    throw new EntenteError("NODE_UNREACHABLE", { detail: "the connection ended within the answer", cause });
  }
  return parsedJson(text);
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function serverError(response: Response, body: unknown): EntenteError {
  const parsed = errorResponse.safeParse(body);
  if (!parsed.success) return new EntenteError("INTERNAL", { detail: `HTTP status ${response.status}` });
  const { code, detail, retryAfterSeconds } = parsed.data.error;
  if (!isErrorCode(code)) return new EntenteError("INTERNAL", { detail: `the node reports ${code}` });
  const requestId = response.headers.get("x-request-id");
  const own = code === "INTERNAL" && detail === undefined && requestId !== null ? `request ${requestId}` : detail;
  return new EntenteError(code, {
    ...(own === undefined ? {} : { detail: own }),
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  });
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
