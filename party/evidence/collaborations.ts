/** The collaborations that this node is a party of. */
import { EntenteError } from "../../proto/errors.ts";
import { type CollaborationId, collaborationId, type PartyId } from "../../proto/ids.ts";
import type { Keyring } from "../store/keyring.ts";
import type { Store } from "../store/store.ts";
import { collaborationsOf } from "./witnessing.ts";

export interface OwnCollaboration {
  readonly collaboration: CollaborationId;
  readonly peer: PartyId;
}

/** Whoever names one that this node is no party of must not make it look for a log, let alone begin one. Throws NOT_FOUND. */
export async function requireOwn(
  { store, keyring }: { readonly store: Store; readonly keyring: Keyring },
  text: string,
): Promise<OwnCollaboration> {
  const collaboration = collaborationId(text);
  const peer = (await collaborationsOf(store, keyring.party)).get(collaboration);
  if (peer === undefined) throw new EntenteError("NOT_FOUND", { detail: "collaboration" });
  return { collaboration, peer };
}
