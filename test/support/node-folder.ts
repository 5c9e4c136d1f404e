/** What a node has on its disk, looked at from outside. */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

export interface Leftovers {
  /** Folders of jobs in the spool. */
  readonly spool: readonly string[];
  /** Secrets of jobs that are still stored. */
  readonly secrets: number;
  readonly tags: number;
}

export const NOTHING_LEFT: Leftovers = { spool: [], secrets: 0, tags: 0 };

/** Works while the node runs and when it does not. */
export async function leftoversIn(nodeFolder: string): Promise<Leftovers> {
  const db = new DatabaseSync(join(nodeFolder, "node.db"));
  const count = (table: "job_secret" | "tag") => Number(db.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.n);
  try {
    return {
      spool: await readdir(join(nodeFolder, "spool")).catch(() => []),
      secrets: count("job_secret"),
      tags: count("tag"),
    };
  } finally {
    db.close();
  }
}
