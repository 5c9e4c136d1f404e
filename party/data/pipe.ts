/**
 * Bytes of ours to DuckDB as if they were a file: a named pipe (FIFO) of mode 0600 in a fresh folder of mode 0700. What goes
 * through it is never on disk. Reader and writer meet at the opening of it, and each would wait for the other forever:
 *
 * - the write end is opened without blocking, again and again until the reader is there, and written through the event loop,
 *   so that no thread that the reader needs is ever held;
 * - a stream that fails ends the pipe, which the reader takes for the end of the file: `finish` then says what happened;
 * - a reader that stops is found by `close`, which ends the stream first, so that the reader never waits for more.
 */
import { execFile } from "node:child_process";
import { constants, open } from "node:fs";
import { rm } from "node:fs/promises";
import { Socket } from "node:net";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { diskError } from "../../proto/ports/disk-error.ts";
import { freshFolder } from "./private-file.ts";

const POLL_MS = 2;

export class Pipe {
  readonly path: string;
  readonly #folder: string;
  readonly #stop = new AbortController();
  readonly #done: Promise<void>;
  #failure: unknown;
  /** Why writing ended early: the same, or that the reader went. */
  #broken: unknown;
  #isWhole = false;

  private constructor(folder: string, path: string, bytes: AsyncIterable<Uint8Array>) {
    this.#folder = folder;
    this.path = path;
    this.#done = this.#write(bytes).catch((error: unknown) => {
      this.#broken = error;
    });
  }

  /** `bytes` is asked for its first chunk once the reader is there. Throws STORAGE_FAILED. */
  static async open(folder: string, bytes: AsyncIterable<Uint8Array>): Promise<Pipe> {
    const fresh = await freshFolder(folder);
    const path = join(fresh, "pipe");
    try {
      await promisify(execFile)("mkfifo", ["-m", "600", path]);
    } catch (cause) {
      await rm(fresh, { recursive: true, force: true });
      throw diskError(cause);
    }
    return new Pipe(fresh, path, bytes);
  }

  /** Why the stream ended early, as soon as it did. */
  get failure(): unknown {
    return this.#failure;
  }

  /** After the reader has seen the end: throws what ended the stream early, if anything did. */
  async finish(): Promise<void> {
    await this.#done;
    if (this.#isWhole) return;
    throw this.#failure ?? this.#broken ?? new Error("nobody has read the stream");
  }

  /** Ends the stream where it is, and removes the pipe. To be called before the reader is closed, whatever happened. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#done;
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #write(bytes: AsyncIterable<Uint8Array>): Promise<void> {
    const fd = await this.#openForWriting();
    if (fd === undefined) return;
    const socket = new Socket({ fd, readable: false, writable: true });
    await pipeline(this.#watched(bytes), socket, { signal: this.#stop.signal });
    this.#isWhole = true;
  }

  /** Notes the stream's own failure: the pipeline's may be the reader's. */
  async *#watched(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    try {
      for await (const chunk of bytes) if (chunk.length > 0) yield chunk;
    } catch (error) {
      this.#failure = error;
      throw error;
    }
  }

  /** Undefined when it was closed before a reader came. */
  async #openForWriting(): Promise<number | undefined> {
    while (!this.#stop.signal.aborted) {
      const fd = await openNow(this.path);
      if (fd !== undefined) return fd;
      await sleep(POLL_MS);
    }
    return undefined;
  }
}

/** Undefined while nobody has it open for reading. */
function openNow(path: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    open(path, constants.O_WRONLY | constants.O_NONBLOCK, (error, fd) => {
      if (error === null) resolve(fd);
      else if (error.code === "ENXIO") resolve(undefined);
      else reject(error);
    });
  });
}
