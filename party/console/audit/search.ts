/** What the log is searched by, as the form has it and as the node is asked. Kept while the page is open, so that coming back from an
 * entry finds the search again. */
import type { RouteRequest } from "../../../proto/http/routes.ts";

export interface SearchForm {
  readonly job: string;
  readonly agreement: string;
  readonly person: string;
  readonly event: string;
  readonly from: string;
  readonly to: string;
}

export const EMPTY_SEARCH: SearchForm = { job: "", agreement: "", person: "", event: "", from: "", to: "" };

export function isJobId(text: string): boolean {
  return /^[0-9a-f]{32}$/.test(text);
}

/** Fields that are empty do not narrow anything. */
export function requestOf(
  collaboration: string,
  form: SearchForm,
  before: string | undefined,
): RouteRequest<"evidenceEntries"> {
  const given = Object.entries({ ...form, before: before ?? "" })
    .map(([name, value]) => [name, value.trim()] as const)
    .filter(([, value]) => value !== "");
  return { collaboration, ...Object.fromEntries(given) };
}

let kept: SearchForm = EMPTY_SEARCH;

export function keepSearch(form: SearchForm): void {
  kept = form;
}

export function keptSearch(): SearchForm {
  return kept;
}
