/** The English catalogue: every word that the console itself says, one file for each topic. */
import { home } from "./home.ts";
import { nav } from "./nav.ts";
import { parts } from "./parts.ts";
import { shell } from "./shell.ts";

export const en = { shell, nav, parts, home } as const;
