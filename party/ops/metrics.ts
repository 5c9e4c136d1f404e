/** What a node tells its monitoring. Of jobs and budgets what is persisted, so that a restart changes nothing. */
import { Metrics, type Sample, shortName } from "../../proto/ops/metrics.ts";
import { type Check, readinessOf } from "../../proto/ops/readiness.ts";
import { recent } from "../../proto/ops/recent.ts";
import { collaborationsOf } from "../evidence/witnessing.ts";
import { budgets } from "../jobs/dry-run.ts";
import type { Job } from "../jobs/lifecycle.ts";
import type { Node } from "../node.ts";
import { PRODUCT_VERSION } from "../version.ts";

/** All jobs are read for it. */
const JOBS_MS = 10_000;

export interface Watched {
  readonly node: Node;
  readonly checks: Readonly<Record<string, Check>>;
}

export function nodeMetrics({ node, checks }: Watched): {
  readonly metrics: Metrics;
  /** An answer of the API: its route's name, or "none". */
  readonly answered: (route: string, status: number) => void;
} {
  const metrics = new Metrics(PRODUCT_VERSION);
  const { clock, timers } = node.ports;
  const jobs = recent(clock, JOBS_MS, () => node.book.list());
  const allBudgets = recent(clock, JOBS_MS, async () => (node.isEnrolled ? budgets(node.connected) : []));
  const bit = (is: boolean) => (is ? 1 : 0);

  metrics.gauge("ready", "Checks of /readyz: 1 when all is well", ["check"], async () =>
    Object.entries((await readinessOf(checks, timers)).checks).map(([check, { ok }]) => ({
      labels: { check },
      value: bit(ok),
    })),
  );
  metrics.gauge("jobs", "Jobs by this node's role and their state", ["role", "state"], async () =>
    sums(await jobs(), ({ proposed: { role }, state }) => [{ labels: { role, state }, value: 1 }]),
  );
  metrics.gauge("jobs_awaiting_approval", "Jobs that wait for a person here", [], async () => [
    { labels: {}, value: (await jobs()).filter((job) => job.awaitsApproval && job.state === "proposed").length },
  ]);
  metrics.gauge("job_partitions_finished", "Finished partitions of all jobs", ["role"], async () =>
    sums(await jobs(), ({ proposed: { role }, finished }) => [{ labels: { role }, value: finished.length }]),
  );
  metrics.gauge("job_rows", "Own people that took part in jobs that are done", ["role"], async () =>
    sums(await jobs(), ({ proposed: { role, ownRows }, state }) =>
      state === "done" ? [{ labels: { role }, value: ownRows }] : [],
    ),
  );
  metrics.gauge("job_bytes", "Session bytes of jobs that are done", ["role", "direction"], async () =>
    sums(await jobs(), ({ proposed: { role }, summary }) => [
      { labels: { role, direction: "sent" }, value: summary?.bytesSent ?? 0 },
      { labels: { role, direction: "received" }, value: summary?.bytesReceived ?? 0 },
    ]),
  );
  for (const [kind, help] of [
    ["used", "Runs of this epoch, of the pair of datasets that has the most"],
    ["allowed", "Runs that an epoch may have of a pair of datasets"],
  ] as const)
    metrics.gauge(`budget_runs_${kind}`, help, ["agreement", "operation"], async () =>
      largest(
        (await allBudgets()).map(({ agreement, operation, runsInEpoch, runsPerEpoch }) => ({
          labels: { agreement: shortName(agreement), operation },
          value: kind === "used" ? runsInEpoch : runsPerEpoch,
        })),
      ),
    );
  metrics.gauge("certificate_days_left", "Days until it ends", ["certificate"], async () => {
    const { certificateDaysLeft, authorityDaysLeft, keysetDaysLeft } = node.validity();
    const all = { party: certificateDaysLeft, authority: authorityDaysLeft, keyset: keysetDaysLeft };
    return Object.entries(all).flatMap(([certificate, value]) =>
      value === null ? [] : [{ labels: { certificate }, value }],
    );
  });
  for (const kind of ["entries", "cosigned_entries"] as const)
    metrics.gauge(
      `evidence_${kind}`,
      kind === "entries" ? "Entries of this node's log" : "Those under a checkpoint that the peer has cosigned",
      ["collaboration"],
      async () => {
        const all = [...(await collaborationsOf(node.store, node.keyring.party)).keys()];
        return Promise.all(
          all.map(async (collaboration) => {
            const log = await node.logbook.log(collaboration);
            const value = kind === "entries" ? log.size : (log.lastCosigned()?.head.size ?? 0);
            return { labels: { collaboration: shortName(collaboration) }, value };
          }),
        );
      },
    );
  metrics.gauge("evidence_not_open", "1 for a log that is forked, frozen or read-only", ["collaboration"], async () => {
    const all = [...(await collaborationsOf(node.store, node.keyring.party)).keys()];
    return Promise.all(
      all.map(async (collaboration) => {
        const { state } = await node.logbook.standings.of(collaboration);
        return { labels: { collaboration: shortName(collaboration) }, value: bit(state !== "open") };
      }),
    );
  });
  metrics.gauge("disk_free_bytes", "Free on the disk of the node's folder", [], async () => [
    { labels: {}, value: await node.disk.freeBytes() },
  ]);
  const requests = metrics.counter("http_requests_total", "Answers of the API", ["route", "code"]);
  return { metrics, answered: (route, status) => requests({ route, code: String(status) }) };
}

/** Of the samples of all jobs, one for each set of labels. */
function sums(jobs: readonly Job[], samplesOf: (job: Job) => readonly Sample[]): Sample[] {
  return merged(jobs.flatMap(samplesOf), (a, b) => a + b);
}

function largest(samples: readonly Sample[]): Sample[] {
  return merged(samples, Math.max);
}

function merged(samples: readonly Sample[], join: (a: number, b: number) => number): Sample[] {
  const byLabels = new Map<string, Sample>();
  for (const { labels, value } of samples) {
    const key = JSON.stringify(labels);
    const known = byLabels.get(key);
    byLabels.set(key, { labels, value: known === undefined ? value : join(known.value, value) });
  }
  return [...byLabels.values()];
}
