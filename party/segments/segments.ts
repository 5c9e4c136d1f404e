/** Named, versioned parts of this node's own datasets: defined, listed, published to peers, and made selections of. */
import { EntenteError } from "../../proto/errors.ts";
import type { SegmentDefinitionInput } from "../../proto/http/segment-routes.ts";
import type { Clock, Files, Random } from "../../proto/ports/ports.ts";
import type { SegmentOperand } from "../../proto/segments/expression.ts";
import { MAX_PUBLISHED_SEGMENTS, MAX_SEGMENT_VERSION, type SegmentRef } from "../../proto/segments/names.ts";
import type { DatasetRegistration } from "../data/dataset.ts";
import type { Datasets, SpillSource } from "../data/datasets.ts";
import { effectiveRows } from "../data/effective.ts";
import { type PackedText, TextPacker } from "../data/packed-text.ts";
import type { SegmentStanding, Store } from "../store/store.ts";
import { Turns } from "../turns.ts";
import { defineSegment } from "./define.ts";
import { KeptSegments, type SegmentVersion } from "./kept.ts";
import { type Parts, type ResolvedSegment, resolveSegment } from "./resolve.ts";

export interface SegmentsOptions {
  readonly store: Store;
  readonly datasets: Datasets;
  readonly clock: Clock;
  readonly files: Files;
  readonly random: Random;
  /** The node's at-rest key, 32 bytes. */
  readonly key: Uint8Array;
  /** Of sealed lists; absolute. */
  readonly folder: string;
  readonly spill?: SpillSource;
}

export interface Segment {
  /** The newest. */
  readonly newest: SegmentVersion;
  /** All, newest first. */
  readonly versions: readonly SegmentVersion[];
  readonly published: NonNullable<SegmentStanding["published"]> | undefined;
  readonly retiredAt: string | undefined;
}

export interface Publication {
  readonly description: string;
  /** Parties. */
  readonly to: readonly string[];
}

/** All that a peer is told of a segment. */
export interface PublishedSegment extends SegmentRef {
  readonly dataset: string;
  readonly description: string;
}

export class Segments {
  readonly #options: SegmentsOptions;
  readonly #kept: KeptSegments;
  readonly #turns = new Turns<"change">();

  constructor(options: SegmentsOptions) {
    this.#options = options;
    this.#kept = new KeptSegments(options);
  }

