/**
 * The session's worker thread: builds the one `Platform`, drives protocols, and talks to its session over a message port
 * in packed bytes. It holds no socket, no file and no id string.
 */
import { parentPort } from "node:worker_threads";
import type { Frame } from "../../proto/codec/frame.ts";
import { EntenteError, toEntenteError } from "../../proto/errors.ts";
import { createHe } from "../he/he.ts";
import { stackOf } from "../trace.ts";
import { wasmModule } from "../wasm/modules.ts";
import { Driver, type FrameIo } from "./drive.ts";
import type { Task } from "./task.ts";
import { createWorkerPlatform } from "./worker-platform.ts";
import { buffersIn, type FromWorker, type ToWorker } from "./worker-port.ts";

/** Frames under way to the session's socket before the worker waits: bounds memory when the peer is slow. */
const MAX_UNSENT_FRAMES = 8;

const port = parentPort;
if (port === null) throw new Error("worker.ts runs as a worker thread only");

const say = (message: FromWorker) =>
  port.postMessage(message, message.kind === "done" ? buffersIn(message.output) : []);
const driver = new Driver(await createWorkerPlatform(), () => createHe(wasmModule("score")));
let unsent = 0;
let onSent: (() => void) | undefined;
let onFrame: ((frame: Frame) => void) | undefined;

const io: FrameIo = {
  async send(frame) {
    unsent++;
    say({ kind: "send", frame });
    if (unsent >= MAX_UNSENT_FRAMES) await new Promise<void>((resolve) => (onSent = resolve));
  },
  receive() {
    say({ kind: "need" });
    return new Promise((resolve) => (onFrame = resolve));
  },
};

async function run(task: Task): Promise<void> {
  try {
    const output =
      task.kind === "receive"
        ? await driver.receive(task, io)
        : task.kind === "provide"
          ? await driver.provide(task, io)
          : driver.open(task);
    say({ kind: "done", output });
  } catch (thrown) {
    const error = toEntenteError(thrown);
    const cause = error.code === "INTERNAL" && thrown instanceof Error ? stackOf(thrown) : undefined;
    say({
      kind: "error",
      code: error.code,
      ...(error.detail === undefined ? {} : { detail: error.detail }),
      ...(cause === undefined ? {} : { cause }),
    });
  }
}

port.on("message", (message: ToWorker) => {
  if (message.kind === "task") void run(message.task);
  else if (message.kind === "frame") onFrame?.(message.frame);
  else if (message.kind === "sent") {
    unsent--;
    onSent?.();
  } else throw new EntenteError("INTERNAL");
});
