import type { SessionRequest, SessionTicket } from "../../proto/codec/coordinator.ts";
import { toHex } from "../../proto/encoding/bytes.ts";
import { EntenteError } from "../../proto/errors.ts";
import type { RelayId } from "../../proto/ids.ts";
import type { Caller } from "../caller.ts";
import { isEnded } from "../jobs/lifecycle.ts";
import { requireRunning, type Service } from "../service.ts";
import { enrolledParty } from "./lookup.ts";
import { wakeFor } from "./open-inbox.ts";

/** Opens a meeting with a peer and wakes it. Throws COORDINATOR_UNREACHABLE (it is stopping), PEER_UNKNOWN, PEER_GONE (no inbox open), OVERLOADED, NOT_FOUND (no
 * such job of these two parties), CANCELLED (the job has ended). */
export async function requestSession(
  service: Service,
  { peer, purpose, resumes }: SessionRequest,
  { party }: Caller,
): Promise<SessionTicket> {
  const { store, meetings, inboxes, ports } = service;
  requireRunning(service);
  await enrolledParty(service, peer);
  if (peer === party) throw new EntenteError("BAD_REQUEST", { detail: "peer is the caller" });
  if (purpose.kind !== "control") {
    const job = await store.findJob(purpose.jobId);
    if (job === undefined || new Set([job.requester, job.peer, party, peer]).size !== 2)
      throw new EntenteError("NOT_FOUND", { detail: "job" });
    if (isEnded(job.state)) throw new EntenteError("CANCELLED", { detail: `job is ${job.state}` });
  }
  const relayId = toHex(ports.random.bytes(16)) as RelayId;
  const meeting = meetings.call({ relayId, requester: party, peer, purpose, resumes });
  try {
    inboxes.wake(peer, wakeFor(service, meeting));
  } catch (error) {
    meetings.end(relayId);
    throw error;
  }
  return { relayId, expiresInSeconds: meetings.remainingSeconds(meeting) };
}