  /**
   * A name that is there gets a new version, of the same dataset, and is no longer retired; what is published stays the
   * version that it was. Throws NOT_FOUND for the dataset, SEGMENT_INVALID and the errors of `defineSegment`.
   */
  define(
    input: { readonly name: string; readonly dataset: string; readonly definition: SegmentDefinitionInput },
    person: string,
  ): Promise<SegmentVersion> {
    const { name, dataset } = input;
    return this.#turns.take("change", async () => {
      const registration = await this.#options.datasets.require(dataset);
      const all = await this.#all();
      const before = all.get(name);
      if (before !== undefined && before.newest.dataset !== dataset)
        throw new EntenteError("SEGMENT_INVALID", { detail: `${name} is a segment of ${before.newest.dataset}` });
      const version = (before?.newest.version ?? 0) + 1;
      if (version > MAX_SEGMENT_VERSION) throw new EntenteError("SEGMENT_INVALID", { detail: "too many versions" });
      const operand = (named: SegmentOperand) => usable(all, named.name, named.version);
      const { spill: source, clock } = this.#options;
      const spill = source && { ...source, key: source.random.bytes(32) };
      const { access } = this.#options.datasets;
      const defined = await defineSegment({ registration, definition: input.definition, spill, access, operand });
      const definedAt = new Date(clock.nowMs()).toISOString();
      const made = { name, version, dataset, definition: defined.definition, definedAt, definedBy: person };
      const added = await this.#kept.add(made, defined.people);
      if (before?.retiredAt !== undefined) await this.#stand(before, { retiredAt: null });
      return added;
    });
  }

  /** By name. */
  async list(): Promise<Segment[]> {
    return [...(await this.#all()).values()];
  }

  /** Throws NOT_FOUND. */
  async require(name: string): Promise<Segment> {
    const found = (await this.#all()).get(name);
    if (found === undefined) throw notFound(name);
    return found;
  }

  /** The version that a person means who names none, or the named one. Throws NOT_FOUND, SEGMENT_INVALID when retired. */
  async pin(name: string, version?: number): Promise<SegmentVersion> {
    return usable(await this.#all(), name, version);
  }

  /** To the peers that are named and to nobody else, instead of those before. Throws as `pin`. */
  publish({ name, version }: SegmentRef, { description, to }: Publication): Promise<Segment> {
    return this.#turns.take("change", async () => {
      const all = await this.#all();
      const pinned = usable(all, name, version);
      const others = [...all.values()].filter(
        ({ newest, published }) => published && newest.dataset === pinned.dataset && newest.name !== name,
      );
      if (others.length >= MAX_PUBLISHED_SEGMENTS)
        throw new EntenteError("SEGMENT_INVALID", { detail: `${others.length} of the dataset are published already` });
      const at = new Date(this.#options.clock.nowMs()).toISOString();
      const published = { version: pinned.version, description, at, to: [...new Set(to)].sort() };
      return this.#stand(all.get(name) as Segment, { published });
    });
  }

  /** New jobs of peers are refused; those admitted go on. Throws NOT_FOUND. */
  unpublish(name: string): Promise<Segment> {
    return this.#turns.take("change", async () => this.#stand(await this.require(name), { published: null }));
  }

  /** And is unpublished. Throws NOT_FOUND. */
  retire(name: string): Promise<Segment> {
    return this.#turns.take("change", async () => {
      const retiredAt = new Date(this.#options.clock.nowMs()).toISOString();
      return this.#stand(await this.require(name), { published: null, retiredAt });
    });
  }

  /** What one peer is told of, by name. */
  async publishedTo(peer: string): Promise<PublishedSegment[]> {
    return (await this.list()).flatMap(({ newest: { name, dataset }, published }) =>
      published?.to.includes(peer)
        ? [{ name, dataset, version: published.version, description: published.description }]
        : [],
    );
  }

  /** What the peer may ask for; another peer's is to it as if it were not there. Throws SEGMENT_UNPUBLISHED, SEGMENT_VERSION. */
  async requirePublished({ name, version }: SegmentRef, dataset: string, peer: string): Promise<void> {
    const found = (await this.publishedTo(peer)).find(
      (segment) => segment.name === name && segment.dataset === dataset,
    );
    if (found === undefined) throw new EntenteError("SEGMENT_UNPUBLISHED", { detail: name });
    if (found.version !== version) throw new EntenteError("SEGMENT_VERSION", { detail: `${name}@${found.version}` });
  }

  /** Retired or not. Throws NOT_FOUND. */
  async version(ref: SegmentRef): Promise<SegmentVersion> {
    return versionOf(await this.#all(), ref);
  }

  /** A version that was pinned, retired or not. Throws NOT_FOUND, SEGMENT_INVALID for another dataset's, and as
   * `resolveSegment`. */
  async resolve(ref: SegmentRef, registration: DatasetRegistration): Promise<ResolvedSegment> {
    const parts = await this.#parts();
    const { dataset } = parts.version(ref);
    if (dataset !== registration.name)
      throw new EntenteError("SEGMENT_INVALID", { detail: `${ref.name} is a segment of ${dataset}` });
    return resolveSegment(ref, registration, parts);
  }

  /** Distinct people who are in it now. Throws as `pin` and `resolve`, and what reading the dataset throws. */
  async count(
    name: string,
    version?: number,
  ): Promise<SegmentRef & { readonly dataset: string; readonly people: number }> {
    const pinned = await this.pin(name, version);
    const { spill } = this.#options;
    const registration = await this.#options.datasets.require(pinned.dataset);
    const { selection } = await this.resolve(pinned, registration);
    const place = spill && { spill: { ...spill, key: spill.random.bytes(32) } };
    const { access } = this.#options.datasets;
    const people = await effectiveRows(registration, selection, { ...place, access });
    return { name, version: pinned.version, dataset: pinned.dataset, people };
  }

  async #parts(): Promise<Parts> {
    const all = await this.#all();
    return {
      version: (ref) => versionOf(all, ref),
      list: (ref) => this.#kept.people(ref),
      tagged: (tier) => this.#tagged(tier),
    };
  }

  async #tagged({ key, values, job }: Parameters<Parts["tagged"]>[0]): Promise<PackedText> {
    const { store, clock } = this.#options;
    const now = new Date(clock.nowMs()).toISOString();
    const packer = new TextPacker();
    let last: string | undefined;
    // In the order of their subjects.
    for await (const tag of store.tags({ now, ...(key && { key }), ...(job && { jobId: job }) })) {
      if (tag.subject === last || values?.includes(tag.value) === false) continue;
      last = tag.subject;
      packer.add(tag.subject);
    }
    return packer.packed();
  }

  async #all(): Promise<ReadonlyMap<string, Segment>> {
    const standings = new Map((await this.#options.store.segmentStandings()).map((item) => [item.name, item]));
    const byName = Map.groupBy(await this.#kept.all(), ({ name }) => name);
    return new Map(
      [...byName].map(([name, ascending]) => {
        const versions = ascending.toReversed();
        const { published, retiredAt } = standings.get(name) ?? { published: null, retiredAt: null };
        const standing = { published: published ?? undefined, retiredAt: retiredAt ?? undefined };
        return [name, { newest: versions[0] as SegmentVersion, versions, ...standing }];
      }),
    );
  }

  async #stand(segment: Segment, change: Partial<Omit<SegmentStanding, "name">>): Promise<Segment> {
    const { newest, published = null, retiredAt = null } = segment;
    const standing = { name: newest.name, published, retiredAt, ...change };
    await this.#options.store.putSegmentStanding(standing);
    return this.require(newest.name);
  }
}

function notFound(name: string): EntenteError {
  return new EntenteError("NOT_FOUND", { detail: `segment ${name}` });
}

function versionOf(all: ReadonlyMap<string, Segment>, { name, version }: SegmentRef): SegmentVersion {
  const found = all.get(name)?.versions.find((item) => item.version === version);
  if (found === undefined) throw notFound(`${name}@${version}`);
  return found;
}

function usable(all: ReadonlyMap<string, Segment>, name: string, version: number | undefined): SegmentVersion {
  const segment = all.get(name);
  if (segment === undefined) throw notFound(name);
  if (segment.retiredAt !== undefined)
    throw new EntenteError("SEGMENT_INVALID", { detail: `${name} is retired; define it again to use it` });
  return version === undefined ? segment.newest : versionOf(all, { name, version });
}
