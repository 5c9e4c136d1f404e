/** What is tried again of a receiver's job, and how long. */
import { describe, expect, test } from "vitest";
import type { JobDeps } from "../../party/jobs/deps.ts";
import type { Job } from "../../party/jobs/lifecycle.ts";
import { RELEASE_MS } from "../../party/jobs/next-step.ts";
import { mayTryAgain } from "../../party/jobs/steps.ts";
import { EntenteError, type ErrorCode } from "../../proto/errors.ts";

const RECEIPT_MS = Date.parse("2026-05-04T00:00:00Z");
const HOUR_MS = 3_600_000;

/** A job whose receipt is signed, so long after that. */
function tries(job: Pick<Job, "isOpened" | "isRecorded">, afterMs: number, code: ErrorCode, count = 1): boolean {
  const nowMs = RECEIPT_MS + afterMs;
  const deps = { clock: { nowMs: () => nowMs }, stopping: { isRequested: false } } as unknown as JobDeps;
  const at = new Date(RECEIPT_MS).toISOString();
  const released = { state: "releasing", proposed: { role: "receiver" }, receiptAt: at, updatedAt: at, ...job } as Job;
  return mayTryAgain(deps, released, { count, sinceMs: nowMs }, new EntenteError(code));
}

describe("after the receipt", () => {
  const [before, after] = [RELEASE_MS - HOUR_MS, RELEASE_MS + 72 * HOUR_MS];

  test("the keys are asked for until the day is over", () => {
    const job = { isOpened: false, isRecorded: false };
    expect(tries(job, before, "PEER_GONE")).toBe(true);
    expect(tries(job, after, "PEER_GONE")).toBe(false);
    expect(tries(job, before, "SEAL_INVALID")).toBe(false);
  });

  test("what the keys open is opened when the disk lets it, also after the day", () => {
    const job = { isOpened: true, isRecorded: false };
    for (const ms of [before, after]) {
      expect(tries(job, ms, "DISK_FULL", 100)).toBe(true);
      expect(tries(job, ms, "STORAGE_FAILED", 4)).toBe(true);
      expect(tries(job, ms, "STORAGE_FAILED", 5)).toBe(false);
      expect(tries(job, ms, "SEAL_INVALID")).toBe(false);
    }
  });

  test("what the log says came out is put in force whenever that can be, unless the agreement is revoked", () => {
    const job = { isOpened: true, isRecorded: true };
    for (const ms of [before, after]) {
      for (const code of ["DISK_FULL", "STORAGE_FAILED", "INTERNAL"] as const)
        expect(tries(job, ms, code, 100)).toBe(true);
      expect(tries(job, ms, "AGREEMENT_REVOKED")).toBe(false);
    }
  });
});
