/** The API's routes on evidence and keys: how each collaboration's log stands, and what a person decides when one has forked. */
import { fingerprint } from "../../proto/agreement/identity.ts";
import type { RouteResponse } from "../../proto/http/routes.ts";
import type { CollaborationId } from "../../proto/ids.ts";
import type { Handlers } from "../api/server.ts";
import { standingFound } from "../doctor/standing.ts";
import type { Node } from "../node.ts";
import { requireOwn } from "./collaborations.ts";
import { recoverLog, resumeCollaboration } from "./recovery.ts";
import { collaborationsOf } from "./witnessing.ts";

type View = RouteResponse<"collaborations">["collaborations"][number];

export function evidenceHandlers(
  node: Node,
): Pick<Handlers, "collaborations" | "forks" | "recoverLog" | "resumeCollaboration" | "rotateKeys" | "rotateIdentity"> {
  const { logbook, witness, forks, keyring, store, ports } = node;
  const view = async (collaboration: CollaborationId, peer: string): Promise<View> => {
    const log = await logbook.log(collaboration);
    const standing = await logbook.standings.of(collaboration);
    return {
      collaboration,
      peer,
      origin: log.origin,
      entries: log.size,
      cosigned: log.lastCosigned()?.head.size ?? 0,
      state: standing.state,
      advice: standing.state === "open" ? null : standingFound(standing, { collaboration, peer }).fix,
    };
  };
  const own = (text: string) => requireOwn(node, text);
  return {
    collaborations: async () => {
      const all = [...(await collaborationsOf(store, keyring.party))];
      return { collaborations: await Promise.all(all.map(([collaboration, peer]) => view(collaboration, peer))) };
    },
    forks: async (named) => {
      const { collaboration } = await own(named.collaboration);
      const files = await forks.list(collaboration);
      return { files: files.map(({ path, bytes }) => ({ path, base64: bytes.toBase64() })) };
    },
    recoverLog: async (named) => {
      const { collaboration, peer } = await own(named.collaboration);
      await recoverLog({ logbook, clock: ports.clock }, collaboration);
      void node.connected.witnessing.keepUp();
      return view(collaboration, peer);
    },
    resumeCollaboration: async (named) => {
      const { collaboration, peer } = await own(named.collaboration);
      const { coordinator } = node.connected.enrolled;
      await resumeCollaboration({ logbook, witness, coordinator }, collaboration);
      return view(collaboration, peer);
    },
    rotateKeys: async () => {
      const { validFrom, validUntil } = await node.rotateKeys();
      return { validFrom, validUntil };
    },
    rotateIdentity: async () => {
      const { identity, validFrom, validUntil } = await node.rotateIdentity();
      return { fingerprint: fingerprint(identity), validFrom, validUntil };
    },
  };
}
