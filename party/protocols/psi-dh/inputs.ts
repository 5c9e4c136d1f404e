/**
 * The OPRF inputs of a padded list: prefix || id for the rows that are there, prefix || random bytes for the rest. A
 * dummy is one byte longer than an id, so it equals none, and it goes the same way at the same cost as a row that is
 * there: neither the wire nor the time tells them apart. The prefix binds session and partition.
 */
import { concat, uintBe, utf8 } from "../../../proto/encoding/bytes.ts";
import type { Platform } from "../../crypto/platform.ts";
import { ID_BYTES, type PartitionContext } from "../step.ts";

const DUMMY_BYTES = ID_BYTES + 1;
const DOMAIN = utf8("entente psi-dh input/1");

export interface PaddedInputs {
  /** Inputs of these rows of the padded list; dummies are new at every call. */
  at(rows: ArrayLike<number>): readonly Uint8Array[];
}

/** `ids`: n * 16 bytes, the rows 0 .. n-1. */
export function paddedInputs(platform: Platform, context: PartitionContext, ids: Uint8Array): PaddedInputs {
  const count = ids.length / ID_BYTES;
  const prefix = concat(DOMAIN, context.sessionId, uintBe(context.partition, 4));
  const row = (index: number, dummy: Uint8Array) =>
    concat(prefix, index < count ? ids.subarray(index * ID_BYTES, (index + 1) * ID_BYTES) : dummy);
  return {
    at(rows) {
      // Drawn for every row, used or not: the draw must not show how many rows are there.
      const dummies = platform.random(rows.length * DUMMY_BYTES);
      return Array.from(rows, (index, i) => row(index, dummies.subarray(i * DUMMY_BYTES, (i + 1) * DUMMY_BYTES)));
    },
  };
}
