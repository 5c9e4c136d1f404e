/**
 * Difference sketches of the lists that aggregate outputs were asked of, one for each such run, for as long as its epoch
 * lasts: sealed on disk, keyed by the epoch, never an id.
 */
import { join } from "node:path";
import type { Output } from "../../proto/agreement/fields.ts";
import { concat, equalBytes, fromHex, toHex } from "../../proto/encoding/bytes.ts";
import { canonicalJson, type Json, parseCanonicalJson } from "../../proto/encoding/canonical-json.ts";
import { domainHash } from "../../proto/encoding/sha256.ts";
import { DifferenceSketch, differenceBelow, SKETCH_BYTES } from "../../proto/policy/sketch.ts";
import type { Files, Random } from "../../proto/ports/ports.ts";
import { type Grouping, groupingsDigest } from "../../proto/report/grouping.ts";
import type { CountFloors } from "../../proto/report/suppression.ts";
import type { DatasetRegistration } from "../data/dataset.ts";
import { prepareInput } from "../data/prepare.ts";
import type { Selection } from "../data/selection.ts";
import type { SourceAccess } from "../data/source.ts";
import type { SpillPlace } from "../data/spill.ts";
import { openAtRest, sealAtRest } from "../store/at-rest.ts";

const CHECK_BYTES = 16;
/** Behind the check of the key and the digest of the dataset's content. */
const VERSION_END = CHECK_BYTES + 32;
/** Ids go through memory in this many parts. */
const PARTITIONS = 16;

export interface SketchedInput {
  /** Distinct ids that take part. */
  readonly rows: number;
  readonly sketch: DifferenceSketch;
}

/** Reads the node's own list once. `key`: the epoch's. Throws the errors of `prepareInput`. */
export async function sketchInput(
  registration: DatasetRegistration,
  selection: Selection | undefined,
  key: Uint8Array,
  place: { readonly spill: SpillPlace; readonly access?: SourceAccess },
): Promise<SketchedInput> {
  const reading = { jobKey: key, columns: [], partitions: PARTITIONS, withSubjects: false, ...place };
  const input = await prepareInput(registration, selection === undefined ? reading : { ...reading, selection });
  try {
    const sketch = new DifferenceSketch();
    let rows = 0;
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const { ids } = await input.rows(partition);
      sketch.add(ids);
      rows += ids.length / 16;
    }
    return { rows, sketch };
  } finally {
    await input.destroy();
  }
}

/** What a report breaks its list down by, and the floors that decide on what it shows. */
export interface ReportTerms {
  readonly groupings: readonly Grouping[];
  readonly floors: CountFloors;
}

/** A sketch, and what it is of. */
export interface KeptSketch {
  readonly sketch: DifferenceSketch;
  readonly report?: ReportTerms | undefined;
  /** Content digest of the dataset, hex. */
  readonly datasetVersion: string;
  /** The epoch's key, under which the ids were hashed. */
  readonly key: Uint8Array;
}

/** A run, and the version of this node's dataset in it as the log names it. */
export interface SketchedRun {
  readonly jobId: string;
  readonly output: Output;
  readonly versionTag: string | undefined;
}

/** A list that is to be compared with those of earlier runs. */
export type ComparedList = KeptSketch & { readonly versionTag: string; readonly output: Output };

export interface SketchesOptions {
  readonly files: Files;
  readonly random: Random;
  /** The node's at-rest key, 32 bytes. */
  readonly key: Uint8Array;
  /** Absolute. */
  readonly folder: string;
}

export class Sketches {
  readonly #options: SketchesOptions;

  constructor(options: SketchesOptions) {
    this.#options = options;
  }

  async put(
    jobId: string,
    epochEndsAtMs: number,
    { sketch, report, datasetVersion, key: epochKey }: KeptSketch,
  ): Promise<void> {
    const { files, random, key, folder } = this.#options;
    const terms = canonicalJson((report ?? null) as unknown as Json);
    const secret = concat(keyCheck(epochKey), fromHex(datasetVersion), sketch.toBytes(), terms);
    const sealed = sealAtRest({ key, random, purpose: purposeOf(jobId), secret });
    await files.writeDurable(join(folder, `${epochEndsAtMs}-${jobId}`), sealed);
  }

