/** Every page of the console: where it is, who sees it, and what is loaded for it. The navigation is made of this list. */
import { type ComponentType, type LazyExoticComponent, lazy } from "react";
import { ROLES, type Role } from "../../proto/http/route.ts";
import type { nav } from "./text/en/nav.ts";

/** Keys of `text/*\/nav.ts`. */
export type NavKey = keyof typeof nav.pages;

/** The navigation's groups. */
export type Group = keyof typeof nav.groups;

export interface PageEntry {
  /** Below `/#`; `:name` is a parameter. */
  readonly path: string;
  /** Who sees it: anybody who has one of them. */
  readonly roles: readonly Role[];
  /** Under `nav` in the catalogues; without one it is not in the navigation. */
  readonly nav?: NavKey;
  readonly group?: Group;
  readonly component: LazyExoticComponent<ComponentType>;
}

export const PAGES: readonly PageEntry[] = [
  {
    path: "/",
    roles: ROLES,
    nav: "home",
    component: lazy(async () => ({ default: (await import("./home/home-page.tsx")).HomePage })),
  },
  {
    path: "/jobs",
    roles: ["analyst", "steward", "auditor"],
    nav: "jobs",
    group: "work",
    component: lazy(async () => ({ default: (await import("./jobs/jobs-page.tsx")).JobsPage })),
  },
  {
    path: "/jobs/:jobId",
    roles: ["analyst", "steward", "auditor"],
    component: lazy(async () => ({ default: (await import("./jobs/job-page.tsx")).JobPage })),
  },
];

/** Those that somebody with these roles sees. */
export function pagesFor(roles: readonly Role[]): readonly PageEntry[] {
  return PAGES.filter((page) => page.roles.some((role) => roles.includes(role)));
}
