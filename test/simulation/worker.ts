/** A session's tasks on the session's own thread: the product's driver and protocols, without a worker thread. */
import type { BulkAes } from "../../party/crypto/bulk.ts";
import type { Platform } from "../../party/crypto/platform.ts";
import { bulkAes } from "../../party/session/bulk-aes.ts";
import { Driver, type FrameIo } from "../../party/session/drive.ts";
import { createPlatform } from "../../party/session/platform.ts";
import type { Task, TaskOutput } from "../../party/session/task.ts";
import type { TaskWorker } from "../../party/session/worker-port.ts";
import { EntenteError } from "../../proto/errors.ts";
import { easyGroup } from "./group.ts";

const NO_FRAMES: FrameIo = {
  send: () => Promise.reject(new EntenteError("INTERNAL")),
  receive: () => Promise.reject(new EntenteError("INTERNAL")),
};

/** The primitives, shared by all simulations of a thread: only their randomness is a simulation's own. */
const shared = await createPlatform();
export type Group = "ristretto255" | "easy";

/** `random`: the process's own. */
export async function platformOf(
  random: (length: number) => Uint8Array,
  group: Group,
): Promise<Platform & { bulkAes: BulkAes }> {
  const base =
    group === "easy" ? { ...shared, random, ristretto255: easyGroup(random) } : await createPlatform({ random });
  return { ...base, bulkAes };
}

export function inlineWorker(platform: Platform & { readonly bulkAes: BulkAes }): TaskWorker {
  const driver = new Driver(platform, () => {
    throw new EntenteError("INTERNAL", { detail: "no score is simulated" });
  });
  return {
    async run<T extends Task>(task: T, io: FrameIo = NO_FRAMES): Promise<TaskOutput<T>> {
      const output =
        task.kind === "receive"
          ? await driver.receive(task, io)
          : task.kind === "provide"
            ? await driver.provide(task, io)
            : driver.open(task);
      return output as TaskOutput<T>;
    },
    async close() {
      driver.dispose();
    },
  };
}
