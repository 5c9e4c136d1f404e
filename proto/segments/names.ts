/** What a segment is called, by its owner and by the peer that asks for it. */
import * as z from "zod";
import { writtenText } from "../agreement/fields.ts";

export const SEGMENT_KINDS = ["list", "import", "rule", "sql", "tier", "derived"] as const;
export type SegmentKind = (typeof SEGMENT_KINDS)[number];

/** What a peer reads of a segment. */
export const segmentDescriptionField = writtenText(200);
/** That a peer is told of, of one dataset. */
export const MAX_PUBLISHED_SEGMENTS = 256;

/** Words of the expressions that derive one segment from others. */
export const SEGMENT_WORDS = ["and", "or", "minus"] as const;

export const MAX_SEGMENT_VERSION = 1_000_000;

export const segmentNameField = z
  .string()
  .regex(/^[a-z][a-z0-9_-]{0,63}$/)
  .refine((name) => !(SEGMENT_WORDS as readonly string[]).includes(name), "a word of segment expressions");

/** A version never changes: who names it means one definition. */
export const segmentRefField = z.strictObject({
  name: segmentNameField,
  version: z.int().min(1).max(MAX_SEGMENT_VERSION),
});
export type SegmentRef = z.infer<typeof segmentRefField>;
