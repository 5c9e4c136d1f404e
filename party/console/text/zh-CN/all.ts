/** The Chinese catalogue (zh-CN). A text that is missing here does not compile. */
import type { en } from "../en/all.ts";
import type { SameShape } from "../same-shape.ts";
import { home } from "./home.ts";
import { nav } from "./nav.ts";
import { parts } from "./parts.ts";
import { shell } from "./shell.ts";

export const zhCn: SameShape<typeof en> = { shell, nav, parts, home };
