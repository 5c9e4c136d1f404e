import { describe, expect, test } from "vitest";
import { EntenteError } from "../../proto/errors.ts";
import type { Progress } from "../../proto/http/progress.ts";
import { EntenteClient, type Job } from "../../sdk/client.ts";
import { readEvents } from "../../sdk/event-stream.ts";
import { STUB_DATASET, STUB_JOB, STUB_PROGRESS } from "../support/stub-node.ts";

function streamOf(...chunks: readonly (string | Uint8Array)[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks)
        controller.enqueue(typeof chunk === "string" ? new TextEncoder().encode(chunk) : chunk);
      controller.close();
    },
  });
}

describe("an event stream", () => {
  const read = async (stream: ReadableStream<Uint8Array>) => {
    const events: unknown[] = [];
    for await (const { name, id, data } of readEvents(stream, 1_000)) events.push([name, id, data]);
    return events;
  };
  const text =
    ': hello\r\nretry: 1\r\n\r\nid: 7\nevent: progress\ndata: {"a":\ndata: 1}\n\nevent:x\ndata:y\ndata\n\nevent: none\n\n';
  const expected = [
    ["progress", "7", '{"a":\n1}'],
    ["x", "7", "y\n"],
  ];

  test("is read as the standard says, wherever it is cut, and what is cut off at its end is left out", async () => {
    const bytes = new TextEncoder().encode(`${text}data: 汉`);
    expect(await read(streamOf(bytes))).toEqual(expected);
    for (let cut = 1; cut < bytes.length; cut++)
      expect(await read(streamOf(bytes.subarray(0, cut), bytes.subarray(cut)))).toEqual(expected);
    expect(await read(streamOf(...Array.from(bytes, (byte) => Uint8Array.of(byte))))).toEqual(expected);
  });

  test("that has fallen silent, or has a line without an end, is given up", async () => {
    const silent = new ReadableStream<Uint8Array>({ start: (controller) => controller.enqueue(Uint8Array.of(58)) });
    await expect(async () => {
      for await (const _ of readEvents(silent, 30));
    }).rejects.toThrow("silent");
    await expect(read(streamOf("data: ".padEnd(5_000_000, "x")))).rejects.toThrow("no end");
  });
});

/** A client whose node gives these answers, one after another, and what it was asked. */
function answered(...answers: readonly (() => Response)[]): {
  client: EntenteClient;
  asked: [string, string | null][];
} {
  const asked: [string, string | null][] = [];
  const left = [...answers];
  const fetch = async (url: string, { headers }: RequestInit) => {
    asked.push([url.replace(/.*\/v1/, ""), new Headers(headers).get("last-event-id")]);
    const next = left.shift();
    if (next === undefined) throw new TypeError("fetch failed");
    return next();
  };
  return { client: new EntenteClient({ url: "http://node.test", token: "t", fetch }), asked };
}

