/** A coordinator as its monitoring sees it. Off unless `ops` stands in `coordinator.json`. */
import { join } from "node:path";
import { Metrics, shortName } from "../proto/ops/metrics.ts";
import { type Check, type Readiness, readinessOf } from "../proto/ops/readiness.ts";
import { recent } from "../proto/ops/recent.ts";
import { diskError } from "../proto/ports/disk-error.ts";
import type { Service } from "./service.ts";
import { PRODUCT_VERSION } from "./version.ts";

/** The disk is written to, so not at every question. */
const DISK_MS = 10_000;

export interface Watched {
  readonly service: Service;
  readonly folder: string;
  readonly validity: () => { readonly certificateDaysLeft: number; readonly authorityDaysLeft: number };
}

/** When a coordinator can introduce parties to each other. */
function checksOf({ service, folder, validity }: Watched): Readonly<Record<string, Check>> {
  const { store, stopping, ports } = service;
  const probe = join(folder, ".ready.tmp");
  const disk = recent(ports.clock, DISK_MS, async () => {
    await ports.files.writeDurable(probe, new Uint8Array(1));
    await ports.files.remove(probe);
  });
  return {
    running: async () => (stopping.signal.aborted ? "NODE_STOPPING" : undefined),
    store: async () => {
      await store.readSetting("readiness");
      return undefined;
    },
    disk: async () =>
      (await service.room.trouble())?.code ??
      disk().then(
        () => undefined,
        (error: unknown) => diskError(error).code,
      ),
    keys: async () => (validity().authorityDaysLeft > 0 ? undefined : "CERTIFICATE_REFUSED"),
    certificate: async () => (validity().certificateDaysLeft > 0 ? undefined : "CERTIFICATE_REFUSED"),
  };
}

export function watchCoordinator(watched: Watched): {
  readonly readiness: () => Promise<Readiness>;
  readonly metrics: Metrics;
} {
  const { service, validity } = watched;
  const { relay, inboxes, store, logs, answers, ports } = service;
  const checks = checksOf(watched);
  const readiness = () => readinessOf(checks, ports.timers);
  const metrics = new Metrics(PRODUCT_VERSION);
  const one = (value: number) => [{ labels: {}, value }];

  metrics.gauge("ready", "Checks of /readyz: 1 when all is well", ["check"], async () =>
    Object.entries((await readiness()).checks).map(([check, { ok }]) => ({ labels: { check }, value: ok ? 1 : 0 })),
  );
  metrics.gauge("parties_online", "Parties whose inbox is open", [], async () => one(inboxes.size));
  metrics.gauge("relay_sessions_open", "Sessions that run at the relay", [], async () => one(relay.open));
  metrics.total("relay_sessions_total", "Sessions paired since the start", [], () => one(relay.counters().sessions));
  metrics.total("relay_bytes_total", "Bytes relayed since the start", [], () => one(relay.counters().bytes));
  metrics.gauge("jobs", "Jobs by their state, as parties have reported it", ["state"], async () =>
    Object.entries(await store.countJobsByState()).map(([state, value]) => ({ labels: { state }, value })),
  );
  metrics.gauge("evidence_entries", "Entries of the logs in use since the start", ["collaboration"], async () =>
    (await logs.sizes()).map(({ collaboration, size }) => ({
      labels: { collaboration: shortName(collaboration) },
      value: size,
    })),
  );
  metrics.gauge("certificate_days_left", "Days until it ends", ["certificate"], async () => {
    const { certificateDaysLeft, authorityDaysLeft } = validity();
    return [
      { labels: { certificate: "server" }, value: certificateDaysLeft },
      { labels: { certificate: "authority" }, value: authorityDaysLeft },
    ];
  });
  metrics.total("rpc_total", "Calls that have been answered, and streams that began", ["rpc", "code"], () =>
    answers.samples(),
  );
  return { readiness, metrics };
}
