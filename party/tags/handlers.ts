/** The API's routes on tags: values, files, the catalogue, batches, history and opt-outs. */
import type { RouteResponse } from "../../proto/http/routes.ts";
import type { Handlers } from "../api/server.ts";
import type { Node } from "../node.ts";
import type { TagBatchRecord } from "../store/tag-records.ts";
import { tagsFile } from "./tags-file.ts";

const PAGE = 10_000;

type Served =
  | "tags"
  | "exportTags"
  | "tagCatalogue"
  | "defineTag"
  | "tagBatches"
  | "tagHistory"
  | "optOuts"
  | "optOutPage";
type View = RouteResponse<"tagBatches">["batches"][number];

export function tagHandlers(node: Node): Pick<Handlers, Served | "addOptOuts" | "removeOptOuts"> {
  const { store, catalogue, optOuts, logbook } = node;
  return {
    tags: async () => ({ tags: await store.tagCounts(logbook.now()) }),
    exportTags: async (wanted, { person }) => tagsFile(node, wanted, person),
    tagCatalogue: async () => ({ definitions: await catalogue.list() }),
    defineTag: async (definition, { person, roles }) =>
      catalogue.define(definition, { person, mayReplace: roles.includes("steward") }),
    tagBatches: async () => {
      const now = logbook.now();
      await store.expireTags(now);
      const current = new Map<string, number>();
      for (const { key, jobId, count } of await store.tagCounts(now))
        current.set(`${jobId} ${key}`, (current.get(`${jobId} ${key}`) ?? 0) + count);
      const batches = await store.tagBatches();
      return { batches: batches.flatMap((batch) => view(batch, current.get(`${batch.jobId} ${batch.key}`) ?? 0)) };
    },
    tagHistory: async ({ subject }) => ({ tags: await store.tagHistory(subject, logbook.now()) }),
    optOuts: async () => ({ lists: await optOuts.counts() }),
    optOutPage: async ({ form, after }) => optOuts.page(form, { after, limit: PAGE }),
    addOptOuts: async ({ form, ids }, { person }) => {
      const { rejected, ...added } = await optOuts.add(form, ids, person);
      return { ...added, rejected: [...rejected] };
    },
    removeOptOuts: async ({ form, ids }) => ({ removed: await optOuts.remove(form, ids) }),
  };
}

function view({ state, lineage, counts, ...batch }: TagBatchRecord, current: number): View[] {
  if (state === "staged") return [];
  const shown = state === "in-force" && current === 0 ? "superseded" : state;
  return [
    { ...batch, state: shown, counts: { ...counts }, current, lineage: lineage === null ? null : JSON.parse(lineage) },
  ];
}
