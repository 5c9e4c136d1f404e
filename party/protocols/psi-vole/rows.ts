/** A side's own rows: padded, hashed and binned, all under keys of this session and partition. */
import { concat, uintBe, utf8 } from "../../../proto/encoding/bytes.ts";
import { EntenteError } from "../../../proto/errors.ts";
import { keyedState } from "../../crypto/okvs/blake2s.ts";
import { binRows, type RowBins } from "../../crypto/okvs/row-bins.ts";
import type { Platform } from "../../crypto/platform.ts";
import { ID_BYTES, type PartitionContext } from "../step.ts";
import { DUMMY_KIND, type PsiVoleParams } from "./params.ts";
import type { PsiVolePlatform } from "./platform.ts";

const DIGEST_BYTES = 32;
const DUMMY_PREFIX_BYTES = 12;
const VALUE_BYTES = 16;
const USE = {
  row: "entente psi-vole row/1",
  output: "entente psi-vole output/1",
  labelPad: "entente psi-vole label pad/1",
} as const;

/** The keyed start of one of the protocol's hashes: BLAKE2s-256 under SHA-256(use || session || partition). */
export function hashState(platform: Platform, context: PartitionContext, use: keyof typeof USE): Uint8Array {
  const label = utf8(USE[use]);
  const key = platform.sha256(concat(uintBe(label.length, 1), label, context.sessionId, uintBe(context.partition, 4)));
  return keyedState(key, DIGEST_BYTES);
}

/** Ones over the bytes of a value. */
export function valueMask({ valueBytes }: PsiVoleParams): Uint8Array {
  return new Uint8Array(VALUE_BYTES).fill(0xff, 0, valueBytes);
}

export interface OwnRows {
  /** Number of rows that are there. */
  readonly count: number;
  /** Made at the first call, so that a side can send before it hashes; after that the ids are not read again. */
  bins(): RowBins;
  wipe(): void;
}

/** Throws INTERNAL when the list does not fit its partition. */
export function ownRows(
  platform: PsiVolePlatform,
  context: PartitionContext,
  params: PsiVoleParams,
  role: "receiver" | "sender",
  ids: Uint8Array,
): OwnRows {
  const capacity = role === "receiver" ? context.receiverCapacity : context.senderCapacity;
  const count = ids.length / ID_BYTES;
  if (!Number.isInteger(count) || count > capacity)
    throw new EntenteError("INTERNAL", { detail: "psi-vole: the list does not fit its partition" });
  const dummyPrefix = platform.random(DUMMY_PREFIX_BYTES);
  let list: Uint8Array | undefined = ids;
  let made: RowBins | undefined;
  return {
    count,
    bins() {
      if (list === undefined) return made as RowBins;
      made = binRows(platform.kernels.okvs, role === "receiver" ? params.okvs : params.senderBins, {
        ids: list,
        capacity,
        dummyKind: DUMMY_KIND[role],
        dummyPrefix,
        state: hashState(platform, context, "row"),
        valueMask: valueMask(params),
      });
      list = undefined;
      return made;
    },
    wipe() {
      made?.wipe();
    },
  };
}
