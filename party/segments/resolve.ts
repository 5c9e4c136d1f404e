/** A version of a segment as the selection that a job reads by. */
import { isDeepStrictEqual } from "node:util";
import { toHex, utf8 } from "../../proto/encoding/bytes.ts";
import { domainHash } from "../../proto/encoding/sha256.ts";
import { EntenteError } from "../../proto/errors.ts";
import type { Digest } from "../../proto/ids.ts";
import { operandKey, parseSegmentExpression, type SegmentExpression } from "../../proto/segments/expression.ts";
import type { SegmentRef } from "../../proto/segments/names.ts";
import type { DatasetRegistration } from "../data/dataset.ts";
import { parseFilter } from "../data/filter.ts";
import type { PackedText } from "../data/packed-text.ts";
import type { Selection } from "../data/selection.ts";
import type { PinnedSegment, SegmentVersion } from "./kept.ts";
import { digestOfPeople } from "./kept.ts";
import { ruleFilter } from "./rule-filter.ts";

export interface ResolvedSegment extends SegmentRef {
  readonly selection: Selection;
  /** Of the definition: the same for good. */
  readonly definition: Digest;
  /** Of the definition and of everybody whom tags put into it now: equal, the same people of the same dataset version. */
  readonly content: Digest;
}

/** Where a segment's parts come from. */
export interface Parts {
  /** Throws NOT_FOUND. */
  version(ref: SegmentRef): SegmentVersion;
  list(ref: SegmentRef): Promise<PackedText>;
  /** Who holds such a tag now. */
  tagged(tier: SegmentVersion["definition"] & { readonly kind: "tier" }): Promise<PackedText>;
}

/** Throws FILTER_INVALID when the dataset has other columns by now, SEGMENT_INVALID when it has another form of ids, and
 * STORAGE_FAILED. */
export async function resolveSegment(
  ref: SegmentRef,
  registration: DatasetRegistration,
  parts: Parts,
): Promise<ResolvedSegment> {
  const resolver = new Resolver(registration, parts);
  const selection = await resolver.selection(ref);
  const { digest } = parts.version(ref);
  const content = domainHash("entente segment content/1", utf8([digest, ...resolver.tagged].join("\n")));
  return { name: ref.name, version: ref.version, selection, definition: digest, content: toHex(content) as Digest };
}

class Resolver {
  /** Of those who hold tags, in the order in which they were looked up. */
  readonly tagged: Digest[] = [];
  readonly #registration: DatasetRegistration;
  readonly #parts: Parts;
  /** Each version once, so that each list is looked up once for a row. */
  readonly #resolved = new Map<string, Selection>();

  constructor(registration: DatasetRegistration, parts: Parts) {
    this.#registration = registration;
    this.#parts = parts;
  }

  async selection(ref: SegmentRef): Promise<Selection> {
    const key = `${ref.name}@${ref.version}`;
    const known = this.#resolved.get(key);
    if (known !== undefined) return known;
    const selection = await this.#selectionOf(this.#parts.version(ref));
    this.#resolved.set(key, selection);
    return selection;
  }

  async #selectionOf(segment: SegmentVersion): Promise<Selection> {
    const { definition } = segment;
    switch (definition.kind) {
      case "list":
      case "import":
        if (
          !isDeepStrictEqual(
            definition.normalisers,
            this.#registration.ids.map(({ normaliser }) => normaliser),
          )
        )
          throw new EntenteError("SEGMENT_INVALID", {
            detail: `${segment.name}: its ids are of another form than the dataset's are now; define it again`,
          });
        return { kind: "people", people: await this.#parts.list(segment) };
      case "rule":
        return parseFilter(this.#registration, ruleFilter(definition.rule));
      case "sql":
        return parseFilter(this.#registration, definition.expression);
      case "tier": {
        const people = await this.#parts.tagged(definition);
        this.tagged.push(digestOfPeople(people));
        return { kind: "people", people };
      }
      case "derived":
        return this.#derived(parseSegmentExpression(definition.expression), definition.operands);
    }
  }

  async #derived(expression: SegmentExpression, operands: Readonly<Record<string, PinnedSegment>>): Promise<Selection> {
    if (expression.kind === "segment") {
      const pinned = operands[operandKey(expression)];
      if (pinned === undefined) throw new EntenteError("STORAGE_FAILED", { detail: "a segment's operand" });
      return this.selection({ name: expression.name, version: pinned.version });
    }
    if (expression.kind === "minus") {
      const from = await this.#derived(expression.from, operands);
      return { kind: "minus", from, minus: await this.#derived(expression.minus, operands) };
    }
    const of: Selection[] = [];
    for (const part of expression.of) of.push(await this.#derived(part, operands));
    return { kind: expression.kind === "and" ? "all" : "any", of: [...new Set(of)] };
  }
}
