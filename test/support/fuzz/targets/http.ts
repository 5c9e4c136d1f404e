/** Bodies and answers of the node's HTTP API, and event streams. */
import { fromUtf8, utf8 } from "../../../../proto/encoding/bytes.ts";
import { EntenteError } from "../../../../proto/errors.ts";
import { ROUTES, type RouteName } from "../../../../proto/http/routes.ts";
import { readEvents } from "../../../../sdk/event-stream.ts";
import { samplesOf } from "../sample.ts";
import type { FuzzTarget } from "../target.ts";

const json = (value: unknown) => utf8(JSON.stringify(value));

function parsed(input: Uint8Array): unknown {
  try {
    return JSON.parse(fromUtf8(input));
  } catch (cause) {
    throw new EntenteError("BAD_REQUEST", { cause });
  }
}

function routes(): FuzzTarget[] {
  return (Object.keys(ROUTES) as RouteName[]).flatMap((name) =>
    (["request", "response"] as const).flatMap((side): FuzzTarget[] => {
      const schema = ROUTES[name][side];
      // A file's answer has no form.
      if ((schema as unknown as { _zod: { def: { type: string } } })._zod.def.type === "never") return [];
      const run = (input: Uint8Array) => {
        if (!schema.safeParse(parsed(input)).success) throw new EntenteError("BAD_REQUEST");
      };
      return [
        {
          name: `http/${name} ${side}`,
          form: "json",
          seeds: samplesOf(schema, `${name} ${side}`).map(json),
          covers: [ROUTES[name]],
          run,
        },
      ];
    }),
  );
}

const EVENTS = [
  'id: 1\nevent: progress\ndata: {"a":1}\n\n',
  ": heartbeat\r\n\r\ndata: one\ndata: two\n\nevent: result\ndata: {}\n\n",
  "\ufeffid\ndata\rdata: x\r\n\r\n",
];

const STREAMS: readonly FuzzTarget[] = [
  {
    name: "event stream",
    form: "text",
    seeds: EVENTS.map(utf8),
    covers: [readEvents],
    async run(input) {
      const chunks = [input.slice(0, input.length >> 1), input.slice(input.length >> 1)];
      const stream = new ReadableStream<Uint8Array>({
        start(controller) {
          for (const chunk of chunks) if (chunk.length > 0) controller.enqueue(chunk);
          controller.close();
        },
      });
      for await (const event of readEvents(stream, 60_000)) JSON.stringify(event);
    },
  },
];

export const HTTP_TARGETS: readonly FuzzTarget[] = [...routes(), ...STREAMS];
