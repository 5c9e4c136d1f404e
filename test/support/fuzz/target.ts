/** What is fuzzed: one decoder with valid inputs of it, and how its answer is judged. */
import { isDeepStrictEqual } from "node:util";
import { mutateBytes } from "./mutate-bytes.ts";
import { mutateJson } from "./mutate-json.ts";
import { mutateProtobuf } from "./mutate-protobuf.ts";
import { mutateText } from "./mutate-text.ts";

export const MUTATORS = { protobuf: mutateProtobuf, json: mutateJson, text: mutateText, bytes: mutateBytes } as const;

export interface FuzzTarget {
  /** As `coordinator/ENROL request`; unique. */
  readonly name: string;
  readonly form: keyof typeof MUTATORS;
  /** Valid inputs, at least one: the first of a campaign's cases. */
  readonly seeds: readonly Uint8Array[];
  /** Functions and codecs of the product that it goes through: the test that enumerates them looks here. */
  readonly covers: readonly unknown[];
  /** Of an expensive one: one case for so many of a cheap one. Default 1. */
  readonly oneIn?: number;
  /** Returns when the input is accepted; throws an EntenteError when it is refused. What else it throws is a finding. */
  run(input: Uint8Array): void | Promise<void>;
}

/** An accepted value must come back from its own encoding. */
export class NotReencoded extends Error {
  override readonly name = "NotReencoded";
}

/** Accepts what `decode` does, when the value is the same after it was encoded and decoded again. */
export function comesBack<T>(decode: (input: Uint8Array) => T, encode: (value: T) => Uint8Array) {
  return (input: Uint8Array): void => {
    const value = decode(input);
    let again: T;
    try {
      again = decode(encode(value));
    } catch (error) {
      throw new NotReencoded("an accepted value's own encoding is refused", { cause: error });
    }
    if (!isDeepStrictEqual(plain(again), plain(value)))
      throw new NotReencoded("an accepted value comes back as another");
  };
}

/** Accepts what `decode` does, when the value's encoding is the input, byte for byte. */
export function isCanonical<T>(decode: (input: Uint8Array) => T, encode: (value: T) => Uint8Array) {
  return (input: Uint8Array): void => {
    const encoded = encode(decode(input));
    if (Buffer.compare(encoded, input) !== 0) throw new NotReencoded("an accepted input is not its value's encoding");
  };
}

/** Buffers and plain arrays of bytes alike. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return value.toHex();
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, plain(member)]));
}
