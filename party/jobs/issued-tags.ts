/** What a job issues to whom: the request's tag, and tag rules over the own columns, the labels and what the output shows
 * of a score. */
import { AGGREGATE_OUTPUTS, type Output } from "../../proto/agreement/fields.ts";
import type { LabelColumn } from "../../proto/agreement/label-columns.ts";
import type { AgreedOperation } from "../../proto/agreement/schema.ts";
import { fromHex } from "../../proto/encoding/bytes.ts";
import { EntenteError } from "../../proto/errors.ts";
import { DEFAULT_TAG_DAYS } from "../../proto/http/job-routes.ts";
import type { Tiers } from "../../proto/model/header.ts";
import type { Model } from "../../proto/model/model.ts";
import { type Kept, keptOf, opensTiers } from "../../proto/model/output.ts";
import { type Cell, checkTagRules, columnsIn } from "../../proto/tags/evaluate-rule.ts";
import { parseTagRule } from "../../proto/tags/parse-rule.ts";
import { invalidRule, readTagRules, type TagRule } from "../../proto/tags/rule.ts";
import type { RawColumn } from "../data/prepare.ts";
import type { DatasetColumn } from "../data/table.ts";
import type { IssuedKey } from "../tags/catalogue.ts";
import type { Asked, JobRequestInput } from "./ask.ts";
import type { JobVault } from "./vault.ts";

export interface Issued {
  /** Of one key the first rule that holds issues its tag. */
  readonly rules: readonly TagRule[];
  /** To whom no rule issues its key; the value gives way to the tier. */
  readonly tag: { readonly key: string; readonly value: string } | undefined;
  readonly expiresInDays: number;
  /** What the output leaves of a score. */
  readonly kept: Kept;
  /** What the partner gives in clear of each matched person. */
  readonly labels: readonly LabelColumn[];
  /** The own columns that rules name: numbers, and texts as their place among those that rules name (-1: none of them). */
  readonly columns: readonly RawColumn[];
}

interface IssuedInput {
  readonly request: Pick<JobRequestInput, "operation" | "tag" | "rules">;
  readonly output: Output;
  readonly operation: AgreedOperation | undefined;
  readonly columns: readonly DatasetColumn[];
  readonly labels: readonly LabelColumn[];
  readonly model: Model | undefined;
  readonly vault: JobVault;
}

/** Of a text column: in the list of texts that a rule names. Each is a comparison for every row. */
const MAX_TEXTS = 1_000;

/** Undefined for an output that issues no tags. Throws BAD_REQUEST, TAG_RULE_INVALID, MODEL_INVALID for a model without the
 * tiers that the output needs, and POLICY_OUTPUT for other tiers than the agreement commits to. */
export async function issuedBy(input: IssuedInput): Promise<Issued | undefined> {
  const { request, output, operation, columns, labels, model, vault } = input;
  if (AGGREGATE_OUTPUTS.includes(output)) {
    if (request.tag !== undefined || request.rules !== undefined)
      throw new EntenteError("BAD_REQUEST", { detail: "tag: an aggregate issues none" });
    return undefined;
  }
  const tag = tagOf(request);
  const kept = keptOf(output, operation);
  const typeOf = { number: "number", text: "string", id: undefined, other: undefined } as const;
  const types = columns.flatMap(({ name, type }) =>
    typeOf[type] === undefined ? [] : [[name, typeOf[type]] as const],
  );
  const typeOfLabel = { number: "number", boolean: "boolean", text: "string" } as const;
  const rules = checkTagRules(rulesOf(request.rules ?? []), {
    columns: new Map(types),
    labels: new Map(labels.map(({ name, type }) => [name, typeOfLabel[type]])),
    tiers: model?.tiers?.map(({ tier }) => tier),
    hasScore: model !== undefined && kept.kind !== "tier",
  });
  if (output === "tier") await requireTiers(vault, operation?.tiers, model?.tiers);
  const expiresInDays = request.tag?.expiresInDays ?? DEFAULT_TAG_DAYS;
  return { rules, tag, expiresInDays, kept, labels, columns: readBy(rules, new Map(types)) };
}

