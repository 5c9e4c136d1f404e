/** When a node can take a job: what each check of `/readyz` looks at. */
import type { Check } from "../../proto/ops/readiness.ts";
import { recent } from "../../proto/ops/recent.ts";
import { examineDisk } from "../doctor/local.ts";
import type { Machine } from "../doctor/machine.ts";
import type { Node } from "../node.ts";

/** The disk is written to, so not at every question. */
const DISK_MS = 10_000;

export function nodeChecks(node: Node, machine: Machine): Readonly<Record<string, Check>> {
  const disk = recent(node.ports.clock, DISK_MS, () => examineDisk(machine, node.folder));
  return {
    running: async () => (node.stopping.isRequested ? "NODE_STOPPING" : undefined),
    store: async () => {
      await node.store.setting("readiness");
      return undefined;
    },
    disk: async () =>
      (await node.disk.trouble())?.code ??
      ((await disk()).some(({ state }) => state === "fail") ? "STORAGE_FAILED" : undefined),
    keys: async () => expired(node.validity().keysetDaysLeft),
    certificate: async () => expired(node.validity().certificateDaysLeft),
    link: async () => {
      if (!node.isEnrolled) return "NOT_ENROLLED";
      const { isOnline, offline } = node.connected;
      return isOnline() ? undefined : (offline()?.code ?? "COORDINATOR_UNREACHABLE");
    },
  };
}

function expired(daysLeft: number | null): string | undefined {
  if (daysLeft === null) return "NOT_ENROLLED";
  return daysLeft <= 0 ? "CERTIFICATE_REFUSED" : undefined;
}
