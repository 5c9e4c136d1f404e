/** The API's routes that begin something: refused while the disk is full. All others read, end or revoke, and go on. */

import type { RouteName } from "../../proto/http/routes.ts";
import type { Handlers } from "../api/server.ts";
import type { Disk } from "./disk.ts";

export const NEW_WORK = [
  ...(["registerDataset", "checkDataset", "defineSegment", "startJob", "dryRun"] as const),
  ...(["exportTags", "exportResult", "runFeed", "addFeed", "proposeAgreement"] as const),
] satisfies RouteName[];

export function refusedWhenFull(handlers: Handlers, disk: Pick<Disk, "require">): Handlers {
  const guarded = NEW_WORK.map((name) => {
    const handle = handlers[name] as (...args: unknown[]) => Promise<unknown>;
    return [
      name,
      async (...args: unknown[]) => {
        await disk.require();
        return handle(...args);
      },
    ];
  });
  return { ...handlers, ...Object.fromEntries(guarded) };
}
