/** Enrols a node that nobody sits at, as one in a container, with the invite in a file that is mounted for it. */
import type { Logger } from "pino";
import { fromUtf8 } from "../proto/encoding/bytes.ts";
import { CATALOGUE, toEntenteError } from "../proto/errors.ts";
import type { Files, Random, Timers } from "../proto/ports/ports.ts";
import { BackOff } from "./back-off.ts";
import type { Node } from "./node.ts";

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;

export interface Joining {
  readonly node: Pick<Node, "isEnrolled" | "needsInvite" | "enrol">;
  readonly files: Pick<Files, "read">;
  readonly timers: Timers;
  readonly random: Random;
  readonly logger: Logger;
}

/**
 * Looks into the file (absolute) now and then, as long as it is not closed: a node that is not enrolled enrols with the code in it, and one
 * that an invite can mend, as after a certificate has expired, with a new code. A code that was refused is not tried again. Nothing
 * that is amiss with the file, the code or the coordinator ends the node: its log says it, and readiness that it is not enrolled.
 */
export function joinByFile(path: string, { node, files, timers, random, logger }: Joining): { close(): Promise<void> } {
  const backOff = new BackOff({ random, firstMs: FIRST_PAUSE_MS, maxMs: LONGEST_PAUSE_MS });
  let isClosed = false;
  let cancel = () => {};
  /** What its log has been told, or the code that was tried in vain or with success. */
  let done = "";
  const look = async () => {
    const code = await codeIn(files, path);
    if (code === "" && !node.isEnrolled && done !== "waiting") {
      done = "waiting";
      logger.warn({ path }, "waiting for an invite in this file");
    }
    if (code === "" || code === done) return;
    try {
      if (!node.needsInvite(code)) return;
      await node.enrol(code);
      logger.info("enrolled with the invite in the file");
    } catch (thrown) {
      const error = toEntenteError(thrown);
      logger.error(
        { path, ...error.toPublic(), err: error.code === "INTERNAL" ? thrown : undefined },
        "the invite in the file could not be used",
      );
      if (CATALOGUE[error.code].retryable) return;
    }
    done = code;
  };
  const goOn = async () => {
    await look().catch((err: unknown) => logger.error({ err }, "the invite's file could not be looked at"));
    if (!isClosed) cancel = timers.after(backOff.nextMs(), () => void goOn());
  };
  void goOn();
  return {
    close: async () => {
      isClosed = true;
      cancel();
    },
  };
}

/** Empty when there is none yet. */
async function codeIn(files: Pick<Files, "read">, path: string): Promise<string> {
  const bytes = await files.read(path).catch(() => undefined);
  return bytes === undefined ? "" : fromUtf8(bytes).trim();
}
