/** The English catalogue: every word that the console itself says, one file for each topic. */
import { audit } from "./audit.ts";
import { datasets } from "./datasets.ts";
import { feeds } from "./feeds.ts";
import { govern } from "./govern.ts";
import { home } from "./home.ts";
import { jobs } from "./jobs.ts";
import { nav } from "./nav.ts";
import { operate } from "./operate.ts";
import { parts } from "./parts.ts";
import { run } from "./run.ts";
import { segments } from "./segments.ts";
import { shell } from "./shell.ts";
import { tags } from "./tags.ts";
import { terms } from "./terms.ts";

export const en = {
  shell,
  nav,
  parts,
  operate,
  home,
  datasets,
  feeds,
  jobs,
  run,
  segments,
  tags,
  terms,
  govern,
  audit,
} as const;
