/** What a party may ask for: the agreements in force as choices of a form. */
import { type Operation, OUTPUTS_OF, type Output } from "../../../proto/agreement/fields.ts";
import { type AgreementDocument, agreementSchema } from "../../../proto/agreement/schema.ts";
import type { RouteResponse } from "../../../proto/http/routes.ts";

type Agreed = RouteResponse<"agreements">["agreements"][number];
type Document = Pick<AgreementDocument, "title" | "datasets" | "operations" | "purposes" | "retention" | "validUntil">;

/** Operations of one agreement over one pair of datasets, in the direction in which `own` receives. */
export interface Pair {
  readonly own: string;
  readonly theirs: string;
  readonly outputs: readonly Output[];
  /** The partner's segments that may be named; undefined where any or none may be. */
  readonly segments: readonly string[] | undefined;
  /** Whether an earlier audience's people may be, or must be, scored. */
  readonly alignments: readonly ("hidden" | "shared")[];
  /** Columns of the partner's that may come along in clear. */
  readonly labels: readonly { readonly name: string; readonly grade: number }[];
}

export interface AgreementChoice {
  readonly digest: string;
  readonly title: string;
  readonly peer: string;
  readonly validUntil: string;
  readonly purposes: readonly { readonly id: string; readonly text: string }[];
  readonly maxTagDays: number;
  readonly pairs: readonly Pair[];
}

/** Agreements in force that let `party` ask for the operation, each with what it allows. */
export function choicesFor(agreements: readonly Agreed[], party: string, operation: Operation): AgreementChoice[] {
  return agreements.flatMap((agreed) => {
    if (agreed.state !== "active") return [];
    const document = agreementSchema.safeParse(agreed.document).data;
    const peer = agreed.parties.find((name) => name !== party);
    if (document === undefined || peer === undefined) return [];
    const pairs = pairsOf(document, { party, peer, operation });
    if (pairs.length === 0) return [];
    const { title, purposes, retention, validUntil } = document;
    return [{ ...{ digest: agreed.digest, title, peer, validUntil, purposes, pairs }, maxTagDays: retention.tagDays }];
  });
}

function pairsOf(
  { operations, datasets }: Document,
  { party, peer, operation }: { readonly party: string; readonly peer: string; readonly operation: Operation },
): Pair[] {
  const mine = operations.filter((item) => item.operation === operation && item.receiver === party);
  const byPair = Map.groupBy(mine, ({ receiverDataset, providerDataset }) => `${receiverDataset}/${providerDataset}`);
  return [...byPair.values()].map((items) => {
    const [first] = items as [(typeof items)[0]];
    const { receiverDataset: own, providerDataset: theirs } = first;
    const columns = datasets.find(({ party: owner, name }) => owner === peer && name === theirs)?.columns ?? [];
    const isAny = items.some(({ segments }) => segments === undefined);
    return {
      ...{ own, theirs },
      // In the catalogue's order, whatever the agreement's is.
      outputs: OUTPUTS_OF[operation].filter((output) => items.some(({ outputs }) => outputs.includes(output))),
      segments: isAny ? undefined : [...new Set(items.flatMap(({ segments }) => segments ?? []))],
      alignments: [...new Set(items.map(({ alignment }) => alignment))],
      labels: columns.filter(({ role }) => role === "label").map(({ name, grade }) => ({ name, grade })),
    };
  });
}
