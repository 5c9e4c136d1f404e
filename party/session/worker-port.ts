/** The session's end of its worker thread. */
import { Worker } from "node:worker_threads";
import type { Frame } from "../../proto/codec/frame.ts";
import { EntenteError, type ErrorCode } from "../../proto/errors.ts";
import type { FrameIo } from "./drive.ts";
import type { Task, TaskOutput } from "./task.ts";

export type ToWorker = { kind: "task"; task: Task } | { kind: "frame"; frame: Frame } | { kind: "sent" };

export type FromWorker =
  | { kind: "send"; frame: Frame }
  | { kind: "need" }
  | { kind: "done"; output: unknown }
  | { kind: "error"; code: ErrorCode; detail?: string /** Stack without the message. */; cause?: string[] };

/** The memory behind a large result, to be handed over instead of copied: the giver has no use for it any more. Buffers
 * that are shared with something else stay. */
export function buffersIn(value: unknown): ArrayBuffer[] {
  const found = new Set<ArrayBuffer>();
  const visit = (item: unknown): void => {
    if (ArrayBuffer.isView(item)) {
      if (item.buffer instanceof ArrayBuffer && item.byteLength === item.buffer.byteLength && item.byteLength > 0)
        found.add(item.buffer);
    } else if (typeof item === "object" && item !== null) for (const part of Object.values(item)) visit(part);
  };
  visit(value);
  return [...found];
}

/** What runs the tasks of one session: a thread, or in a simulator the session itself. */
export interface TaskWorker {
  /** Tasks run one after another. Frames go out and come in through `io`. */
  run<T extends Task>(task: T, io?: FrameIo): Promise<TaskOutput<T>>;
  /** Ends it, and with it every secret it held. */
  close(): Promise<void>;
}

export class SessionWorker implements TaskWorker {
  readonly #worker: Worker;
  #exited: Error | undefined;

  constructor() {
    const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
    this.#worker = new Worker(new URL(`./worker.${extension}`, import.meta.url));
    this.#worker.on("error", (error: Error) => (this.#exited = error));
    this.#worker.on("exit", () => (this.#exited ??= new Error("the worker thread ended")));
  }

  run<T extends Task>(task: T, io?: FrameIo): Promise<TaskOutput<T>> {
    return new Promise((resolve, reject) => {
      const settle = (finish: () => void) => {
        this.#worker.off("message", onMessage);
        this.#worker.off("error", onError);
        this.#worker.off("exit", onExit);
        finish();
      };
      const fail = (error: unknown) => settle(() => reject(error));
      const onError = (cause: Error) => fail(new EntenteError("INTERNAL", { cause }));
      const onExit = () => fail(new EntenteError("INTERNAL", { cause: this.#exited }));
      const onMessage = (message: FromWorker) => {
        if (message.kind === "done") settle(() => resolve(message.output as TaskOutput<T>));
        else if (message.kind === "error") {
          const cause = message.cause && Object.assign(new Error(), { stack: message.cause.join("\n") });
          fail(
            new EntenteError(message.code, {
              ...(message.detail === undefined ? {} : { detail: message.detail }),
              cause,
            }),
          );
        } else if (io === undefined) fail(new EntenteError("INTERNAL"));
        else if (message.kind === "send") io.send(message.frame).then(() => this.#say({ kind: "sent" }), fail);
        else io.receive().then((frame) => this.#say({ kind: "frame", frame }), fail);
      };
      if (this.#exited !== undefined) {
        onExit();
        return;
      }
      this.#worker.on("message", onMessage);
      this.#worker.on("error", onError);
      this.#worker.on("exit", onExit);
      this.#say({ kind: "task", task });
    });
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }

  #say(message: ToWorker): void {
    this.#worker.postMessage(
      message,
      message.kind === "task" && message.task.kind === "open" ? buffersIn(message.task.sealed) : [],
    );
  }
}
