import { once } from "node:events";
import type { ServerWritableStream } from "@grpc/grpc-js";
import { FETCH_LOG, MAX_LOG_PIECE_BYTES } from "../../proto/codec/coordinator.ts";
import { EntenteError } from "../../proto/errors.ts";
import type { CollaborationId, PartyId } from "../../proto/ids.ts";
import type { Caller } from "../caller.ts";
import { endStream } from "../serve.ts";
import type { Service } from "../service.ts";

/** Throws NOT_FOUND when the caller is none of the collaboration's parties, as for one that is not there. */
export async function requireParty(
  { store }: Pick<Service, "store">,
  collaborationId: CollaborationId,
  party: PartyId,
): Promise<void> {
  if (!(await store.partiesOf(collaborationId)).includes(party))
    throw new EntenteError("NOT_FOUND", { detail: "collaboration" });
}

/** The files of a collaboration's log as they are at one moment, for its parties. Throws NOT_FOUND to everybody else, as
 * for a collaboration that is not there. */
export async function fetchLog(
  service: Service,
  call: ServerWritableStream<Buffer, Buffer>,
  { party }: Caller,
): Promise<void> {
  const { collaborationId } = FETCH_LOG.request.decode(call.request);
  await requireParty(service, collaborationId, party);
  const { logs } = service;
  await logs.flush(collaborationId);
  for (const { path, bytes } of await logs.files(collaborationId)) {
    for (let at = 0; at === 0 || at < bytes.length; at += MAX_LOG_PIECE_BYTES) {
      const content = bytes.subarray(at, at + MAX_LOG_PIECE_BYTES);
      const last = at + content.length === bytes.length;
      if (call.cancelled) return;
      if (!call.write(FETCH_LOG.response.encode({ path, content, last })))
        await Promise.race([once(call, "drain"), once(call, "cancelled")]);
    }
  }
  endStream(call);
}
