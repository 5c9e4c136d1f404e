/** Errors of tags, labels and feeds. */
import { type CatalogueEntry, entry, FAILED_PRECONDITION, INVALID_ARGUMENT, UNAVAILABLE } from "./entry.ts";

export const TAGS = {
  FEED_BEHIND: entry(
    FAILED_PRECONDITION,
    409,
    "caller",
    "The node has forgotten tags that ended since this feed's last delivery. Run it once in full.",
  ),
  FEED_VALUE: entry(
    FAILED_PRECONDITION,
    409,
    "caller",
    "The feed's target cannot hold the text of a tag. Leave that tag's key out of the feed, or feed it to files.",
  ),
  FEED_SECRET: entry(
    FAILED_PRECONDITION,
    400,
    "operator",
    "The webhook's secret cannot be used. Put 'whsec_' and its Base64 into the feed's secret file, readable by the node.",
  ),
  FEED_UNREACHABLE: entry(
    UNAVAILABLE,
    502,
    "operator",
    "The webhook's receiver did not take the events, time and again. Check that it runs; the next run goes on where this one stopped.",
    true,
  ),
  FEED_REFUSED: entry(
    FAILED_PRECONDITION,
    502,
    "operator",
    "The webhook's receiver refuses the events. Check its address and secret with its operator, then run the feed again.",
  ),
  FEED_GONE: entry(
    FAILED_PRECONDITION,
    409,
    "operator",
    "The webhook's receiver is gone for good (410), and the feed has stopped. Remove it, or add it with another address.",
  ),
  TAG_CATALOGUE: entry(
    FAILED_PRECONDITION,
    409,
    "caller",
    "The tag catalogue has another definition of that key. Issue a value of its kind, or let its owner define the key anew.",
  ),
  LABEL_UNFIT: entry(
    FAILED_PRECONDITION,
    409,
    "peer",
    "A value of a label column is longer than agreed, or not of the agreed type. The partner's node mends that column, or both agree on another length or type.",
  ),
  TAG_RULE_INVALID: entry(
    INVALID_ARGUMENT,
    400,
    "caller",
    "A tag rule is not of the published form, or does not fit the data. Correct the place that is named.",
  ),
} as const satisfies Record<string, CatalogueEntry>;
