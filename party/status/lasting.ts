/** What this node proves itself with, and how long each is good. */
import { X509Certificate } from "node:crypto";
import { digestOf } from "../../proto/encoding/sha256.ts";
import type { RouteResponse } from "../../proto/http/routes.ts";
import type { Node } from "../node.ts";

type Shown = RouteResponse<"status">["lasting"][number];

const DAY_MS = 86_400_000;

export function lastingOf(node: Node): Shown[] {
  const { keyring, wallClock, keysetDueMs } = node;
  const nowMs = wallClock.nowMs();
  const shown = (
    of: Shown["of"],
    fingerprint: string,
    {
      fromMs,
      untilMs,
      dueMs,
    }: { readonly fromMs: number; readonly untilMs: number; readonly dueMs?: number | undefined },
  ): Shown => ({
    of,
    fingerprint,
    validFrom: timeOf(fromMs),
    validUntil: timeOf(untilMs),
    daysLeft: Math.floor((untilMs - nowMs) / DAY_MS),
    renewsAt: dueMs === undefined || !Number.isFinite(dueMs) ? null : timeOf(dueMs),
  });
  const certificate = (of: "certificate" | "authority", pem: string, dueMs?: number): Shown[] => {
    // A link without TLS, as a simulator has.
    if (pem === "") return [];
    const { raw, validFromDate, validToDate } = new X509Certificate(pem);
    const times = { fromMs: validFromDate.getTime(), untilMs: validToDate.getTime(), dueMs };
    return [shown(of, digestOf(new Uint8Array(raw)), times)];
  };
  const found: Shown[] = [];
  if (node.isEnrolled) {
    const { enrolled, dueMs } = node.connected.renewal;
    found.push(...certificate("certificate", enrolled.certPem, dueMs), ...certificate("authority", enrolled.caPem));
  }
  const [keyset, signed] = [keyring.verifiedKeysets.at(-1), keyring.keysets.at(-1)];
  if (keyset !== undefined && signed !== undefined) {
    const times = { fromMs: Date.parse(keyset.validFrom), untilMs: Date.parse(keyset.validUntil), dueMs: keysetDueMs };
    found.push(shown("keyset", digestOf(signed.payload), times));
  }
  return found;
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString();
}
