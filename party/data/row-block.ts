/**
 * A block of rows, column after column so that it is read and written through typed arrays: `capacity` 16-byte id hashes,
 * then the 64-bit features, the u32 row numbers, the 16-bit features, the labels. In the machine's byte order: blocks never leave it.
 */
import { ID_HASH_BYTES } from "./id-hash.ts";

/** Values of one feature: as they are in the dataset, or quantised. */
export type FeatureValues = Float64Array<ArrayBuffer> | Int16Array<ArrayBuffer>;
export type FeatureKind = "raw" | "quantised";

export interface RowBlock {
  readonly capacity: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Four words a row. */
  readonly idWords: Uint32Array<ArrayBuffer>;
  readonly rowIndex: Uint32Array<ArrayBuffer>;
  /** In the order of the kinds. */
  readonly features: readonly FeatureValues[];
  /** `labelBytes` a row. */
  readonly labels: Uint8Array<ArrayBuffer>;
}

/** What a row has beside its id. */
export interface RowForm {
  readonly kinds: readonly FeatureKind[];
  readonly labelBytes: number;
}

export const ID_WORDS = ID_HASH_BYTES / 4;
const ROW_INDEX_BYTES = 4;
const FEATURE_BYTES = { raw: 8, quantised: 2 } as const;

export function rowBytes({ kinds, labelBytes }: RowForm): number {
  return kinds.reduce((sum, kind) => sum + FEATURE_BYTES[kind], ID_HASH_BYTES + ROW_INDEX_BYTES + labelBytes);
}

/** Views into `bytes`, which start on a boundary of 8 and are `capacity * rowBytes(form)` long. */
export function rowBlock(bytes: Uint8Array<ArrayBuffer>, form: RowForm): RowBlock {
  const { kinds, labelBytes } = form;
  const capacity = bytes.length / rowBytes(form);
  const { buffer } = bytes;
  let at = bytes.byteOffset;
  const take = (bytesPerRow: number): number => {
    const start = at;
    at += capacity * bytesPerRow;
    return start;
  };
  const features: FeatureValues[] = [];
  const idWords = new Uint32Array(buffer, take(ID_HASH_BYTES), capacity * ID_WORDS);
  for (const [j, kind] of kinds.entries())
    if (kind === "raw") features[j] = new Float64Array(buffer, take(FEATURE_BYTES.raw), capacity);
  const rowIndex = new Uint32Array(buffer, take(ROW_INDEX_BYTES), capacity);
  for (const [j, kind] of kinds.entries())
    if (kind === "quantised") features[j] = new Int16Array(buffer, take(FEATURE_BYTES.quantised), capacity);
  const labels = new Uint8Array(buffer, take(labelBytes), capacity * labelBytes);
  return { capacity, bytes, idWords, rowIndex, features, labels };
}

export function newRowBlock(capacity: number, form: RowForm): RowBlock {
  return rowBlock(new Uint8Array(capacity * rowBytes(form)), form);
}
