/** Parts of session messages, from the wire and to it: each form and bound is checked here. All throw WIRE_INVALID. */
import { MAX_ID_COLUMNS } from "../agreement/fields.ts";
import { fromUtf8 } from "../encoding/bytes.ts";
import { decodeEnvelope, type Envelope, encodeEnvelope } from "../encoding/dsse.ts";
import { EntenteError } from "../errors.ts";
import { MAX_ENTRY_BYTES } from "../evidence/tiles.ts";
import type { entente } from "../gen/messages.js";
import { MAX_PUBLISHED_SEGMENTS, segmentDescriptionField, segmentRefField } from "../segments/names.ts";
import { type Endpoint, parseEndpoint } from "./endpoint.ts";
import type {
  DatasetDescriptor,
  PartitionOfAttempt,
  SegmentDescriptor,
  Software,
  WireLogOffer,
  WitnessState,
} from "./session-messages.ts";

export const MAX_DATASETS = 256;
const MAX_SUITES = 64;
const MAX_COLUMNS = 1024;
const MAX_PROOF_HASHES = 63;
export const MAX_PARTITIONS = 1024;
export const MAX_NOTE_BYTES = 64 * 1024;

export function invalid(detail: string, cause?: unknown): EntenteError {
  return new EntenteError("WIRE_INVALID", { detail: `session message: ${detail}`, cause });
}

export function wireEnvelope(envelope: Envelope): Uint8Array {
  return encodeEnvelope(envelope);
}

/** A DSSE envelope in its canonical JSON. Throws WIRE_INVALID. */
export function readEnvelope(bytes: Uint8Array | null | undefined): Envelope {
  if (bytes == null || bytes.length === 0) throw invalid("envelope missing");
  return decodeEnvelope(bytes);
}

export function envelopeOrNone(bytes: Uint8Array | null | undefined): Envelope | undefined {
  return bytes == null || bytes.length === 0 ? undefined : readEnvelope(bytes);
}

export function bytesOrNone(
  bytes: Uint8Array | null | undefined,
  length: number,
  what: string,
): Uint8Array | undefined {
  return bytes == null || bytes.length === 0 ? undefined : exactly(bytes, length, what);
}

export function exactly(bytes: Uint8Array | null | undefined, length: number, what: string): Uint8Array {
  if (bytes == null || bytes.length !== length) throw invalid(`${what} has another length`);
  return bytes;
}

export function shortText(bytes: Uint8Array | null | undefined, maxBytes: number): string {
  if (bytes == null || bytes.length === 0 || bytes.length > maxBytes) throw invalid("text length");
  return fromUtf8(bytes);
}

export function partitionsOf(
  items: readonly entente.v1.PartitionOfAttempt.$Properties[] | null | undefined,
): readonly PartitionOfAttempt[] {
  if (items == null) return [];
  if (items.length > MAX_PARTITIONS) throw invalid("too many partitions");
  return items.map(({ partition, attempt }) => ({ partition: partition ?? 0, attempt: attempt ?? 0 }));
}

export function proofOf(hashes: readonly Uint8Array[] | null | undefined): readonly Uint8Array[] {
  if (hashes == null) return [];
  if (hashes.length > MAX_PROOF_HASHES) throw invalid("proof too long");
  return hashes.map((hash) => exactly(hash, 32, "proof hash"));
}

export function name(text: string | null | undefined): string {
  if (text == null || text.length === 0 || text.length > 128) throw invalid("name length");
  return text;
}

export function note(bytes: Uint8Array | null | undefined): Uint8Array {
  if (bytes == null || bytes.length === 0 || bytes.length > MAX_NOTE_BYTES) throw invalid("note length");
  return bytes;
}

export function logOfferToWire({
  oldSize,
  proof,
  note: checkpointNote,
  first,
}: WireLogOffer): entente.v1.LogOffer.$Properties {
  const begin = first === undefined ? {} : { firstEntry: first.entry, firstProof: [...first.proof] };
  return { oldSize, consistencyProof: [...proof], checkpointNote, ...begin };
}

export function logOfferOf(offer: entente.v1.LogOffer.$Properties | null | undefined): WireLogOffer {
  const entry = offer?.firstEntry;
  if ((entry?.length ?? 0) > MAX_ENTRY_BYTES) throw invalid("entry length");
  return {
    oldSize: offer?.oldSize ?? 0,
    proof: proofOf(offer?.consistencyProof),
    note: note(offer?.checkpointNote),
    first: entry == null || entry.length === 0 ? undefined : { entry, proof: proofOf(offer?.firstProof) },
  };
}

/** An origin exactly when the size is not 0. */
export function witnessState(state: entente.v1.WitnessState.$Properties | null | undefined): WitnessState {
  const { size, origin } = { size: state?.size ?? 0, origin: state?.origin ?? "" };
  if (origin.length > 128 || (size > 0 && origin === "")) throw invalid("witness state");
  return { size, origin };
}

/** Throws WIRE_INVALID. */
export function addressOf(text: string): Endpoint {
  try {
    return parseEndpoint(text);
  } catch (cause) {
    throw invalid("address", cause);
  }
}

export function softwareOf(wire: entente.v1.SoftwareDescriptor.$Properties | null | undefined): Software {
  const [version, suites, at] = [wire?.version ?? "", wire?.suites ?? [], wire?.at ?? ""];
  const isVersion = /^[0-9A-Za-z.+-]{1,64}$/.test(version);
  const areSuites =
    suites.length <= MAX_SUITES && suites.every((suite) => /^[a-z0-9-]{1,32}\/[0-9a-f]{8}$/.test(suite));
  if (!isVersion || !areSuites || !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(at)) throw invalid("software");
  return { version, suites, at };
}

export function descriptorOf(wire: entente.v1.DatasetDescriptor.$Properties): DatasetDescriptor {
  const columns = wire.columns ?? [];
  if (columns.length > MAX_COLUMNS) throw invalid("too many columns");
  const ids = wire.ids ?? [];
  if (ids.length === 0 || ids.length > MAX_ID_COLUMNS) throw invalid("number of id columns");
  const segments = wire.segments ?? [];
  if (segments.length > MAX_PUBLISHED_SEGMENTS) throw invalid("too many segments");
  return {
    name: name(wire.name),
    ids: ids.map(({ column, normaliser }) => ({ column: name(column), normaliser: name(normaliser) })),
    columns: columns.map((column) => ({ name: name(column.name), type: name(column.type) })),
    segments: segments.map(segmentOf),
  };
}

export function segmentOf(wire: entente.v1.SegmentDescriptor.$Properties): SegmentDescriptor {
  const { name, version, description } = wire;
  const ref = segmentRefField.safeParse({ name, version });
  const text = segmentDescriptionField.safeParse(description);
  if (!ref.success || !text.success) throw invalid("segment");
  return { ...ref.data, description: text.data };
}
