/** The checks that the codecs of the coordinator's messages share, and the limits they check against. */
import { utcTime } from "../agreement/fields.ts";
import { EntenteError } from "../errors.ts";
import { entente } from "../gen/messages.js";
import { type PartyId, partyId } from "../ids.ts";
import { type Codec, messageCodec } from "./grpc.ts";

export const wire = entente.v1;

export const PUBLIC_KEY_BYTES = 32;
export const MAX_CERTIFICATE_BYTES = 8_192;
export const MAX_KEYSET_BYTES = 8_192;
/** Of one party: changes of its identity, each of which people notice. */
export const MAX_SUCCESSIONS = 16;
export const MAX_CODE_CHARACTERS = 2_048;
/** A log entry's limit (C2SP tlog-tiles: entries carry a 16-bit length). */
export const MAX_ENVELOPE_BYTES = 65_535;
export const MAX_PARTIES = 8;
export const PAGE_SIZE = 100;
export const MAX_LOG_PIECE_BYTES = 1_048_576;
/** Of a request: the largest is a receipt, with a little around it. */
export const MAX_REQUEST_BYTES = MAX_ENVELOPE_BYTES + 1_025;
/** Of a response: the largest is a piece of a log, or a page of the directory with its keysets. */
export const MAX_RESPONSE_BYTES = 2 * MAX_LOG_PIECE_BYTES;

export function invalid(field: string): EntenteError {
  return new EntenteError("WIRE_INVALID", { detail: field });
}

export function bytesOf(field: string, value: Uint8Array, minimum: number, maximum = minimum): Uint8Array {
  if (value.length < minimum) throw invalid(field);
  if (value.length > maximum) throw new EntenteError("WIRE_TOO_LARGE", { detail: field });
  return value;
}

export function countOf<T>(field: string, values: readonly T[], minimum: number, maximum: number): readonly T[] {
  if (values.length < minimum) throw invalid(field);
  if (values.length > maximum) throw new EntenteError("WIRE_TOO_LARGE", { detail: field });
  return values;
}

export function textOf(field: string, value: string, pattern: RegExp): string {
  if (!pattern.test(value)) throw invalid(field);
  return value;
}

export function timeOf(field: string, value: string): string {
  if (!utcTime.safeParse(value).success) throw invalid(field);
  return value;
}

/** An empty string on the wire is an absent member. */
export function optional<T extends string>(value: string, check: (text: string) => T): T | undefined {
  return value === "" ? undefined : check(value);
}

/** Names of an enum in the order of their numbers, from 1; 0 is "unspecified" and never valid. */
export function enumOf<const Names extends readonly string[]>(field: string, names: Names) {
  return {
    toWire: (name: Names[number]): number => names.indexOf(name) + 1,
    fromWire(value: number): Names[number] {
      const name = names[value - 1];
      if (name === undefined) throw invalid(field);
      return name;
    },
  };
}

export function sortedParties(field: string, values: readonly string[]): readonly PartyId[] {
  const parties = countOf(field, values, 2, MAX_PARTIES).map(partyId);
  if (parties.some((party, i) => i > 0 && party <= (parties[i - 1] as string))) throw invalid(field);
  return parties;
}

export interface PageAfter<Id extends string> {
  /** The last of the page before. */
  readonly after?: Id | undefined;
}

export function pageRequest<Id extends string>(
  type: typeof wire.ListPartiesRequest | typeof wire.ListAgreementsRequest | typeof wire.ListJobsRequest,
  check: (text: string) => Id,
): Codec<PageAfter<Id>> {
  return messageCodec(
    type as typeof wire.ListPartiesRequest,
    MAX_REQUEST_BYTES,
    (value: PageAfter<Id>) => ({ after: value.after ?? "" }),
    (message) => ({ after: optional(message.after, check) }),
  );
}
