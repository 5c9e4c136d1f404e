/** Imported before anything that parses: zod would compile its checks by `new Function`, which the page's content security
 * policy refuses. */
import * as z from "zod";

z.config({ jitless: true });
