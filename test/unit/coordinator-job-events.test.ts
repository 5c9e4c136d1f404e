/** A coordinator's jobs are what their events come to, whatever was reported and whenever it stopped. */
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { foldJob } from "../../coordinator/jobs/lifecycle.ts";
import { reportJob } from "../../coordinator/rpc/report-job.ts";
import type { Service } from "../../coordinator/service.ts";
import { openSqliteStore } from "../../coordinator/store/sqlite.ts";
import type { StoredJob } from "../../coordinator/store/store.ts";
import { JOB_STATES } from "../../proto/codec/coordinator.ts";
import { utf8 } from "../../proto/encoding/bytes.ts";
import { digestOf } from "../../proto/encoding/sha256.ts";
import { collaborationId, type JobId, partyId } from "../../proto/ids.ts";
import { nodePorts } from "../../proto/ports/node.ts";

const [bank, bureau] = [partyId("bank"), partyId("bureau")];
const digest = digestOf(utf8("agreement"));
const at = "2026-01-01T00:00:00.000Z";
const job = (n: number): StoredJob => ({
  ...{ jobId: n.toString(16).padStart(32, "0") as JobId, agreementDigest: digest, jobDigest: digest },
  ...{ collaborationId: collaborationId("0c".repeat(16)), requester: bank, peer: bureau },
  ...{ state: "proposed", updatedAt: at, revision: 0 },
});

test("the row of a job is the fold of its events, also when reports come twice, late, or at once", async () => {
  const store = openSqliteStore(new DatabaseSync(":memory:"));
  const parties = [bank, bureau];
  await store.putAgreement({
    ...{ agreementDigest: digest, collaborationId: job(0).collaborationId, parties, state: "active" },
    ...{ marks: {}, revision: 0 },
  });
  const service = { store, ports: nodePorts } as unknown as Service;
  const caller = (party: typeof bank) => ({ party }) as Parameters<typeof reportJob>[2];
  for (const [n, order] of [
    ["admitted", "running", "releasing", "done"],
    ["admitted", "admitted", "done", "running", "failed"],
    ["running", "admitted", "failed", "done"],
    ["refused", "admitted"],
    [...JOB_STATES],
  ].entries()) {
    const { jobId } = job(n);
    const requested = { state: "proposed", by: "requester", at } as const;
    expect(await store.appendJobEvent(job(n), requested)).toBe(true);
    expect(await store.appendJobEvent(job(n), requested)).toBe(false);
    for (const state of order)
      await Promise.allSettled(
        parties.map((party) => reportJob(service, { jobId, state: state as StoredJob["state"] }, caller(party))),
      );
    const events = await store.jobEvents(jobId);
    const found = await store.findJob(jobId);
    expect(found?.state).toBe(foldJob(events)?.state);
    expect(found?.revision).toBe(events.length);
    expect(events.length).toBeGreaterThan(1);
  }
  await store.close();
});
