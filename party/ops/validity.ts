/** Days until what a node shows to others ends; null for what it has not. */
import { X509Certificate } from "node:crypto";
import type { Node } from "../node.ts";

const DAY_MS = 86_400_000;

export type NodeValidity = () => {
  readonly certificateDaysLeft: number | null;
  readonly authorityDaysLeft: number | null;
  readonly keysetDaysLeft: number | null;
};

export function validityOf(node: Node): NodeValidity {
  return () => {
    const days = (untilMs: number) => (untilMs - node.wallClock.nowMs()) / DAY_MS;
    const enrolled = node.isEnrolled ? node.connected.enrolled : undefined;
    const of = (pem: string | undefined) => (pem ? days(new X509Certificate(pem).validToDate.getTime()) : null);
    const keyset = node.keyring.verifiedKeysets.at(-1);
    return {
      certificateDaysLeft: of(enrolled?.certPem),
      authorityDaysLeft: of(enrolled?.caPem),
      keysetDaysLeft: keyset === undefined ? null : days(Date.parse(keyset.validUntil)),
    };
  };
}
