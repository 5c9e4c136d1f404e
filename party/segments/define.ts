/** From what a person asks for to a definition that is kept: everything that can be wrong is found here, not in a job. */
import { basename } from "node:path";
import { EntenteError } from "../../proto/errors.ts";
import type { SegmentDefinitionInput } from "../../proto/http/segment-routes.ts";
import {
  operandKey,
  operandsOf,
  parseSegmentExpression,
  type SegmentOperand,
} from "../../proto/segments/expression.ts";
import type { DatasetRegistration } from "../data/dataset.ts";
import { parseFilter } from "../data/filter.ts";
import type { PackedText } from "../data/packed-text.ts";
import type { SourceAccess } from "../data/source.ts";
import type { SpillPlace } from "../data/spill.ts";
import { digestOfPeople, type PinnedSegment, type SegmentVersion, type StoredDefinition } from "./kept.ts";
import { type CountedPeople, importPeople, peopleOf } from "./people.ts";
import { ruleFilter } from "./rule-filter.ts";

export interface DefineInput {
  readonly registration: DatasetRegistration;
  readonly definition: SegmentDefinitionInput;
  readonly spill: SpillPlace | undefined;
  readonly access: SourceAccess;
  /** Throws NOT_FOUND, SEGMENT_INVALID when it cannot be used. */
  operand(operand: SegmentOperand): SegmentVersion;
}

export interface Defined {
  readonly definition: StoredDefinition;
  /** Of a list. */
  readonly people: PackedText | undefined;
}

/** Of one segment, through all that it is derived from, each as often as it stands there: so many conditions are computed, or
 * lists looked up, for every row. */
export const MAX_LEAVES = 200;

/** Throws SEGMENT_INVALID, FILTER_INVALID, NOT_FOUND for an operand, and of an import the errors of `inspectDataset`. */
export async function defineSegment(input: DefineInput): Promise<Defined> {
  const { registration, definition, spill, access } = input;
  switch (definition.kind) {
    case "list":
      return listed({ kind: "list" }, await peopleOf(definition.ids, registration), registration);
    case "import": {
      const { path, idColumns } = definition;
      const read = await importPeople({ path, idColumns, like: registration, access, ...(spill && { spill }) });
      return listed({ kind: "import", file: basename(path), idColumns }, read, registration);
    }
    case "rule":
      await parseFilter(registration, ruleFilter(definition.rule));
      return { definition, people: undefined };
    case "sql":
      await parseFilter(registration, definition.expression);
      return { definition, people: undefined };
    case "tier":
      return { definition: tier(definition), people: undefined };
    case "derived":
      return { definition: derived(input, definition.expression), people: undefined };
  }
}

type ListHead =
  | { readonly kind: "list" }
  | { readonly kind: "import"; readonly file: string; readonly idColumns: readonly string[] };

function listed(head: ListHead, { people, counts }: CountedPeople, { ids }: DatasetRegistration): Defined {
  return {
    definition: {
      ...head,
      normalisers: ids.map(({ normaliser }) => normaliser),
      counts,
      people: digestOfPeople(people),
    },
    people,
  };
}

function tier({ key, values, job }: SegmentDefinitionInput & { readonly kind: "tier" }): StoredDefinition {
  if (key === undefined && job === undefined)
    throw new EntenteError("SEGMENT_INVALID", { detail: "tier: neither a key nor a job" });
  if (key === undefined && values !== undefined)
    throw new EntenteError("SEGMENT_INVALID", { detail: "tier: values without a key" });
  return { kind: "tier", ...(key && { key }), ...(values && { values }), ...(job && { job }) };
}

function derived({ registration, operand }: DefineInput, expression: string): StoredDefinition {
  const operands: Record<string, PinnedSegment> = {};
  let leaves = 0;
  for (const named of operandsOf(parseSegmentExpression(expression))) {
    const { name, version, dataset, digest, definition } = operand(named);
    if (dataset !== registration.name)
      throw new EntenteError("SEGMENT_INVALID", { detail: `${name} is a segment of ${dataset}` });
    operands[operandKey(named)] = { version, digest };
    // As often as it is named: a query has its conditions each time.
    leaves += definition.kind === "derived" ? definition.leaves : 1;
  }
  if (leaves > MAX_LEAVES)
    throw new EntenteError("SEGMENT_INVALID", { detail: `it comes to ${leaves} parts, of ${MAX_LEAVES} at most` });
  return { kind: "derived", expression, operands, leaves };
}
