/**
 * Everything that a node's self-examination can find: a code with its values. The words for it are made of those, in each
 * language (`words.ts`). No value is an id, a key or a text of somebody else's.
 */
import type { ErrorCode } from "../errors.ts";

/** What is good for some time: this party's certificate, the coordinator's CA, this node's keyset. */
export type Lasting = "certificate" | "authority" | "keyset";
/** Who has to move to another release; "either" when neither is a release. */
export type Upgrade = "peer" | "here" | "either";

type None = Readonly<Record<never, never>>;

/** The values of each. `reason` is the system's code of an error, as ENOSPC; times are RFC 3339. */
export interface FindingValues {
  "check-late": { readonly seconds: number };
  "check-failed": { readonly error: ErrorCode };
  "node-silent": { readonly detail: string; readonly folder: string };

  "runtime-fine": { readonly version: string; readonly architecture: string; readonly bytes: number };
  "runtime-old": { readonly version: string; readonly needed: number };
  "architecture-untested": { readonly architecture: string };
  "aes-missing": None;
  "memory-small": { readonly bytes: number };
  "memory-below-job": { readonly bytes: number; readonly neededBytes: number };

  "disk-fine": { readonly freeBytes: number; readonly syncMs: number };
  "disk-unwritable": { readonly folder: string; readonly reason: string };
  "disk-room-kept": { readonly freeBytes: number; readonly keptBytes: number };
  "disk-below-job": { readonly freeBytes: number; readonly neededBytes: number };
  "disk-below-two-jobs": { readonly freeBytes: number };
  "disk-slow": { readonly syncMs: number };
  "folder-open": { readonly folder: string; readonly mode: string };

  "clock-steady": None;
  /** Forward above 0. */
  "clock-set": { readonly byMs: number };
  "node-time-ahead": { readonly byMs: number };
  "peer-clock-fine": { readonly peer: string; readonly withinMs: number };
  /** This machine's is behind above 0. */
  "peer-clock-off": { readonly peer: string; readonly byMs: number };

  "keys-sealed": None;
  "keys-plain": None;
  "recovery-key-here": { readonly file: string };

  "configuration-read": { readonly party: string };
  "store-whole": None;
  "store-answers": None;
  "store-not-looked-at": None;
  /** Ten: or more. */
  "store-damaged": { readonly faults: number; readonly file: string };

  "not-enrolled": None;
  /** `parties`: that it knows; -1 when it was not asked. */
  "coordinator-answers": { readonly coordinator: string; readonly at: string; readonly parties: number };
  "coordinator-refuses": { readonly coordinator: string; readonly error: ErrorCode };
  "host-unknown": { readonly host: string; readonly reason: string };
  "port-closed": { readonly at: string };
  "port-unreachable": { readonly at: string; readonly reason: string };
  "tls-failed": { readonly at: string; readonly reason: string };

  lasts: { readonly of: Lasting; readonly days: number };
  "ends-soon": { readonly of: Lasting; readonly days: number; readonly until: string };
  ended: { readonly of: Lasting; readonly until: string };
  "not-yet-valid": { readonly of: Lasting; readonly from: string; readonly now: string };

  "peers-none": None;
  "peer-alike": { readonly version: string };
  "peer-other-version": {
    readonly peer: string;
    readonly version: string;
    readonly own: string;
    readonly upgrade: Upgrade;
  };
  /** `protocols`: names, with commas between. */
  "peer-other-protocols": {
    readonly peer: string;
    readonly version: string;
    readonly own: string;
    readonly upgrade: Upgrade;
    readonly protocols: string;
  };
  "peer-silent": { readonly error: ErrorCode };

  "database-answers": None;
  /** `detail`: empty when there is none. */
  "database-fails": { readonly error: ErrorCode; readonly detail: string };

  "logs-open": { readonly logs: number };
  /** `awaiting`: names, with commas between. */
  "log-read-only": { readonly peer: string; readonly awaiting: string };
  "log-forked": { readonly peer: string; readonly collaboration: string };
  "log-frozen": {
    readonly peer: string;
    readonly collaboration: string;
    readonly origin: string;
    readonly fork: string;
  };

  "limits-far": { readonly limits: number };
  "limit-near": { readonly limit: string; readonly used: number; readonly allowed: number };
}

export type FindingCode = keyof FindingValues;

/** Rooms of an examination, in the order in which they are shown. */
export const CHECKS = [
  "node",
  "configuration",
  "runtime",
  "disk",
  "clock",
  "keys",
  "store",
  "certificate",
  "keyset",
  "coordinator",
  "peer",
  "database",
  "evidence",
  "limits",
] as const;
export type Check = (typeof CHECKS)[number];

/** What a finding says. */
export interface Words {
  /** What is so. */
  readonly what: string;
  /** What it leads to. */
  readonly why?: string;
  /** Who has to do what. */
  readonly fix?: string;
}

/** A language's words for every finding. */
export type FindingWords = { readonly [C in FindingCode]: (values: FindingValues[C]) => Words };
