/**
 * The one catalogue of errors. A peer, a client and a log line see a code and its fixed public text; causes and values
 * stay in this process. Each text says what happened and how to mend it; `who` says who must act.
 */

import { AGREEMENTS } from "./errors/agreements.ts";
import { DATA } from "./errors/data.ts";
import { isDiskFull } from "./errors/disk-full.ts";
import type { Actor, CatalogueEntry } from "./errors/entry.ts";
import { EVIDENCE } from "./errors/evidence.ts";
import { IDENTITY } from "./errors/identity.ts";
import { POLICY } from "./errors/policy.ts";
import { REQUESTS } from "./errors/requests.ts";
import { SCORING } from "./errors/scoring.ts";
import { SESSIONS } from "./errors/sessions.ts";
import { SIGN_IN } from "./errors/sign-in.ts";
import { STORAGE } from "./errors/storage.ts";
import { TAGS } from "./errors/tags.ts";

export type { Actor };

export const CATALOGUE = {
  ...REQUESTS,
  ...SIGN_IN,
  ...IDENTITY,
  ...SESSIONS,
  ...DATA,
  ...TAGS,
  ...AGREEMENTS,
  ...POLICY,
  ...SCORING,
  ...EVIDENCE,
  ...STORAGE,
} as const satisfies Record<string, CatalogueEntry>;

export type ErrorCode = keyof typeof CATALOGUE;

export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === "string" && Object.hasOwn(CATALOGUE, value);
}

/** What one process tells another, or a client: a code, its fixed text, and a detail that names no value of the data. */
export interface PublicError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly detail?: string;
  readonly who: Actor;
  readonly retryable: boolean;
  readonly retryAfterSeconds?: number;
}

export interface ErrorOptions {
  /** Names of fields, columns, parties and counts only: it may be shown to the caller. Never an id or a value. */
  readonly detail?: string;
  /** When it may be tried again, where that is known. */
  readonly retryAfterSeconds?: number;
  /** For this process's own log. */
  readonly cause?: unknown;
}

export class EntenteError extends Error {
  readonly code: ErrorCode;
  readonly detail: string | undefined;
  readonly retryAfterSeconds: number | undefined;

  constructor(code: ErrorCode, options: ErrorOptions = {}) {
    super(options.detail === undefined ? CATALOGUE[code].text : `${CATALOGUE[code].text} (${options.detail})`, {
      cause: options.cause,
    });
    this.name = "EntenteError";
    this.code = code;
    this.detail = options.detail;
    this.retryAfterSeconds = options.retryAfterSeconds;
  }

  /** The form that may leave the process. */
  toPublic(): PublicError {
    const { text, who, retryable } = CATALOGUE[this.code];
    return {
      code: this.code,
      message: text,
      ...(this.detail === undefined ? {} : { detail: this.detail }),
      who,
      retryable,
      ...(this.retryAfterSeconds === undefined ? {} : { retryAfterSeconds: this.retryAfterSeconds }),
    };
  }
}

/** Every thrown value as a typed error: a full disk as that, what else is none as INTERNAL, with the original as its cause. */
export function toEntenteError(thrown: unknown): EntenteError {
  if (thrown instanceof EntenteError) return thrown;
  return new EntenteError(isDiskFull(thrown) ? "DISK_FULL" : "INTERNAL", { cause: thrown });
}
