/**
 * Definitions as a node keeps them: for good, each version once, sealed under the node's key, since constants of a filter are
 * values of its data; and the ids of lists in a sealed file beside, never in clear.
 */
import { join } from "node:path";
import type { NormaliserName } from "../../proto/agreement/fields.ts";
import { toHex } from "../../proto/encoding/bytes.ts";
import { canonicalJson, type Json, parseCanonicalJson } from "../../proto/encoding/canonical-json.ts";
import { digestOf, domainHash } from "../../proto/encoding/sha256.ts";
import { EntenteError } from "../../proto/errors.ts";
import type { Digest } from "../../proto/ids.ts";
import type { Files, Random } from "../../proto/ports/ports.ts";
import type { SegmentKind, SegmentRef } from "../../proto/segments/names.ts";
import type { SegmentRule } from "../../proto/segments/rule.ts";
import type { PackedText } from "../data/packed-text.ts";
import { openAtRest, sealAtRest } from "../store/at-rest.ts";
import type { Store } from "../store/store.ts";
import { type ListCounts, peopleBytes, readPeople } from "./people.ts";

interface ListPart {
  /** Under which the ids were read, a column each. */
  readonly normalisers: readonly NormaliserName[];
  readonly counts: ListCounts;
  /** SHA-256 of the list. */
  readonly people: Digest;
}

/** Another segment as it was when the expression was written. */
export interface PinnedSegment {
  readonly version: number;
  readonly digest: Digest;
}

/** Plain data. */
export type StoredDefinition =
  | ({ readonly kind: "list" } & ListPart)
  | ({ readonly kind: "import"; readonly file: string; readonly idColumns: readonly string[] } & ListPart)
  | { readonly kind: "rule"; readonly rule: SegmentRule }
  | { readonly kind: "sql"; readonly expression: string }
  | {
      readonly kind: "tier";
      readonly key?: string | undefined;
      readonly values?: readonly string[] | undefined;
      readonly job?: string | undefined;
    }
  | {
      readonly kind: "derived";
      readonly expression: string;
      /** By operand as it is written. */
      readonly operands: Readonly<Record<string, PinnedSegment>>;
      /** Parts of it that are not derived, in all, each as often as it stands there. */
      readonly leaves: number;
    };

export interface SegmentVersion extends SegmentRef {
  readonly dataset: string;
  readonly kind: SegmentKind;
  readonly definition: StoredDefinition;
  /** SHA-256 of all that is above, and by it of every operand. */
  readonly digest: Digest;
  readonly definedAt: string;
  readonly definedBy: string;
}

export interface KeptSegmentsOptions {
  readonly store: Pick<Store, "segments" | "addSegment">;
  readonly files: Files;
  readonly random: Random;
  /** The node's at-rest key, 32 bytes. */
  readonly key: Uint8Array;
  /** Absolute; nothing else lies in it. */
  readonly folder: string;
}

export type NewVersion = Omit<SegmentVersion, "digest" | "kind">;

export class KeptSegments {
  readonly #options: KeptSegmentsOptions;

  constructor(options: KeptSegmentsOptions) {
    this.#options = options;
  }

  /** By name and version. */
  async all(): Promise<SegmentVersion[]> {
    const { key, store } = this.#options;
    return (await store.segments()).map(({ name, version, dataset, kind, definedAt, definedBy, sealed }) => {
      const opened = openAtRest({ key, purpose: purposeOf({ name, version }), sealed });
      const definition = parseCanonicalJson(opened) as unknown as StoredDefinition;
      const made = { name, version, dataset, definition, definedAt, definedBy };
      return { ...made, kind, digest: digestOfVersion(made) };
    });
  }

  /** `people`: of a list, durable before the version is there. Throws ALREADY_EXISTS. */
  async add(made: NewVersion, people: PackedText | undefined): Promise<SegmentVersion> {
    const { key, random, files, store } = this.#options;
    const { name, version, dataset, definition, definedAt, definedBy } = made;
    const seal = (purpose: string, secret: Uint8Array) => sealAtRest({ key, random, purpose, secret });
    if (people !== undefined)
      await files.writeDurable(this.#path(made), seal(`${purposeOf(made)}/people`, peopleBytes(people)));
    const sealed = seal(purposeOf(made), canonicalJson(definition as unknown as Json));
    const { kind } = definition;
    if (!(await store.addSegment({ name, version, dataset, kind, definedAt, definedBy, sealed })))
      throw new EntenteError("ALREADY_EXISTS", { detail: `segment ${name} version ${version}` });
    return { ...made, kind, digest: digestOfVersion(made) };
  }

  /** Of a list. Throws STORAGE_FAILED. */
  async people(ref: SegmentRef): Promise<PackedText> {
    const { key, files } = this.#options;
    const sealed = await files.read(this.#path(ref));
    if (sealed === undefined) throw new EntenteError("STORAGE_FAILED", { detail: "a segment's list is gone" });
    return readPeople(openAtRest({ key, purpose: `${purposeOf(ref)}/people`, sealed }));
  }

  #path({ name, version }: SegmentRef): string {
    return join(this.#options.folder, `${name}-${version}.sealed`);
  }
}

function purposeOf({ name, version }: SegmentRef): string {
  return `segment/${name}/${version}`;
}

function digestOfVersion({ name, version, dataset, definition }: NewVersion): Digest {
  return digestOf(canonicalJson({ name, version, dataset, definition } as unknown as Json));
}

export function digestOfPeople(people: PackedText): Digest {
  return toHex(domainHash("entente segment people/1", peopleBytes(people))) as Digest;
}
