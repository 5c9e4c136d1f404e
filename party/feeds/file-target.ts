/** A feed into a folder: `NAME.csv` with all tags in force, or `NAME-CHANGE.csv` with what has changed up to that change. */
import { join } from "node:path";
import { EntenteError, toEntenteError } from "../../proto/errors.ts";
import { exportTags, type TagLine } from "../tags/export.ts";
import type { Outgoing, Target } from "./target.ts";

/** Digits of the greatest exact integer, so that names sort as the changes do. */
const CHANGE_DIGITS = 16;

export interface FileTargetConfig {
  readonly kind: "csv" | "parquet";
  /** Absolute. */
  readonly folder: string;
  readonly forSpreadsheet?: boolean | undefined;
}

/** Each file is written whole and then renamed, and its name is the delivery's own. Throws STORAGE_FAILED. */
export function fileTarget({ kind, folder, forSpreadsheet = false }: FileTargetConfig): Target {
  return async (outgoing) => {
    const { feed, mode, toChange } = outgoing;
    const number = mode === "full" ? "" : `-${String(toChange).padStart(CHANGE_DIGITS, "0")}`;
    const counts = { written: 0, ended: 0 };
    const options = { format: kind, path: join(folder, `${feed}${number}.${kind}`), forSpreadsheet };
    try {
      await exportTags(lines(outgoing, counts), { ...options, withState: mode === "since-last" });
    } catch (error) {
      const typed = toEntenteError(error);
      if (typed.code !== "STORAGE_FAILED") throw typed;
      throw new EntenteError("STORAGE_FAILED", { detail: "the feed's folder", cause: error });
    }
    return counts;
  };
}

async function* lines(outgoing: Outgoing, counts: { written: number; ended: number }): AsyncGenerator<TagLine> {
  for await (const changes of outgoing.changes(null)) {
    for (const { tag, isEnded } of changes) {
      if (isEnded) counts.ended++;
      else counts.written++;
      yield { ...tag, state: isEnded ? "ended" : "current" };
    }
  }
}
