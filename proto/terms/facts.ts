/** What an agreement lets leave and arrive, as facts from the point of view of one of its parties: what the words of either
 * language are made of. */
import { otherParty } from "../agreement/agreement.ts";
import { AGGREGATE_OUTPUTS, type IdColumn, type Operation, type Output } from "../agreement/fields.ts";
import { DEFAULT_LABEL_TEXT_BYTES } from "../agreement/label-columns.ts";
import { agreedDataset, agreedIds, DEFAULT_GROUP_FLOOR } from "../agreement/references.ts";
import {
  type AgreedOperation,
  type AgreementDocument,
  type APPROVAL_MODES,
  CLEAR_ROLES,
  MAX_CLEAR_GRADE,
} from "../agreement/schema.ts";
import type { ClearColumn } from "../policy/leak/facts.ts";

export type ApprovalMode = (typeof APPROVAL_MODES)[number];

/** One of the things that an operation's receiver may be given. */
export interface OutputFact {
  readonly output: Output;
  /** Of an aggregate; `noiseScale` in people, null for none. */
  readonly capPercent: number;
  readonly noiseScale: number | null;
  /** Floor of a report's group, in people. */
  readonly group: number;
  /** Of a rounded score. */
  readonly step: number | undefined;
  /** Of a tier: the agreement fixes the bounds. */
  readonly areTiersFixed: boolean;
}

export interface OperationFacts {
  readonly operation: Operation;
  /** Whether the viewer's data are asked, or the viewer asks. */
  readonly isProvider: boolean;
  readonly peer: string;
  readonly ownDataset: string;
  readonly peerDataset: string;
  readonly outputs: readonly OutputFact[];
  /** The provider's columns that a job may ask for in clear. */
  readonly clear: readonly ClearColumn[];
  /** The provider's columns that a model may use, encrypted; of a score. */
  readonly features: readonly string[];
  /** Of the provider; null: any that it publishes, or none. */
  readonly segments: readonly string[] | null;
  /** The provider is told which of its customers matched. */
  readonly isShared: boolean;
  readonly approval: { readonly own: ApprovalMode; readonly peer: ApprovalMode };
}

/** The viewer's own columns under the agreement that never leave. */
export interface KeptColumns {
  readonly ids: readonly IdColumn[];
  readonly filters: readonly string[];
  /** Of a grade that never leaves in clear. */
  readonly graded: readonly string[];
}

function outputFacts({ floors, noise }: AgreementDocument, agreed: AgreedOperation): OutputFact[] {
  return agreed.outputs.map((output) => ({
    output,
    capPercent: floors.matchRateCapPercent,
    noiseScale: noise.kind === "none" ? null : noise.scale,
    group: floors.group ?? DEFAULT_GROUP_FLOOR,
    step: agreed.rounding?.step,
    areTiersFixed: agreed.tiers !== undefined,
  }));
}

/** Throws AGREEMENT_INVALID when `viewer` is no party. */
export function operationFacts(document: AgreementDocument, agreed: AgreedOperation, viewer: string): OperationFacts {
  const peer = otherParty(document, viewer).name;
  const isProvider = agreed.receiver !== viewer;
  const { operation, receiverDataset, providerDataset, approval, outputs } = agreed;
  const columns = agreedDataset(document, isProvider ? viewer : peer, providerDataset)?.columns ?? [];
  const namesPeople = outputs.some((output) => !AGGREGATE_OUTPUTS.includes(output));
  const clear = columns.filter(({ role }) => namesPeople && CLEAR_ROLES.includes(role));
  return {
    operation,
    isProvider,
    peer,
    ownDataset: isProvider ? providerDataset : receiverDataset,
    peerDataset: isProvider ? receiverDataset : providerDataset,
    outputs: outputFacts(document, agreed),
    clear: clear.map(({ name, type = "text", maxBytes = DEFAULT_LABEL_TEXT_BYTES, grade, personal }) => ({
      name,
      form: { type, maxBytes, grade, personal },
    })),
    features:
      operation === "score" ? columns.filter(({ role }) => role === "feature").map(({ name }) => name as string) : [],
    segments: agreed.segments ?? null,
    isShared: agreed.alignment === "shared",
    approval: isProvider
      ? { own: approval.provider, peer: approval.receiver }
      : { own: approval.receiver, peer: approval.provider },
  };
}

export function keptColumns({ datasets }: AgreementDocument, viewer: string): KeptColumns {
  const own = datasets.filter(({ party }) => party === viewer);
  const columns = own.flatMap((dataset) => dataset.columns);
  const ids = own.flatMap(agreedIds);
  return {
    ids: ids.filter((id, i) => ids.findIndex(({ column }) => column === id.column) === i),
    filters: unique(columns.filter(({ role }) => role === "filter").map(({ name }) => name)),
    graded: unique(columns.filter(({ grade }) => grade > MAX_CLEAR_GRADE).map(({ name }) => name)),
  };
}

function unique(names: readonly string[]): string[] {
  return [...new Set(names)];
}