const eventText = (name: string, data: unknown, id?: string) =>
  `${id === undefined ? "" : `id: ${id}\n`}event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
const events =
  (...texts: string[]) =>
  () =>
    new Response(streamOf(...texts), { headers: { "content-type": "text/event-stream; charset=utf-8" } });
const broken =
  (...texts: string[]) =>
  () =>
    new Response(
      new ReadableStream({
        pull(controller) {
          const next = texts.shift();
          if (next === undefined) controller.error(new Error("reset"));
          else controller.enqueue(new TextEncoder().encode(next));
        },
      }),
      { headers: { "content-type": "text/event-stream" } },
    );
const running: Job = { ...STUB_JOB, state: "running", progress: STUB_PROGRESS };
const done: Job = { ...STUB_JOB, state: "done" };
const error = (code: "NOT_FOUND" | "OVERLOADED", status: number) => () =>
  Response.json({ error: new EntenteError(code).toPublic() }, { status });

async function statesOf(client: EntenteClient): Promise<string[]> {
  const states: string[] = [];
  for await (const { state } of client.jobProgress(STUB_JOB.jobId, { pollMs: 1 })) states.push(state);
  return states;
}

describe("jobProgress", () => {
  const path = `/jobs/${STUB_JOB.jobId}`;

  test("follows the node's events to the result", async () => {
    const { client, asked } = answered(events(eventText("progress", running, "x-1"), eventText("result", done)));
    expect(await statesOf(client)).toEqual(["running", "done"]);
    expect(asked).toEqual([[`${path}/events`, null]]);
  });

  test.each([
    ["breaks", broken],
    ["ends without a result", events],
  ])("a stream that %s is taken up again behind the last event", async (_, cut) => {
    const { client, asked } = answered(cut(eventText("progress", running, "x-4")), events(eventText("result", done)));
    expect(await statesOf(client)).toEqual(["running", "done"]);
    expect(asked).toEqual([
      [`${path}/events`, null],
      [`${path}/events`, "x-4"],
    ]);
  });

  test.each([
    ["has no such route", error("NOT_FOUND", 404)],
    ["has too many streams", error("OVERLOADED", 429)],
    ["is behind something that answers otherwise", () => Response.json({})],
  ])("a node that %s is asked again and again", async (_, answer) => {
    const { client, asked } = answered(
      answer,
      () => Response.json(running),
      () => Response.json(done),
    );
    expect(await statesOf(client)).toEqual(["running", "done"]);
    expect(asked.map(([url]) => url)).toEqual([`${path}/events`, path, path]);
  });

  test("streams that bring nothing are given up for questions", async () => {
    const { client, asked } = answered(events(), events(), events(), () => Response.json(done));
    expect(await statesOf(client)).toEqual(["done"]);
    expect(asked.map(([url]) => url)).toEqual([...Array(3).fill(`${path}/events`), path]);
  });

  test("an error in the stream passes; nobody there passes at once", async () => {
    const { client } = answered(events(eventText("error", { error: new EntenteError("TOKEN_EXPIRED").toPublic() })));
    await expect(statesOf(client)).rejects.toMatchObject({ code: "TOKEN_EXPIRED" });
    await expect(statesOf(answered().client)).rejects.toMatchObject({ code: "NODE_UNREACHABLE" });
    const other = answered(events(eventText("progress", { state: "running" })));
    await expect(statesOf(other.client)).rejects.toMatchObject({ code: "INTERNAL" });
  });

  test("leaving the loop ends the stream", async () => {
    let cancelled = false;
    const endless = () =>
      new Response(
        new ReadableStream({
          pull: (controller) => controller.enqueue(new TextEncoder().encode(eventText("progress", running))),
          cancel() {
            cancelled = true;
          },
        }),
        { headers: { "content-type": "text/event-stream" } },
      );
    for await (const _ of answered(endless).client.jobProgress(STUB_JOB.jobId)) break;
    expect(cancelled).toBe(true);
  });
});

describe("callWithProgress", () => {
  const request = { name: "a", path: "/a.csv", ids: [{ column: "id", normaliser: "email" as const }] };
  const call = (...answers: (() => Response)[]) => {
    const told: Progress[] = [];
    const { client } = answered(...answers);
    return { told, answer: client.callWithProgress("registerDataset", request, (progress) => told.push(progress)) };
  };

  test("tells progress, then answers", async () => {
    const { told, answer } = call(events(eventText("progress", STUB_PROGRESS), eventText("result", STUB_DATASET)));
    expect(await answer).toMatchObject(STUB_DATASET);
    expect(told).toEqual([STUB_PROGRESS]);
  });

  test("takes a plain answer, too, and the node's errors in either form", async () => {
    expect(await call(() => Response.json(STUB_DATASET)).answer).toMatchObject(STUB_DATASET);
    await expect(call(error("NOT_FOUND", 404)).answer).rejects.toMatchObject({ code: "NOT_FOUND" });
    const told = eventText("error", { error: new EntenteError("DATASET_EMPTY").toPublic() });
    await expect(call(events(told)).answer).rejects.toMatchObject({ code: "DATASET_EMPTY" });
  });

  test("a stream that ends without an answer is no answer", async () => {
    await expect(call(events(eventText("progress", STUB_PROGRESS))).answer).rejects.toMatchObject({
      code: "NODE_UNREACHABLE",
    });
    await expect(call(broken(eventText("progress", STUB_PROGRESS))).answer).rejects.toMatchObject({
      code: "NODE_UNREACHABLE",
    });
  });
});