  /**
   * The smallest difference, below `limit`, of a list to those of earlier runs over the same version of the dataset;
   * undefined when it differs from each by `limit` or more, or not at all. What cannot be compared must not pass: a run
   * whose sketch is gone, or was made under a key that this node has lost, counts as a difference of one. `versionTag`: the
   * version as the runs name it, which tells whether a sketch that is gone was of it.
   *
   * Beside a report there is no other list at all, and counts as a difference of one: another list may be one of its groups
   * and a person more. So does a report of the same list by other floors, since what is shown together follows from neither.
   */
  async smallestDifference(
    list: ComparedList,
    earlier: readonly SketchedRun[],
    limit: number,
  ): Promise<number | undefined> {
    let smallest: number | undefined;
    for (const run of earlier) {
      const difference = await this.#difference(list, run, limit);
      if (difference !== undefined && difference > 0) smallest = Math.min(smallest ?? limit, difference);
    }
    return smallest;
  }

  async #difference(
    { sketch, report, datasetVersion, key, versionTag, output }: ComparedList,
    { jobId, output: earlier, versionTag: sketched }: SketchedRun,
    limit: number,
  ): Promise<number | undefined> {
    const secret = await this.#get(jobId);
    if (secret === undefined) return sketched === versionTag ? 1 : undefined;
    if (toHex(secret.subarray(CHECK_BYTES, VERSION_END)) !== datasetVersion) return undefined;
    if (!equalBytes(secret.subarray(0, CHECK_BYTES), keyCheck(key))) return 1;
    const difference = differenceBelow(sketch, sketchIn(secret), limit);
    const isReported = output === "overlap-report" || earlier === "overlap-report";
    if (isReported && difference === undefined) return 1;
    const before = termsIn(secret);
    const isOtherwise = report !== undefined && before !== null && !isSame(report.floors, before.floors);
    return isOtherwise ? Math.max(1, difference ?? 1) : difference;
  }

  /** Those of the reports of the very list, in the order of the runs, none twice. */
  async earlierGroupings(
    { sketch, datasetVersion, key }: KeptSketch,
    earlier: readonly SketchedRun[],
  ): Promise<readonly Grouping[]> {
    const found = new Map<string, Grouping>();
    for (const { jobId, output } of earlier) {
      if (output !== "overlap-report") continue;
      const secret = await this.#get(jobId);
      if (secret === undefined) continue;
      const isOfList =
        toHex(secret.subarray(CHECK_BYTES, VERSION_END)) === datasetVersion &&
        equalBytes(secret.subarray(0, CHECK_BYTES), keyCheck(key)) &&
        differenceBelow(sketch, sketchIn(secret), 1) === 0;
      if (!isOfList) continue;
      for (const grouping of termsIn(secret)?.groupings ?? []) found.set(groupingsDigest([grouping]), grouping);
    }
    return [...found.values()];
  }

  /** Removes those of epochs that have ended. */
  async sweep(nowMs: number): Promise<void> {
    const { files, folder } = this.#options;
    for (const name of await files.list(folder))
      if (Number(name.slice(0, name.indexOf("-"))) <= nowMs) await files.remove(join(folder, name));
  }

  /** Undefined when it is not there, or was changed. */
  async #get(jobId: string): Promise<Uint8Array | undefined> {
    const { files, key, folder } = this.#options;
    const name = (await files.list(folder)).find((item) => item.endsWith(`-${jobId}`));
    const sealed = name === undefined ? undefined : await files.read(join(folder, name));
    if (sealed === undefined) return undefined;
    try {
      return openAtRest({ key, purpose: purposeOf(jobId), sealed });
    } catch {
      return undefined;
    }
  }
}

function sketchIn(secret: Uint8Array): DifferenceSketch {
  return DifferenceSketch.fromBytes(secret.subarray(VERSION_END, VERSION_END + SKETCH_BYTES));
}

/** null of a match rate's list; nothing stands there in a sketch of before there were reports. */
function termsIn(secret: Uint8Array): ReportTerms | null {
  const terms = secret.subarray(VERSION_END + SKETCH_BYTES);
  return terms.length === 0 ? null : (parseCanonicalJson(terms) as unknown as ReportTerms | null);
}

function isSame(a: CountFloors, b: CountFloors): boolean {
  return a.group === b.group && a.matchRateCapPercent === b.matchRateCapPercent;
}

/** Tells whether two sketches were made under one key, and nothing else of it. */
function keyCheck(epochKey: Uint8Array): Uint8Array {
  return domainHash("entente sketch key check/1", epochKey).subarray(0, CHECK_BYTES);
}

function purposeOf(jobId: string): string {
  return `${jobId}/sketch`;
}
