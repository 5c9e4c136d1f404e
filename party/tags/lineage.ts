/** Where a batch of tags comes from, as the node keeps it beside the values. */
import { canonicalJson, type Json } from "../../proto/encoding/canonical-json.ts";
import { digestOf } from "../../proto/encoding/sha256.ts";
import type { RouteResponse } from "../../proto/http/routes.ts";
import type { TagRule } from "../../proto/tags/rule.ts";

export type TagLineage = NonNullable<RouteResponse<"tagBatches">["batches"][number]["lineage"]>;

/** SHA-256 over the rules in their JSON form, canonical; null without rules. */
export function rulesDigest(rules: readonly TagRule[]): string | null {
  return rules.length === 0 ? null : digestOf(canonicalJson(rules as unknown as Json));
}
