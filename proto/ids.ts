/** Branded identifiers. Made only by the functions here, which check the form; nothing else is accepted as one. */
import { EntenteError } from "./errors.ts";

declare const brand: unique symbol;
type Brand<T, Name extends string> = T & { readonly [brand]: Name };

/** Name of a party: 2-32 characters of a-z, 0-9 and '-', beginning with a letter. */
export type PartyId = Brand<string, "PartyId">;
/** SHA-256 of the sorted party names, first 16 bytes in hex. */
export type CollaborationId = Brand<string, "CollaborationId">;
/** 16 random bytes in hex. */
export type JobId = Brand<string, "JobId">;
/** 16 random bytes in hex; names one pair of relayed streams, once. */
export type RelayId = Brand<string, "RelayId">;
/** SHA-256 in lower-case hex, 64 characters. */
export type Digest = Brand<string, "Digest">;
/** Name of a dataset at its party, of the same form as a party's, up to 64 characters, with '_' too. */
export type DatasetName = Brand<string, "DatasetName">;

function checked<T extends string>(what: string, pattern: RegExp): (text: string) => T {
  return (text) => {
    if (typeof text !== "string" || !pattern.test(text))
      throw new EntenteError("BAD_REQUEST", { detail: `${what} is not of the required form` });
    return text as T;
  };
}

export const partyId = checked<PartyId>("party name", /^[a-z][a-z0-9-]{1,31}$/);
export const collaborationId = checked<CollaborationId>("collaboration id", /^[0-9a-f]{32}$/);
export const jobId = checked<JobId>("job id", /^[0-9a-f]{32}$/);
export const relayId = checked<RelayId>("relay id", /^[0-9a-f]{32}$/);
export const digest = checked<Digest>("digest", /^[0-9a-f]{64}$/);
export const datasetName = checked<DatasetName>("dataset name", /^[a-z][a-z0-9_-]{0,63}$/);
