/** Reads server-sent events (WHATWG HTML, section 9.2.6) from a response's bytes. */

export interface ReceivedEvent {
  /** "message" where the stream names none. */
  readonly name: string;
  readonly data: string;
  /** The last id that the stream has given, also with an earlier event. */
  readonly id: string | undefined;
}

/** A longer line is no event of a node. */
const MAX_LINE_CHARACTERS = 4 * 1024 * 1024;

/**
 * Events in their order; ends when the stream does. What stands behind the last blank line was cut off and is not given.
 * `silenceMs`: a stream without even a heartbeat for so long is dead. Throws RangeError then, or for an endless line, and what
 * reading throws.
 */
export async function* readEvents(
  stream: ReadableStream<Uint8Array>,
  silenceMs: number,
): AsyncGenerator<ReceivedEvent, void, undefined> {
  const decoder = new TextDecoder();
  const reader = stream.getReader();
  const reading = new EventReading();
  try {
    for (;;) {
      let isSilent = false;
      const timer = setTimeout(() => {
        isSilent = true;
        void reader.cancel().catch(() => {});
      }, silenceMs);
      const { done, value } = await reader.read().finally(() => clearTimeout(timer));
      if (isSilent) throw new RangeError("an event stream has fallen silent");
      if (done) return;
      yield* reading.take(decoder.decode(value, { stream: true }));
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}

class EventReading {
  #rest = "";
  #name = "";
  #data: string[] = [];
  #id: string | undefined;

  *take(text: string): Generator<ReceivedEvent> {
    // A CR at the end may be half of a CRLF: it waits for what follows.
    const lines = (this.#rest + text).split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop() as string;
    if (this.#rest.length > MAX_LINE_CHARACTERS) throw new RangeError("a line of an event stream has no end");
    for (const line of lines) {
      if (line === "") yield* this.#dispatch();
      else this.#field(line);
    }
  }

  *#dispatch(): Generator<ReceivedEvent> {
    const data = this.#data;
    const name = this.#name === "" ? "message" : this.#name;
    this.#data = [];
    this.#name = "";
    if (data.length > 0) yield { name, data: data.join("\n"), id: this.#id };
  }

  #field(line: string): void {
    const [, name, value = ""] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? [];
    if (name === "data") this.#data.push(value);
    else if (name === "event") this.#name = value;
    else if (name === "id" && !value.includes("\0")) this.#id = value;
  }
}
