/** A job's spec as this node keeps it. Its signer may have changed keys since: every key it ever had is tried. */
import { type JobSpec, readJobSpec } from "../../proto/agreement/job-spec.ts";
import { utf8 } from "../../proto/encoding/bytes.ts";
import { decodeEnvelope, type Envelope } from "../../proto/encoding/dsse.ts";
import type { VerifyingKey } from "../../proto/encoding/ed25519.ts";
import { EntenteError } from "../../proto/errors.ts";
import type { Digest } from "../../proto/ids.ts";
import type { Store } from "../store/store.ts";
import type { JobDeps } from "./deps.ts";
import type { Job } from "./lifecycle.ts";

/** Throws NOT_FOUND, SIGNATURE_INVALID. */
export async function storedSpec(deps: JobDeps, { jobId, proposed }: Job): Promise<JobSpec> {
  const signer = proposed.role === "receiver" ? deps.keyring : await deps.peers.require(proposed.peer);
  return (await readStoredSpec(deps.store, jobId, signer.everyKey("jobs"))).spec;
}

/** `signerKeys`: newest first. Throws NOT_FOUND, and what `readJobSpec` throws under the newest key. */
export async function readStoredSpec(
  store: Pick<Store, "jobDocument">,
  jobId: string,
  signerKeys: readonly VerifyingKey[],
): Promise<{ spec: JobSpec; digest: Digest; envelope: Envelope }> {
  const text = await store.jobDocument(jobId, "spec");
  if (text === undefined) throw new EntenteError("NOT_FOUND", { detail: "job spec" });
  const envelope = decodeEnvelope(utf8(text));
  let first: unknown = new EntenteError("SIGNATURE_INVALID", { detail: "job spec" });
  for (const [i, key] of signerKeys.entries()) {
    try {
      return { ...readJobSpec(envelope, key), envelope };
    } catch (error) {
      if (i === 0) first = error;
    }
  }
  throw first;
}
