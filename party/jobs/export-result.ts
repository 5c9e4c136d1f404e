/** A job's result on its way out of the node: only in force, and never before evidence says so. */
import { fromUtf8 } from "../../proto/encoding/bytes.ts";
import { canonicalJson } from "../../proto/encoding/canonical-json.ts";
import { EntenteError } from "../../proto/errors.ts";
import { collaborationId } from "../../proto/ids.ts";
import type { Node } from "../node.ts";
import type { Job } from "./lifecycle.ts";
import { writeResult } from "./result-file.ts";
import { outputCommitmentSetting, type ResultRow } from "./results.ts";
import { storedSpec } from "./stored-spec.ts";

export interface ResultWish {
  readonly jobId: string;
  readonly format: "csv" | "parquet";
  /** The file to write. */
  readonly path: string;
  readonly person: string;
  /** Where it goes, in the person's words. */
  readonly destination: string;
  readonly forSpreadsheet?: boolean;
}

/** Writes the file, then the entry. Throws NOT_FOUND when the job has no result with labels, or has it no more;
 * AGREEMENT_NOT_IN_FORCE; STORAGE_FAILED. */
export async function exportResult(node: Node, wish: ResultWish): Promise<void> {
  const { jobId, format, path, forSpreadsheet = false } = wish;
  const { results, inForce, optOuts } = node.connected;
  const job = await node.book.require(jobId);
  const refuse = (detail: string) => new EntenteError("NOT_FOUND", { detail });
  if (job.state !== "done" || job.withheld) throw refuse("a result: the job released none");
  if (!(await results.has(jobId)))
    throw refuse("a result with labels: the job asked for none, or it was erased or withdrawn");
  await inForce.require(job.proposed.agreement);
  const { labels = [], operation } = await storedSpec(node.connected, job);
  const { idForm, rows } = await results.open(jobId);
  // Who has opted out since then stays on the disk until the result is erased, and is in no file any more.
  const isOptedOut = await optOuts.has(idForm);
  const shape = { isScore: operation === "score", labels };
  await writeResult(without(rows, isOptedOut), { format, path, forSpreadsheet, ...shape });
  await record(node, job, wish);
}

async function* without(
  rows: AsyncIterable<ResultRow>,
  isOptedOut: (subject: string) => boolean,
): AsyncGenerator<ResultRow> {
  for await (const row of rows) if (!isOptedOut(row.subject)) yield row;
}

/** Throws what the log throws: nothing may be handed out then. */
async function record(
  { store, logbook, sideNotes }: Node,
  { jobId, proposed }: Job,
  { person, format, destination }: ResultWish,
): Promise<void> {
  const outputCommitment = await store.setting(outputCommitmentSetting(jobId));
  if (outputCommitment === undefined)
    throw new EntenteError("STORAGE_FAILED", { detail: "the commitment to the job's output is gone" });
  const note = fromUtf8(canonicalJson({ person, format, destination }));
  await logbook.record(
    collaborationId(proposed.collaboration),
    "result-exported",
    [{ name: "job", digest: { sha256: proposed.jobDigest } }],
    { jobId, outputCommitment, destination: await sideNotes.put("destination", note), at: logbook.now() },
  );
}