/** What may come out of it, for the catalogue: a score's own tag has one of the tiers where there are some. */
export function issuedKeys({ rules, tag }: Pick<Issued, "rules" | "tag">, tiers: Tiers | undefined): IssuedKey[] {
  const values = new Map<string, Set<string>>();
  const add = (key: string, value: string) => values.set(key, (values.get(key) ?? new Set()).add(value));
  for (const { key, value } of rules) add(key, value);
  if (tag !== undefined) for (const value of tiers?.map(({ tier }) => tier) ?? [tag.value]) add(tag.key, value);
  return [...values].map(([key, all]) => ({ key, values: [...all] }));
}

function tagOf({ operation, tag, rules }: IssuedInput["request"]): Issued["tag"] {
  const missing = (detail: string) => new EntenteError("BAD_REQUEST", { detail });
  if (tag?.key === undefined) {
    if (rules === undefined) throw missing(tag === undefined ? "tag" : "tag.key");
    if (tag?.value !== undefined) throw missing("tag.key");
    return undefined;
  }
  if (operation === "audience" && tag.value === undefined) throw missing("tag.value");
  // A model without tiers gives scores alone.
  return { key: tag.key, value: tag.value ?? "scored" };
}

function rulesOf(given: readonly unknown[]): readonly TagRule[] {
  return readTagRules(
    given.map((rule, i) => {
      if (typeof rule !== "string") return rule;
      try {
        return parseTagRule(rule);
      } catch (error) {
        throw error instanceof EntenteError && error.detail !== undefined
          ? invalidRule(`${i}: ${error.detail}`)
          : error;
      }
    }),
  );
}

function readBy(rules: readonly TagRule[], types: ReadonlyMap<string, "number" | "string">): RawColumn[] {
  return [...columnsIn(rules)].map(([name, literals]) => {
    if (types.get(name) === "number") return { name };
    if (literals.size > MAX_TEXTS) throw invalidRule(`${name}: compared with more than ${MAX_TEXTS} texts`);
    return { name, texts: [...literals].map(String) };
  });
}

/** Those that the agreement commits to, where it does. */
async function requireTiers(vault: JobVault, commitment: string | undefined, tiers: Tiers | undefined): Promise<void> {
  if (tiers === undefined) throw new EntenteError("MODEL_INVALID", { detail: "tiers: the output is a tier" });
  if (commitment === undefined) return;
  const known = await vault.tiers(commitment);
  if (known === undefined)
    throw new EntenteError("POLICY_OUTPUT", { detail: "tiers: this node did not make the agreement's commitment" });
  if (!opensTiers(fromHex(commitment), known.salt, tiers))
    throw new EntenteError("POLICY_OUTPUT", { detail: "tiers: other bounds than the agreement commits to" });
}

/** All columns that a job reads of the own dataset: the model's, then those that only rules name. */
export function ownColumns({ loaded, issued }: Pick<Asked, "loaded" | "issued">): readonly RawColumn[] {
  const ofModel = loaded?.quantised.own.columns ?? [];
  return [
    ...ofModel.map((name) => ({ name })),
    ...(issued?.columns ?? []).filter(({ name }) => !ofModel.includes(name)),
  ];
}

/** Stands for a text that no rule names: no literal holds a control character. */
const OTHER_TEXT = "\u0000";

/** Cells of one row by column name, of `values` in the order of `columns`. */
export function cellReader(
  columns: readonly RawColumn[],
  values: readonly Float64Array[],
): (row: number) => (name: string) => Cell {
  const places = new Map(columns.map(({ name }, j) => [name, j]));
  return (row) => (name) => {
    const j = places.get(name);
    const value = j === undefined ? undefined : values[j]?.[row];
    if (j === undefined || value === undefined || Number.isNaN(value)) return null;
    const texts = columns[j]?.texts;
    return texts === undefined ? value : (texts[value] ?? OTHER_TEXT);
  };
}
