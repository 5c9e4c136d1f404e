/** The API's routes on segments. Shapes answers; a list's ids are never among them. */
import type { RouteResponse } from "../../proto/http/routes.ts";
import type { Handlers } from "../api/server.ts";
import type { SegmentVersion, StoredDefinition } from "./kept.ts";
import type { Segment, Segments } from "./segments.ts";

type View = RouteResponse<"segments">["segments"][number];
type VersionView = RouteResponse<"defineSegment">;

export function segmentHandlers({
  segments,
}: {
  readonly segments: Segments;
}): Pick<
  Handlers,
  "segments" | "segment" | "defineSegment" | "countSegment" | "publishSegment" | "unpublishSegment" | "retireSegment"
> {
  return {
    segments: async () => ({ segments: (await segments.list()).map(viewSegment) }),
    segment: async ({ name }) => {
      const segment = await segments.require(name);
      return { ...viewSegment(segment), versions: segment.versions.map(viewVersion) };
    },
    defineSegment: async (input, caller) => viewVersion(await segments.define(input, caller.person)),
    countSegment: ({ name, version }) => segments.count(name, version),
    publishSegment: async ({ name, version, ...publication }) =>
      viewSegment(await segments.publish({ name, version }, publication)),
    unpublishSegment: async ({ name }) => viewSegment(await segments.unpublish(name)),
    retireSegment: async ({ name }) => viewSegment(await segments.retire(name)),
  };
}

function viewSegment({ newest, published, retiredAt }: Segment): View {
  const { name, dataset, version, kind, definedAt, definedBy } = newest;
  const standing = {
    published: published ? { ...published, to: [...published.to] } : null,
    retiredAt: retiredAt ?? null,
  };
  return { name, dataset, version, kind, definedAt, definedBy, ...standing };
}

function viewVersion({ name, version, dataset, kind, definition, definedAt, definedBy }: SegmentVersion): VersionView {
  const counts = "counts" in definition ? { ...definition.counts, rejected: { ...definition.counts.rejected } } : null;
  return { name, version, dataset, kind, definition: viewDefinition(definition), counts, definedAt, definedBy };
}

function viewDefinition(definition: StoredDefinition): unknown {
  switch (definition.kind) {
    case "list":
      return {};
    case "import":
      return { file: definition.file, idColumns: definition.idColumns };
    case "rule":
      return definition.rule;
    case "sql":
      return { expression: definition.expression };
    case "tier": {
      const { kind: _, ...tier } = definition;
      return tier;
    }
    case "derived": {
      const operands = Object.entries(definition.operands).map(([name, { version }]) => [name, version]);
      return { expression: definition.expression, operands: Object.fromEntries(operands) };
    }
  }
}
