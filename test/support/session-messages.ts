/** Good messages of the session layer, of every kind: a new kind without one does not compile. */
import type { SessionMessage } from "../../proto/codec/session-messages.ts";
import { canonicalJson } from "../../proto/encoding/canonical-json.ts";
import { type Envelope, envelope } from "../../proto/encoding/dsse.ts";
import { collaborationId, type Digest, type JobId } from "../../proto/ids.ts";
import { testHash, testKey } from "./evidence-world.ts";

type Kind = SessionMessage["kind"];

export const SIGNED: Envelope = envelope("application/test+json", canonicalJson({ said: 1 }), testKey("bank", "jobs"));
export const JOB_ID = "0b".repeat(16) as JobId;
export const AGREEMENT_DIGEST = testHash("agreement") as Digest;
export const filled = (length: number, fill = 7) => new Uint8Array(length).fill(fill);
const finished = [{ partition: 3, attempt: 1 }];
export const TREE_HEAD = { origin: `bank/${"6a".repeat(16)}/2026`, size: 7, root: filled(32, 1) };
const ids = [{ column: "phone", normaliser: "phone-e164 (libphonenumber-js 1.13.16)" }];
const column = { name: "PAY_0", type: "DOUBLE" };
export const SOFTWARE = { version: "0.1.0-rc.1", suites: ["psi-vole/0a1b2c3d"], at: "2026-11-01T00:00:00.000Z" };
const collaboration = collaborationId("0c".repeat(16));
const logOffer = { oldSize: 1, proof: [filled(32)], note: filled(9), first: undefined };
const offer = { ...logOffer, receiptIndex: 2, inclusionProof: [filled(32, 2)] };

/** Good messages of every kind but a failure, which is thrown. */
export const GOOD_MESSAGES: {
  readonly [K in Exclude<Kind, "failure">]: readonly Extract<SessionMessage, { kind: K }>[];
} = {
  hello: [
    { kind: "hello", envelope: SIGNED },
    { kind: "hello", envelope: SIGNED, address: { host: "node.example", port: 7_430 } },
  ],
  describeRequest: [{ kind: "describeRequest" }],
  describeResponse: [
    { kind: "describeResponse", datasets: [], software: { ...SOFTWARE, suites: [] } },
    {
      kind: "describeResponse",
      datasets: [{ name: "customers", ids, columns: [column], segments: [] }],
      software: SOFTWARE,
    },
    {
      kind: "describeResponse",
      datasets: [
        {
          ...{ name: "customers", ids, columns: [column] },
          segments: [{ name: "adults", version: 3, description: "18 and older, 成年" }],
        },
      ],
      software: SOFTWARE,
    },
  ],
  agreementOffer: [{ kind: "agreementOffer", envelope: SIGNED }],
  agreementReply: [
    { kind: "agreementReply", envelope: SIGNED },
    { kind: "agreementReply", envelope: undefined },
  ],
  jobOffer: [{ kind: "jobOffer", specEnvelope: SIGNED }],
  jobReply: [{ kind: "jobReply", answerEnvelope: SIGNED }],
  prepareRequest: [
    { kind: "prepareRequest", jobId: JOB_ID, lastAttempt: 0, finished: [], inForce: SIGNED },
    { kind: "prepareRequest", jobId: JOB_ID, lastAttempt: 2, finished, inForce: SIGNED },
  ],
  prepareResponse: [
    {
      kind: "prepareResponse",
      sizeClass: 88,
      nonce: filled(32, 1),
      attempt: 3,
      finished,
      version: filled(32, 2),
      inForce: SIGNED,
    },
  ],
  goodbye: [{ kind: "goodbye" }],
  revocationNotice: [{ kind: "revocationNotice", envelope: SIGNED }],
  noted: [{ kind: "noted" }],
  inForceRequest: [{ kind: "inForceRequest", agreement: AGREEMENT_DIGEST }],
  inForceReply: [
    { kind: "inForceReply", envelope: SIGNED },
    { kind: "inForceReply", envelope: undefined },
  ],
  jobDecided: [{ kind: "jobDecided", jobId: JOB_ID }],
  receiptPart: [
    { kind: "receiptPart", inputCommitment: filled(32), lastCosigned: undefined, sketchCommitment: undefined },
    { kind: "receiptPart", inputCommitment: filled(32), lastCosigned: TREE_HEAD, sketchCommitment: filled(32, 2) },
  ],
  receiptSignature: [{ kind: "receiptSignature", envelope: SIGNED }],
  checkpointOffer: [{ kind: "checkpointOffer", ...offer }],
  cosignature: [{ kind: "cosignature", line: "— bank/cosigner AAAA\n" }],
  gateKeys: [{ kind: "gateKeys", keys: [filled(32), filled(32, 2)] }],
  opened: [{ kind: "opened" }],
  releaseRequest: [{ kind: "releaseRequest", receipt: SIGNED, inForce: SIGNED }],
  releaseReply: [{ kind: "releaseReply", inForce: SIGNED }],
  keysHeldRequest: [{ kind: "keysHeldRequest", jobId: JOB_ID }],
  keysHeldReply: [
    { kind: "keysHeldReply", holdsKeys: true, hasEnded: false },
    { kind: "keysHeldReply", holdsKeys: false, hasEnded: true },
  ],
  witnessState: [
    { kind: "witnessState", size: 0, origin: "" },
    { kind: "witnessState", size: 9, origin: "bank/c/2026" },
  ],
  witnessRequest: [{ kind: "witnessRequest", collaboration, known: { size: 9, origin: "bank/c/2026" } }],
  witnessReply: [
    { kind: "witnessReply", knownNote: undefined, offer: logOffer },
    { kind: "witnessReply", knownNote: filled(9), offer: { ...logOffer, first: { entry: filled(3), proof: [] } } },
  ],
  cosignRequest: [
    { kind: "cosignRequest", collaboration, line: "— a B\n", cosigned: { size: 1, origin: "o" }, offer: logOffer },
  ],
  keysetNotice: [
    { kind: "keysetNotice", envelope: SIGNED, succession: undefined },
    { kind: "keysetNotice", envelope: SIGNED, succession: SIGNED },
  ],
};
