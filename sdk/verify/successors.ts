/**
 * Logs that follow one another: one owner's of a collaboration, by their names. A log that goes on where another ended says so
 * in its first entry, and names the head that it goes on from; what was lost in between is named, too.
 */
import { fromHex } from "../../proto/encoding/bytes.ts";
import type { TreeHead } from "../../proto/evidence/checkpoint.ts";
import { verifyCosignedHead } from "../../proto/evidence/cosignature.ts";
import { compareOrigins, ownerOf, parseOrigin } from "../../proto/evidence/origin.ts";
import type { Entry } from "./entries.ts";
import type { Keyring } from "./keys.ts";
import { isHeadOf } from "./log.ts";
import type { Trouble } from "./replay.ts";
import type { LogRecord } from "./trace.ts";

/** One owner's logs in one folder, in order. */
export function sequencesOf(records: readonly LogRecord[]): LogRecord[][] {
  return [...Map.groupBy(records, ({ log }) => `${log.folder}\n${log.owner}`).values()].map((same) =>
    same.toSorted((a, b) => compareOrigins(parseOrigin(a.log.origin), parseOrigin(b.log.origin))),
  );
}

/** `before`: the log in front of this entry's in the folder. */
export function successionProblem(
  entry: Entry,
  { log, isParty }: LogRecord,
  before: LogRecord | undefined,
  keyring: Keyring,
): Trouble {
  if (entry.event !== "log-continued" && entry.event !== "log-recovered") {
    if (entry.index > 0 || !isParty) return undefined;
    if (before !== undefined) return ["ORDER_BROKEN", `it does not say how it follows ${before.log.origin}`];
    return parseOrigin(log.origin).number === 1 ? undefined : ["ORDER_BROKEN", "it does not say which log it follows"];
  }
  if (entry.index > 0) return ["ORDER_BROKEN", "a log's beginning in the middle of it"];
  const { predicate } = entry.statement;
  const head = "previous" in predicate ? predicate.previous : predicate.found;
  const own = parseOrigin(log.origin);
  const isEarlier = ({ origin }: TreeHead) =>
    ownerOf(origin) === log.owner &&
    parseOrigin(origin).collaboration === log.collaboration &&
    compareOrigins(parseOrigin(origin), own) < 0;
  if (!isEarlier(head)) return ["ORDER_BROKEN", "it follows a log that is not one of its owner before it"];
  if ("previous" in predicate) {
    const { cosigner } = predicate.previous;
    const by = ownerOf(cosigner);
    const isCosigned =
      by !== log.owner && keyring.keysOf(by, "cosigner").some(({ key }) => verifyCosignedHead(predicate.previous, key));
    if (!isCosigned) return ["COSIGNATURE_INVALID", "of the head that the log goes on from"];
  } else if (!predicate.lost.every((lost) => isEarlier(lost)))
    return ["ORDER_BROKEN", "a lost head that is not of a log before it"];
  const trouble = endProblem(head, before);
  if (trouble !== undefined || !("found" in predicate)) return trouble;
  const lost = predicate.lost.map(({ origin, size }) => `${size} of ${origin}`).join(", ");
  return ["LOG_RECOVERED", `found were ${head.size} entries of ${head.origin}, known are ${lost}`];
}

/** The log before ends at that head. */
function endProblem(head: TreeHead, before: LogRecord | undefined): Trouble {
  if (before === undefined || before.log.origin !== head.origin)
    return before === undefined || compareOrigins(parseOrigin(before.log.origin), parseOrigin(head.origin)) < 0
      ? ["LOG_MISSING", head.origin]
      : ["ORDER_BROKEN", `it does not follow ${before.log.origin}, which is there`];
  const { tree } = before.log;
  if (head.size > tree.size) return ["LOG_SHORT", `${head.origin} went on to ${head.size}`];
  if (!isHeadOf(tree, { size: head.size, root: fromHex(head.root) }))
    return ["LOGS_DISAGREE", `${head.origin} is not what it was when it ended`];
  return head.size === tree.size ? undefined : ["ORDER_BROKEN", `${head.origin} went on after it had been followed`];
}
