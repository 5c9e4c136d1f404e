/** Lists of people: from ids as somebody has them to normalised ones, each once, and to bytes for the disk. */
import { basename } from "node:path";
import { concat } from "../../proto/encoding/bytes.ts";
import { EntenteError } from "../../proto/errors.ts";
import { datasetName } from "../../proto/ids.ts";
import { normaliseId } from "../data/composite-id.ts";
import type { DatasetRegistration } from "../data/dataset.ts";
import { idHasher, JOB_KEY_BYTES } from "../data/id-hash.ts";
import { inspectDataset } from "../data/inspect.ts";
import { type PackedText, packTexts, TextPacker } from "../data/packed-text.ts";
import { readDataset } from "../data/read.ts";
import type { RejectReason } from "../data/rejection.ts";
import { ID_WORDS } from "../data/row-block.ts";
import type { SourceAccess } from "../data/source.ts";
import type { SpillPlace } from "../data/spill.ts";
import { IdSlots } from "../protocols/id-slots.ts";

/** given = accepted + duplicates + all of rejected. */
export interface ListCounts {
  readonly given: number;
  readonly accepted: number;
  readonly duplicates: number;
  readonly rejected: Readonly<Partial<Record<RejectReason, number>>>;
}

export interface CountedPeople {
  /** Normalised, each once. */
  readonly people: PackedText;
  readonly counts: ListCounts;
}

/** Of all lists of one segment: 10 million ids take 0.4 GB where they are used. */
const MAX_PEOPLE = 10_000_000;

type IdForm = Pick<DatasetRegistration, "ids">;

/** As it is written: of several columns one text each, in order. */
export type WrittenId = string | readonly string[];

/** Ids as a person typed or pasted them, in the form of a dataset's. Throws SEGMENT_INVALID when none is good. */
export async function peopleOf(written: readonly WrittenId[], { ids }: IdForm): Promise<CountedPeople> {
  const rejected: Partial<Record<RejectReason, number>> = {};
  const accepted = new Set<string>();
  let duplicates = 0;
  for (const id of written) {
    const parts = typeof id === "string" ? [id] : id;
    if (parts.length !== ids.length)
      throw new EntenteError("SEGMENT_INVALID", {
        detail: `an id has ${parts.length} parts, the dataset's ${ids.length}`,
      });
    const result = normaliseId(ids, parts);
    if (!result.ok) rejected[result.reason] = (rejected[result.reason] ?? 0) + 1;
    else if (accepted.has(result.id)) duplicates++;
    else accepted.add(result.id);
  }
  const counts = { given: written.length, accepted: accepted.size, duplicates, rejected };
  if (accepted.size === 0) throw noneUsable(counts);
  return { people: await packTexts(accepted), counts };
}

function noneUsable({ given, rejected }: ListCounts): EntenteError {
  const reasons = Object.entries(rejected).map(([reason, count]) => `${reason} ${count}`);
  return new EntenteError("SEGMENT_INVALID", { detail: `none of ${given} ids is usable: ${reasons.join(", ")}` });
}

export interface ImportInput {
  /** Absolute. */
  readonly path: string;
  /** In the order of the dataset's. */
  readonly idColumns: readonly string[];
  readonly like: IdForm;
  readonly access: SourceAccess;
  readonly spill?: SpillPlace;
}

/** The ids of a file, read now and never again. Throws the errors of `inspectDataset`, SEGMENT_INVALID for too many. */
export async function importPeople({ path, idColumns, like, access, spill }: ImportInput): Promise<CountedPeople> {
  if (idColumns.length !== like.ids.length)
    throw new EntenteError("SEGMENT_INVALID", {
      detail: `${idColumns.length} id columns, the dataset has ${like.ids.length}`,
    });
  const ids = like.ids.map(({ normaliser }, i) => ({ column: idColumns[i] as string, normaliser }));
  const read = await inspectDataset({ name: datasetName("import"), path, ids, access, ...(spill && { spill }) });
  const { rows, accepted, duplicates, rejectedByReason: rejected } = read;
  if (accepted > MAX_PEOPLE)
    throw new EntenteError("SEGMENT_INVALID", { detail: `${basename(path)}: more than ${MAX_PEOPLE} people` });
  const counts = { given: rows, accepted, duplicates, rejected };
  // Nobody sees the hashes: they tell duplicates apart.
  const hasher = idHasher(new Uint8Array(JOB_KEY_BYTES));
  const slots = new IdSlots(new Uint8Array(accepted * ID_WORDS * 4), accepted);
  const packer = new TextPacker();
  let count = 0;
  try {
    for await (const { ids, hashes } of readDataset(read, { columns: [], hasher, access })) {
      const words = new Uint32Array((hashes as Uint8Array).buffer, 0, ids.count * ID_WORDS);
      for (let i = 0; i < ids.count; i++) {
        if (!slots.add(words, i, count)) continue;
        packer.addFrom(ids, i);
        count++;
      }
    }
  } finally {
    hasher.destroy();
  }
  return { people: packer.packed(), counts };
}

/** How many, their offsets, then the texts; in the machine's byte order, as they stay on its disk. */
export function peopleBytes({ count, bytes, offsets }: PackedText): Uint8Array<ArrayBuffer> {
  return concat(bytesOf(Uint32Array.of(count)), bytesOf(offsets), bytes);
}

function bytesOf({ buffer, byteOffset, byteLength }: Uint32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** Of `peopleBytes`, authenticated before. */
export function readPeople(stored: Uint8Array): PackedText {
  const bytes = stored.byteOffset % 4 === 0 ? stored : stored.slice();
  const [count = 0] = new Uint32Array(bytes.buffer, bytes.byteOffset, 1);
  const offsets = new Uint32Array(bytes.buffer, bytes.byteOffset + 4, count + 1);
  return { count, offsets, bytes: bytes.subarray(4 + offsets.byteLength) };
}
