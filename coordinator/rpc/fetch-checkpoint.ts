import type { CheckpointRequest, LogCheckpoint } from "../../proto/codec/coordinator.ts";
import type { Caller } from "../caller.ts";
import type { Service } from "../service.ts";
import { requireParty } from "./fetch-log.ts";

/** The newest checkpoint of a collaboration's log with all cosignatures that it has, and the proof from the size that the
 * caller cosigned last. Throws NOT_FOUND as `fetchLog`. */
export async function fetchCheckpoint(
  service: Service,
  { collaborationId, oldSize }: CheckpointRequest,
  { party }: Caller,
): Promise<LogCheckpoint> {
  await requireParty(service, collaborationId, party);
  await service.logs.flush(collaborationId);
  return service.logs.checkpoint(collaborationId, oldSize);
}
