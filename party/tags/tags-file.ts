/** The tags in force as a file for whoever asks for it: what is in it was in force at one moment, and evidence says whose it is. */
import { EntenteError } from "../../proto/errors.ts";
import type { RouteInput } from "../../proto/http/routes.ts";
import { fileAnswer } from "../api/file-answer.ts";
import type { FileAnswer } from "../api/server.ts";
import type { Node } from "../node.ts";
import { exportTags } from "./export.ts";
import { recordExport } from "./exported.ts";

/** Times that the file is written anew because tags came or went meanwhile. */
const MAX_TRIES = 5;

/** Only while the peers say that the agreements of all tags are in force. Throws AGREEMENT_NOT_IN_FORCE, OVERLOADED when tags
 * change all the time, STORAGE_FAILED. */
export function tagsFile(node: Node, wanted: RouteInput<"exportTags">, person: string): Promise<FileAnswer> {
  const { format, destination = "" } = wanted;
  return fileAnswer(node, { name: "tags", format }, async (path) => {
    const jobIds = await writeAtOneMoment(node, wanted, path);
    await recordExport(node, { jobIds, person, format, destination });
  });
}

/** Resolves with the jobs whose tags are in the file. What is issued between the questions and the file would be in it unasked. */
async function writeAtOneMoment(
  { store, connected, logbook }: Node,
  { format, key }: RouteInput<"exportTags">,
  path: string,
): Promise<string[]> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const change = await store.lastTagChange();
    const now = logbook.now();
    for (const digest of await store.tagAgreements(now)) await connected.inForce.require(digest);
    const counts = (await store.tagCounts(now)).filter((tags) => key === undefined || tags.key === key);
    await exportTags(store.tags({ now, ...(key === undefined ? {} : { key }) }), { format, path });
    if ((await store.lastTagChange()) === change) return [...new Set(counts.map(({ jobId }) => jobId))].sort();
  }
  throw new EntenteError("OVERLOADED", { detail: "tags came and went while the file was written" });
}
