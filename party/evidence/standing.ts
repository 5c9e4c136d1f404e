/**
 * How a collaboration's evidence stands at this node, and what may be done in it then:
 *
 *     open        everything
 *     read-only   nothing is written: this node may have been restored from a backup, and a peer has not been heard
 *     forked      nothing is written or signed: this node's log is not what a peer has cosigned of it
 *     frozen      no job runs: another's log has shown two histories. This node's own log goes on
 */
import { fromUtf8, utf8 } from "../../proto/encoding/bytes.ts";
import { canonicalJson, type Json, parseCanonicalJson } from "../../proto/encoding/canonical-json.ts";
import { EntenteError } from "../../proto/errors.ts";
import type { TreeHead } from "../../proto/evidence/checkpoint.ts";
import type { CollaborationId, PartyId } from "../../proto/ids.ts";
import type { Store } from "../store/store.ts";
import { Turns } from "../turns.ts";

export type Standing =
  | { readonly state: "open" }
  /** `awaiting`: the peers that have not said up to where they know this node's log. */
  | { readonly state: "read-only"; readonly awaiting: readonly PartyId[] }
  /** `lost`: what others, or this node's own store, know of the log and the log no longer shows; `found`: what it shows. */
  | { readonly state: "forked"; readonly lost: readonly TreeHead[]; readonly found: TreeHead }
  /** `origin`: of the log with two histories; `forkDigest`: of the file that holds both checkpoints. */
  | { readonly state: "frozen"; readonly origin: string; readonly forkDigest: string };

const OPEN: Standing = { state: "open" };

export class Standings {
  readonly #store: Pick<Store, "setting" | "putSetting">;
  readonly #turns = new Turns<CollaborationId>();

  constructor(store: Pick<Store, "setting" | "putSetting">) {
    this.#store = store;
  }

  async of(collaboration: CollaborationId): Promise<Standing> {
    const text = await this.#store.setting(settingOf(collaboration));
    return text === undefined ? OPEN : (parseCanonicalJson(utf8(text)) as unknown as Standing);
  }

  /** Reads, decides and writes in one step; durable when it resolves. Returns the standing afterwards. */
  change(collaboration: CollaborationId, next: (now: Standing) => Standing): Promise<Standing> {
    return this.#turns.take(collaboration, async () => {
      const standing = next(await this.of(collaboration));
      const text = fromUtf8(canonicalJson(standing as unknown as Json));
      await this.#store.putSetting(settingOf(collaboration), text);
      return standing;
    });
  }

  /** Before anything is written or signed. Throws LOG_FORKED, COLLABORATION_READ_ONLY. */
  async requireWritable(collaboration: CollaborationId): Promise<void> {
    const { state } = await this.of(collaboration);
    if (state === "forked") throw new EntenteError("LOG_FORKED", { detail: "this node's own log" });
    if (state === "read-only") throw new EntenteError("COLLABORATION_READ_ONLY");
  }

  /** Before a job. Throws COLLABORATION_FROZEN, too. */
  async requireOpen(collaboration: CollaborationId): Promise<void> {
    await this.requireWritable(collaboration);
    if ((await this.of(collaboration)).state === "frozen") throw new EntenteError("COLLABORATION_FROZEN");
  }
}

function settingOf(collaboration: CollaborationId): string {
  return `standing/${collaboration}`;
}

/** After a restore: nothing is written before all of `peers` have been heard. What is worse stays. */
export function suspected(now: Standing, peers: readonly PartyId[]): Standing {
  return now.state === "open" || now.state === "read-only" ? { state: "read-only", awaiting: peers } : now;
}

/** `peer` has cosigned nothing that this node's log does not hold. */
export function heard(now: Standing, peer: PartyId): Standing {
  if (now.state !== "read-only") return now;
  const awaiting = now.awaiting.filter((party) => party !== peer);
  return awaiting.length === 0 ? OPEN : { state: "read-only", awaiting };
}

export function forked(now: Standing, lost: TreeHead, found: TreeHead): Standing {
  const before = now.state === "forked" ? now.lost : [];
  const isKnown = before.some((head) => head.origin === lost.origin && head.root === lost.root);
  return { state: "forked", lost: isKnown ? before : [...before, lost], found };
}

/** The first fork that was seen stays; one of this node's own log weighs more. */
export function frozen(now: Standing, fork: { readonly origin: string; readonly forkDigest: string }): Standing {
  return now.state === "open" ? { state: "frozen", ...fork } : now;
}
