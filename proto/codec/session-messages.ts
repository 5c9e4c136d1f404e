/** What two nodes say to each other in sessions, once it has been checked. */
import type { Envelope } from "../encoding/dsse.ts";
import type { ErrorCode } from "../errors.ts";
import type { CollaborationId, Digest, JobId } from "../ids.ts";
import type { SegmentRef } from "../segments/names.ts";
import type { Endpoint } from "./endpoint.ts";

/** All that a peer is told of a segment. */
export interface SegmentDescriptor extends SegmentRef {
  readonly description: string;
}

export interface DatasetDescriptor {
  readonly name: string;
  /** In order; of each its normaliser's profile. */
  readonly ids: readonly { readonly column: string; readonly normaliser: string }[];
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  /** Those that are published. */
  readonly segments: readonly SegmentDescriptor[];
}

/** What a node runs, as it says itself: for people who look for a mismatch. Nothing is decided by it. */
export interface Software {
  readonly version: string;
  /** Protocols, each with the first bytes of its parameters' digest: `psi-vole/0a1b2c3d`. */
  readonly suites: readonly string[];
  /** The node's clock, ISO 8601. */
  readonly at: string;
}

export interface PartitionOfAttempt {
  readonly partition: number;
  readonly attempt: number;
}

export interface WirePrepareRequest {
  readonly jobId: JobId;
  readonly lastAttempt: number;
  readonly finished: readonly PartitionOfAttempt[];
  /** The receiver's signed statement that the agreement is in force. */
  readonly inForce: Envelope;
}

export interface WirePrepareResponse {
  readonly sizeClass: number;
  readonly nonce: Uint8Array;
  readonly attempt: number;
  readonly finished: readonly PartitionOfAttempt[];
  /** 32 bytes: tag of the provider's dataset version, equal for one version within an epoch. */
  readonly version: Uint8Array;
  readonly inForce: Envelope;
}

export interface WireReleaseRequest {
  /** The receipt, signed by both. */
  readonly receipt: Envelope;
  /** The receiver's signed statement that the agreement is in force. */
  readonly inForce: Envelope;
}

/** What a receiver says of a job whose keys were released to it. */
export interface KeysHeld {
  readonly holdsKeys: boolean;
  /** It will not come for them any more. */
  readonly hasEnded: boolean;
}

export interface WireTreeHead {
  readonly origin: string;
  readonly size: number;
  readonly root: Uint8Array;
}

/** What a witness has cosigned of a log: size 0 and no origin before the first time. */
export interface WitnessState {
  readonly origin: string;
  readonly size: number;
}

export interface WireLogOffer {
  readonly oldSize: number;
  readonly proof: readonly Uint8Array[];
  /** A signed note. */
  readonly note: Uint8Array;
  /** Of a log that follows the one that the witness knows. */
  readonly first?: { readonly entry: Uint8Array; readonly proof: readonly Uint8Array[] } | undefined;
}

export interface WireCheckpointOffer extends WireLogOffer {
  readonly receiptIndex: number;
  readonly inclusionProof: readonly Uint8Array[];
}

export type SessionMessage =
  /** `address`: where this node takes direct connections for the session. */
  | { readonly kind: "hello"; readonly envelope: Envelope; readonly address?: Endpoint | undefined }
  | { readonly kind: "failure"; readonly code: ErrorCode }
  | { readonly kind: "describeRequest" }
  | { readonly kind: "describeResponse"; readonly datasets: readonly DatasetDescriptor[]; readonly software: Software }
  | { readonly kind: "agreementOffer"; readonly envelope: Envelope }
  | { readonly kind: "agreementReply"; readonly envelope: Envelope | undefined }
  | { readonly kind: "jobOffer"; readonly specEnvelope: Envelope }
  | { readonly kind: "jobReply"; readonly answerEnvelope: Envelope }
  | ({ readonly kind: "prepareRequest" } & WirePrepareRequest)
  | ({ readonly kind: "prepareResponse" } & WirePrepareResponse)
  | { readonly kind: "goodbye" }
  | { readonly kind: "revocationNotice"; readonly envelope: Envelope }
  | { readonly kind: "noted" }
  | { readonly kind: "inForceRequest"; readonly agreement: Digest }
  | { readonly kind: "inForceReply"; readonly envelope: Envelope | undefined }
  | { readonly kind: "jobDecided"; readonly jobId: JobId }
  | {
      readonly kind: "receiptPart";
      readonly inputCommitment: Uint8Array;
      readonly lastCosigned: WireTreeHead | undefined;
      /** Of aggregate outputs. */
      readonly sketchCommitment: Uint8Array | undefined;
    }
  | { readonly kind: "receiptSignature"; readonly envelope: Envelope }
  | ({ readonly kind: "checkpointOffer" } & WireCheckpointOffer)
  | { readonly kind: "cosignature"; readonly line: string }
  | { readonly kind: "gateKeys"; readonly keys: readonly Uint8Array[] }
  | { readonly kind: "opened" }
  | ({ readonly kind: "releaseRequest" } & WireReleaseRequest)
  | { readonly kind: "releaseReply"; readonly inForce: Envelope }
  | { readonly kind: "keysHeldRequest"; readonly jobId: JobId }
  | ({ readonly kind: "keysHeldReply" } & KeysHeld)
  | ({ readonly kind: "witnessState" } & WitnessState)
  | { readonly kind: "witnessRequest"; readonly collaboration: CollaborationId; readonly known: WitnessState }
  | { readonly kind: "witnessReply"; readonly knownNote: Uint8Array | undefined; readonly offer: WireLogOffer }
  | {
      readonly kind: "cosignRequest";
      readonly collaboration: CollaborationId;
      /** The asking end's cosignature of the other's checkpoint. */
      readonly line: string;
      readonly cosigned: WitnessState;
      readonly offer: WireLogOffer;
    }
  | {
      readonly kind: "keysetNotice";
      readonly envelope: Envelope;
      /** Of the first keyset under a new identity. */
      readonly succession: Envelope | undefined;
    };
