/** The control session before an attempt: the provider's node admits the job or not, then says what the attempt needs. */
import { readJobAnswer } from "../../proto/agreement/job-spec.ts";
import { equalBytes, fromHex, fromUtf8, toHex } from "../../proto/encoding/bytes.ts";
import { encodeEnvelope } from "../../proto/encoding/dsse.ts";
import { EntenteError } from "../../proto/errors.ts";
import { MAX_ATTEMPTS } from "../../proto/evidence/predicates.ts";
import { WAITING } from "../progress/meter.ts";
import { type ControlClient, inControlSession } from "../session/control.ts";
import { type Asked, questionOf } from "./ask.ts";
import { requireAudience, requireSameProvider } from "./audience.ts";
import type { FinishedPartition, Job } from "./lifecycle.ts";
import { jobKeyOf } from "./shape.ts";

const PEER_NONCE = "peer-nonce";

export interface Prepared {
  readonly senderSizeClass: number;
  readonly providerVersion: string;
  readonly jobKey: Uint8Array;
  readonly attempt: number;
  readonly finished: readonly FinishedPartition[];
}

/** In a control session: the provider's node admits or refuses, then says what the attempt needs. */
export async function offer(asked: Asked): Promise<Prepared | "ended" | "pending"> {
  const { deps, peer, spec, agreement } = asked;
  const { jobId } = spec;
  deps.book.report(jobId, { step: "asking-peer", ...WAITING });
  return inControlSession(deps.meetings, peer, async (client) => {
    let job = await deps.book.require(jobId);
    if (job.state === "proposed") {
      const said = await answerTo(asked, client);
      if (said !== "admitted") return said === "pending" ? "pending" : "ended";
    }
    await requireAllowed(asked, {});
    job = await deps.book.require(jobId);
    const { sizeClass, nonce, attempt, finished, version, inForce } = await client.prepare({
      jobId,
      lastAttempt: job.attempt,
      finished: job.finished.map(({ partition, attempt: of }) => ({ partition, attempt: of })),
      inForce: deps.leases.statement(agreement),
    });
    if (attempt <= job.attempt || attempt > MAX_ATTEMPTS) throw new EntenteError("ATTEMPT_REPLAYED");
    await deps.leases.accept(agreement, peer, inForce);
    const providerVersion = toHex(version);
    if (asked.list.matched !== undefined) requireSameProvider(asked.list.matched, providerVersion);
    await pinPeer(asked, job, { sizeClass, nonce, providerVersion });
    await requireAllowed(asked, { peerSizeClass: sizeClass, providerVersion });
    const jobKey = keyOf(asked, nonce);
    return { senderSizeClass: sizeClass, providerVersion, jobKey, attempt, finished: heldOf(job, finished) };
  });
}

function keyOf({ spec, jobDigest }: Asked, peerNonce: Uint8Array): Uint8Array {
  return jobKeyOf(jobDigest, fromHex(spec.receiverNonce), peerNonce);
}

/** The job key as the attempts had it. Throws STORAGE_FAILED. */
export async function storedJobKey(asked: Asked): Promise<Uint8Array> {
  return keyOf(asked, await asked.deps.vault.get(asked.spec.jobId, PEER_NONCE));
}

/** What this node's policy says now. Throws the code of the rule that refuses, POLICY_AUDIENCE. */
export async function requireAllowed(
  asked: Asked,
  peer: { readonly peerSizeClass?: number; readonly providerVersion?: string },
): Promise<void> {
  const { deps, spec, registration } = asked;
  const { refusedBy } = await deps.policy.decide(await questionOf(asked, peer));
  if (refusedBy !== undefined) throw new EntenteError(refusedBy);
  if (spec.matched !== undefined) await requireAudience(deps, spec.matched.audience, spec, registration);
}

/** What the first attempt was told holds for all: another size, nonce or version would be another input. Throws
 * SESSION_MISMATCH. */
async function pinPeer(
  { deps }: Asked,
  { jobId, peerSizeClass, peerVersion }: Job,
  told: { readonly sizeClass: number; readonly nonce: Uint8Array; readonly providerVersion: string },
): Promise<void> {
  if (peerSizeClass === undefined) return deps.vault.put(jobId, PEER_NONCE, told.nonce);
  const isSame =
    peerSizeClass === told.sizeClass &&
    peerVersion === told.providerVersion &&
    equalBytes(await deps.vault.get(jobId, PEER_NONCE), told.nonce);
  if (!isSame)
    throw new EntenteError("SESSION_MISMATCH", {
      detail: "the peer's size, version or nonce changed between attempts",
    });
}

async function answerTo(
  { deps, peer, spec, specEnvelope, jobDigest, evidence }: Asked,
  client: ControlClient,
): Promise<"admitted" | "pending" | "refused"> {
  const { jobId } = spec;
  const answerEnvelope = await client.job(specEnvelope);
  const answer = readJobAnswer(answerEnvelope, peer.key("jobs"), jobDigest);
  await deps.store.putJobDocument(jobId, "answer", fromUtf8(encodeEnvelope(answerEnvelope)));
  const at = deps.logbook.now();
  if (answer.decision === "admitted") await deps.book.append(jobId, { type: "admitted", at });
  if (answer.decision === "refused") {
    const { code } = answer;
    await evidence.refused(peer.party, code);
    await deps.book.append(jobId, { type: "refused", at, by: "peer", code });
  }
  return answer.decision;
}

/** What the provider says that both hold, as this node recorded it. Throws WIRE_UNEXPECTED when it names something else. */
function heldOf(job: Job, agreed: readonly { partition: number; attempt: number }[]): FinishedPartition[] {
  const held = job.finished.filter((own) =>
    agreed.some(({ partition, attempt }) => partition === own.partition && attempt === own.attempt),
  );
  if (held.length !== agreed.length) throw new EntenteError("WIRE_UNEXPECTED", { detail: "finished partitions" });
  return held;
}
