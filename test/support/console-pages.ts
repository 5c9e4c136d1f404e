/** The console's registry of pages, as tests see it: addresses and roles, without what is loaded for them. */
import type { Role } from "../../proto/http/route.ts";

export interface ListedPage {
  readonly path: string;
  readonly roles: readonly Role[];
  readonly nav?: string;
}

// Not by a literal, which would have the compiler check the pages themselves as code of Node.
const registry = new URL("../../party/console/pages.ts", import.meta.url).href;
export const { PAGES } = (await import(registry)) as { readonly PAGES: readonly ListedPage[] };
