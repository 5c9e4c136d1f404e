/** The API's routes on what leaves the house. Shapes answers; what was found is never among them. */
import type { AgreementDocument } from "../../proto/agreement/schema.ts";
import type { RouteResponse } from "../../proto/http/routes.ts";
import { collaborationId } from "../../proto/ids.ts";
import type { Language } from "../../proto/language.ts";
import { type ReleasedGroup, releasedBy } from "../../proto/policy/released.ts";
import { type Difference, differencesBetween } from "../../proto/terms/differences.ts";
import { differenceText, termsOf } from "../../proto/terms/terms.ts";
import type { Handlers } from "../api/server.ts";
import type { Node } from "../node.ts";

type TermsView = RouteResponse<"agreementTerms">;

export function agreementHandlers(node: Node): Pick<Handlers, "agreementTerms" | "released"> {
  return {
    agreementTerms: async ({ digest }) => {
      const { party } = node.keyring;
      const { document } = await node.connected.agreements.status(digest);
      const inLanguage = (language: Language) => termsOf(document, party, language).map(viewPart);
      const before = await versionBefore(node, document);
      const differences = before && differencesBetween(before, document).map((item) => viewDifference(item, party));
      return {
        digest,
        terms: { en: inLanguage("en"), "zh-CN": inLanguage("zh-CN") },
        differences: differences ?? null,
      };
    },
    released: async () => ({ released: await releasedHere(node) }),
  };
}

/** Undefined for a first version, and where this node does not hold the one before. */
async function versionBefore(node: Node, { supersedes }: AgreementDocument): Promise<AgreementDocument | undefined> {
  if (supersedes === null) return undefined;
  const known = (await node.connected.agreements.list()).find(({ digest }) => digest === supersedes);
  return known?.document;
}

function viewPart({ id, title, blocks }: ReturnType<typeof termsOf>[number]): TermsView["terms"]["en"][number] {
  return { id, title, blocks: blocks.map((block) => ({ title: block.title, lines: [...block.lines] })) };
}

function viewDifference(
  difference: Difference,
  party: string,
): NonNullable<RouteResponse<"agreementTerms">["differences"]>[number] {
  const { path, before, after, effect } = difference;
  const words = (language: Language) => ({ ...differenceText(difference, party, language) });
  return { path, before, after, effect, words: { en: words("en"), "zh-CN": words("zh-CN") } };
}

/** Of every collaboration that this node has agreements in. */
async function releasedHere(node: Node): Promise<RouteResponse<"released">["released"]> {
  const { agreements, policy } = node.connected;
  const documents = new Map((await agreements.list()).map(({ digest, document }) => [digest, document]));
  const collaborations = new Set((await node.store.agreements()).map(({ collaboration }) => collaboration));
  const groups: ReleasedGroup[] = [];
  for (const id of collaborations) {
    const collaboration = collaborationId(id);
    const runs = await policy.runs({ collaboration });
    groups.push(...releasedBy(node.keyring.party, runs, await policy.outcomes({ collaboration })));
  }
  return groups
    .sort((a, b) => (b.lastAt ?? 0) - (a.lastAt ?? 0))
    .map((group) => viewReleased(group, documents.get(group.agreement)));
}

function viewReleased(
  { receiver: _, provider: __, receiverDataset, providerDataset, ...group }: ReleasedGroup,
  document: AgreementDocument | undefined,
): RouteResponse<"released">["released"][number] {
  const isGiven = group.direction === "given";
  const time = (at: number | null) => (at === null ? null : new Date(at).toISOString());
  return {
    ...group,
    title: document?.title ?? "",
    version: document?.version ?? 0,
    ownDataset: isGiven ? providerDataset : receiverDataset,
    peerDataset: isGiven ? receiverDataset : providerDataset,
    outputs: { ...group.outputs },
    columnsInClear: [...group.columnsInClear],
    segments: [...group.segments],
    firstAt: time(group.firstAt),
    lastAt: time(group.lastAt),
  };
}
