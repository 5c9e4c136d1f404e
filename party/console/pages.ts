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
    path: "/audience",
    roles: ["analyst"],
    nav: "audience",
    group: "work",
    component: lazy(async () => ({ default: (await import("./run/audience-page.tsx")).AudiencePage })),
  },
  {
    path: "/score",
    roles: ["analyst"],
    nav: "score",
    group: "work",
    component: lazy(async () => ({ default: (await import("./run/score-page.tsx")).ScorePage })),
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
  {
    path: "/datasets",
    roles: ["analyst", "steward", "operator"],
    nav: "datasets",
    group: "work",
    component: lazy(async () => ({ default: (await import("./datasets/datasets-page.tsx")).DatasetsPage })),
  },
  {
    path: "/datasets/new",
    roles: ["analyst", "operator"],
    component: lazy(async () => ({ default: (await import("./datasets/register-page.tsx")).RegisterPage })),
  },
  {
    path: "/datasets/:name",
    roles: ["analyst", "steward", "operator"],
    component: lazy(async () => ({ default: (await import("./datasets/dataset-page.tsx")).DatasetPage })),
  },
  {
    path: "/datasets/:name/again",
    roles: ["analyst", "operator"],
    component: lazy(async () => ({ default: (await import("./datasets/register-page.tsx")).RegisterPage })),
  },
  {
    path: "/datasets/:name/segment",
    roles: ["analyst"],
    component: lazy(async () => ({ default: (await import("./segments/define-page.tsx")).DefinePage })),
  },
  {
    path: "/segments",
    roles: ["analyst", "steward"],
    nav: "segments",
    group: "work",
    component: lazy(async () => ({ default: (await import("./segments/segments-page.tsx")).SegmentsPage })),
  },
  {
    path: "/segments/new",
    roles: ["analyst"],
    component: lazy(async () => ({ default: (await import("./segments/define-page.tsx")).DefinePage })),
  },
  {
    path: "/segments/:name",
    roles: ["analyst", "steward"],
    component: lazy(async () => ({ default: (await import("./segments/segment-page.tsx")).SegmentPage })),
  },
  {
    path: "/tags",
    roles: ["analyst"],
    nav: "tags",
    group: "work",
    component: lazy(async () => ({ default: (await import("./tags/tags-page.tsx")).TagsPage })),
  },
  {
    path: "/tag-catalogue",
    roles: ["analyst", "steward", "auditor"],
    nav: "catalogue",
    group: "work",
    component: lazy(async () => ({ default: (await import("./tags/catalogue-page.tsx")).CataloguePage })),
  },
  {
    path: "/tag-batches",
    roles: ["analyst"],
    nav: "batches",
    group: "work",
    component: lazy(async () => ({ default: (await import("./tags/batches-page.tsx")).BatchesPage })),
  },
  {
    path: "/tags/export",
    roles: ["analyst"],
    component: lazy(async () => ({ default: (await import("./tags/export-page.tsx")).ExportPage })),
  },
  {
    path: "/tag-history",
    roles: ["analyst"],
    nav: "history",
    group: "work",
    component: lazy(async () => ({ default: (await import("./tags/history-page.tsx")).HistoryPage })),
  },
  {
    path: "/opt-outs",
    roles: ["analyst"],
    nav: "optOuts",
    group: "work",
    component: lazy(async () => ({ default: (await import("./tags/opt-outs-page.tsx")).OptOutsPage })),
  },
  {
    path: "/feeds",
    roles: ["analyst", "auditor"],
    nav: "feeds",
    group: "work",
    component: lazy(async () => ({ default: (await import("./feeds/feeds-page.tsx")).FeedsPage })),
  },
  {
    path: "/health",
    roles: ["operator"],
    nav: "health",
    group: "operate",
    component: lazy(async () => ({ default: (await import("./operate/health-page.tsx")).HealthPage })),
  },
  {
    path: "/enrolment",
    roles: ["operator"],
    nav: "enrolment",
    group: "operate",
    component: lazy(async () => ({ default: (await import("./operate/enrolment-page.tsx")).EnrolmentPage })),
  },
  {
    path: "/access",
    roles: ["operator", "auditor"],
    nav: "access",
    group: "operate",
    component: lazy(async () => ({ default: (await import("./operate/access-page.tsx")).AccessPage })),
  },
  {
    path: "/keys",
    roles: ["operator"],
    nav: "keys",
    group: "operate",
    component: lazy(async () => ({ default: (await import("./operate/keys-page.tsx")).KeysPage })),
  },
  {
    path: "/storage",
    roles: ["operator"],
    nav: "storage",
    group: "operate",
    component: lazy(async () => ({ default: (await import("./operate/storage-page.tsx")).StoragePage })),
  },
  {
    path: "/sessions",
    roles: ["operator"],
    nav: "sessions",
    group: "operate",
    component: lazy(async () => ({ default: (await import("./operate/sessions-page.tsx")).SessionsPage })),
  },
  {
    path: "/limits",
    roles: ["operator"],
    nav: "limits",
    group: "operate",
    component: lazy(async () => ({ default: (await import("./operate/limits-page.tsx")).LimitsPage })),
  },
  {
    path: "/feed-setup",
    roles: ["operator"],
    nav: "feedSetup",
    group: "operate",
    component: lazy(async () => ({ default: (await import("./operate/feed-setup-page.tsx")).FeedSetupPage })),
  },
  {
    path: "/inbox",
    roles: ["steward"],
    nav: "inbox",
    group: "govern",
    component: lazy(async () => ({ default: (await import("./govern/inbox-page.tsx")).InboxPage })),
  },
  {
    path: "/agreements",
    roles: ["analyst", "steward", "auditor"],
    nav: "agreements",
    group: "govern",
    component: lazy(async () => ({ default: (await import("./govern/agreements-page.tsx")).AgreementsPage })),
  },
  {
    path: "/agreements/:digest",
    roles: ["analyst", "steward", "auditor"],
    component: lazy(async () => ({ default: (await import("./govern/agreement-page.tsx")).AgreementPage })),
  },
  {
    path: "/released",
    roles: ["steward", "auditor"],
    nav: "released",
    group: "govern",
    component: lazy(async () => ({ default: (await import("./govern/released-page.tsx")).ReleasedPage })),
  },
  {
    path: "/publications",
    roles: ["steward"],
    nav: "publications",
    group: "govern",
    component: lazy(async () => ({ default: (await import("./govern/publications-page.tsx")).PublicationsPage })),
  },
  {
    path: "/peers",
    roles: ["steward"],
    nav: "peers",
    group: "govern",
    component: lazy(async () => ({ default: (await import("./govern/peers-page.tsx")).PeersPage })),
  },
  {
    path: "/log",
    roles: ["auditor"],
    nav: "log",
    group: "audit",
    component: lazy(async () => ({ default: (await import("./audit/log-page.tsx")).LogPage })),
  },
  {
    path: "/log/:collaboration/:log/:index",
    roles: ["auditor"],
    component: lazy(async () => ({ default: (await import("./audit/entry-page.tsx")).EntryPage })),
  },
  {
    path: "/checkpoints",
    roles: ["auditor", "operator"],
    nav: "checkpoints",
    group: "audit",
    component: lazy(async () => ({ default: (await import("./audit/checkpoints-page.tsx")).CheckpointsPage })),
  },
  {
    path: "/verify",
    roles: ["auditor"],
    nav: "verify",
    group: "audit",
    component: lazy(async () => ({ default: (await import("./audit/verify-page.tsx")).VerifyPage })),
  },
];

/** Those that somebody with these roles sees. */
export function pagesFor(roles: readonly Role[]): readonly PageEntry[] {
  return PAGES.filter((page) => page.roles.some((role) => roles.includes(role)));
}
