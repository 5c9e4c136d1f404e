/** Questions to a person at a terminal, one line each. */
import { createInterface, type Interface } from "node:readline";
import { EntenteError } from "../../proto/errors.ts";

export interface Terminal {
  readonly input: NodeJS.ReadableStream;
  readonly output: NodeJS.WritableStream;
}

export interface Question<T> {
  readonly text: string;
  /** What an empty answer stands for; without it an empty one is checked as any other. */
  readonly usual?: string;
  /** The answer's meaning; what it throws is told, and the question asked again. */
  readonly check: (answer: string) => T | Promise<T>;
}

export class Prompt {
  readonly #lines: AsyncIterator<string>;
  readonly #interface: Interface;
  readonly #output: NodeJS.WritableStream;
  #isClosed = false;

  /** Standard input and, so that an answer can be piped on, standard error unless told otherwise. */
  constructor({ input, output }: Terminal = { input: process.stdin, output: process.stderr }) {
    this.#output = output;
    this.#interface = createInterface({ input, output });
    this.#lines = this.#interface[Symbol.asyncIterator]();
    this.#interface.once("close", () => {
      this.#isClosed = true;
    });
  }

  /** Throws CANCELLED when there is no answer to come: Ctrl-C, Ctrl-D, or the end of a file. */
  async ask<T>({ text, usual, check }: Question<T>): Promise<T> {
    for (;;) {
      const line = usual === undefined || usual === "" ? `${text} ` : `${text} [${usual}] `;
      this.#interface.setPrompt(line);
      // Lines that came before the end are still to be had.
      if (this.#isClosed) this.#output.write(line);
      else this.#interface.prompt();
      const { value, done } = await this.#lines.next();
      if (done === true) {
        this.#output.write("\n");
        throw new EntenteError("CANCELLED", { detail: "nothing was done" });
      }
      const answer = value.trim();
      try {
        return await check(answer === "" ? (usual ?? "") : answer);
      } catch (error) {
        const why = error instanceof EntenteError ? (error.detail ?? error.message) : (error as Error).message;
        this.#output.write(`  ${why}\n`);
      }
    }
  }

  close(): void {
    this.#interface.close();
  }
}

/** Whether there is a person to ask. */
export function canAsk(): boolean {
  return process.stdin.isTTY === true && process.stderr.isTTY === true;
}
