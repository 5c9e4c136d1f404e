/**
 * What a person decides after a fork. Of this node's own log: it is begun anew under the next name, and its first entry names
 * what is lost and what was found. Of another's: the person has seen both histories and goes on.
 */
import { EntenteError } from "../../proto/errors.ts";
import { parseOrigin } from "../../proto/evidence/origin.ts";
import { statementEntry } from "../../proto/evidence/statements.ts";
import type { CollaborationId } from "../../proto/ids.ts";
import type { Clock } from "../../proto/ports/ports.ts";
import type { Logbook } from "./logbook.ts";
import type { Witness } from "./witness.ts";

/** Throws BAD_REQUEST when the collaboration's own log is not forked. Resolves to the new log's origin. */
export async function recoverLog(
  { logbook, clock }: { readonly logbook: Logbook; readonly clock: Clock },
  collaboration: CollaborationId,
): Promise<string> {
  const standing = await logbook.standings.of(collaboration);
  if (standing.state !== "forked") throw new EntenteError("BAD_REQUEST", { detail: `the log is ${standing.state}` });
  const { lost, found } = standing;
  // Never a name that the lost log has used.
  const lastYear = Math.max(...[...lost, found].map((head) => parseOrigin(head.origin).year));
  const year = Math.max(new Date(clock.nowMs()).getUTCFullYear(), lastYear);
  const log = await logbook.beginNext(collaboration, year, ({ keys, identity }) =>
    statementEntry(
      "log-recovered",
      [{ name: "log", digest: { sha256: found.root } }],
      { lost: [...lost], found, at: logbook.now() },
      keys.jobs,
      identity,
    ),
  );
  await logbook.standings.change(collaboration, () => ({ state: "open" }));
  return log.origin;
}

/**
 * Lets jobs run again in a collaboration that another's log has frozen. A party's log must have been begun anew first, by an
 * entry that names the head that this node had cosigned. Throws BAD_REQUEST when it is not frozen, COLLABORATION_FROZEN.
 */
export async function resumeCollaboration(
  {
    logbook,
    witness,
    coordinator,
  }: { readonly logbook: Logbook; readonly witness: Witness; readonly coordinator: string },
  collaboration: CollaborationId,
): Promise<void> {
  const standing = await logbook.standings.of(collaboration);
  if (standing.state !== "frozen") throw new EntenteError("BAD_REQUEST", { detail: `the log is ${standing.state}` });
  const { party } = parseOrigin(standing.origin);
  const { origin } = await witness.state({ party, collaboration });
  // No job rests on the coordinator's log: it is left as it is, and not cosigned any more.
  if (party !== coordinator && origin === standing.origin)
    throw new EntenteError("COLLABORATION_FROZEN", { detail: `${party} has not begun its log anew` });
  // Before the standing changes, so that a stop in between does not bring the same fork up again.
  if (party === coordinator) await witness.abandon({ party, collaboration });
  await logbook.standings.change(collaboration, () => ({ state: "open" }));
}
