/** Good messages of every method between a party and the coordinator. */
import * as methods from "../../proto/codec/coordinator.ts";
import type { Endpoint } from "../../proto/codec/endpoint.ts";
import { collaborationId, digest, jobId, partyId, relayId } from "../../proto/ids.ts";
import { filled } from "./session-messages.ts";

type Methods = {
  readonly [N in keyof typeof methods as (typeof methods)[N] extends { readonly path: string }
    ? N
    : never]: (typeof methods)[N];
};
export type MethodName = keyof Methods;
type RequestOf<N extends MethodName> = ReturnType<Methods[N]["request"]["decode"]>;
type ResponseOf<N extends MethodName> = ReturnType<Methods[N]["response"]["decode"]>;

export const METHODS = Object.fromEntries(
  Object.entries(methods).filter(([, value]) => typeof value === "object" && "path" in value),
) as unknown as Methods;

const party = partyId("bank");
const peer = partyId("telecom");
const agreementDigest = digest("ab".repeat(32));
const jobDigest = digest("cd".repeat(32));
const collaboration = collaborationId("0c".repeat(16));
const job = jobId("0b".repeat(16));
const relay = relayId("0e".repeat(16));
const endpoint: Endpoint = { host: "coordinator.example", port: 7420 };
const updatedAt = "2026-01-01T00:00:00.000Z";
const [key, keyset, succession] = [filled(32, 1), filled(40, 2), { succession: filled(9, 3), keyset: filled(9, 4) }];
const entry: methods.PartyEntry = { party, identityPublicKey: key, keyset, connected: true, successions: [] };
const agreement: methods.AgreementEntry = {
  ...{ agreementDigest, parties: [party, peer], state: "active" },
  collaborationId: collaboration,
};
const runningJob: methods.Job = {
  ...{ jobId: job, agreementDigest, peer, jobDigest, collaborationId: collaboration, requester: party },
  ...{ state: "running", reason: undefined, updatedAt },
};
const failedJob: methods.Job = { ...runningJob, state: "failed", reason: "PEER_GONE" };
const jobPurpose = { kind: "job", jobId: job, attempt: 2 } as const;

/** Of each method requests and responses. A new method without any does not compile. */
export const GOOD_CALLS: {
  readonly [N in MethodName]: {
    readonly requests: readonly RequestOf<N>[];
    readonly responses: readonly ResponseOf<N>[];
  };
} = {
  ENROL: {
    requests: [{ inviteSecret: filled(32), certificateRequest: filled(90), identityPublicKey: key, keyset }],
    responses: [
      {
        ...{ certificateChain: [filled(50), filled(60)], coordinator: partyId("coordinator") },
        ...{ endpoint, identityPublicKey: key, keyset },
      },
    ],
  },
  RENEW_CERTIFICATE: {
    requests: [{ certificateRequest: filled(90) }],
    responses: [{ certificateChain: [filled(50), filled(60)] }],
  },
  FETCH_REVOCATIONS: { requests: [undefined], responses: [{ revocationList: filled(70) }] },
  LOOKUP: { requests: [{ party }], responses: [entry, { ...entry, successions: [succession, succession] }] },
  LIST_PARTIES: {
    requests: [{ after: undefined }, { after: party }],
    responses: [[], [entry, { ...entry, party: peer }]],
  },
  PUBLISH_KEYSET: { requests: [{ keyset }], responses: [entry] },
  PUBLISH_SUCCESSION: { requests: [succession], responses: [entry] },
  CREATE_INVITE: { requests: [{ party }], responses: [{ code: "entente1_abc", expiresAt: updatedAt }] },
  REQUEST_SESSION: {
    requests: [
      { peer, purpose: { kind: "control" } },
      { peer, purpose: { kind: "control" }, resumes: relay },
      { peer, purpose: jobPurpose },
      { peer, purpose: { kind: "release", jobId: job } },
    ],
    responses: [{ relayId: relay, expiresInSeconds: 60 }],
  },
  RECORD_AGREEMENT: {
    requests: [{ agreementDigest, parties: [party, peer], state: "active" }],
    responses: [agreement],
  },
  GET_AGREEMENT: { requests: [{ agreementDigest }], responses: [agreement] },
  LIST_AGREEMENTS: { requests: [{ after: undefined }, { after: agreementDigest }], responses: [[], [agreement]] },
  FETCH_CHECKPOINT: {
    requests: [{ collaborationId: collaboration, oldSize: 3 }],
    responses: [
      { note: filled(80), proof: [] },
      { note: filled(80), proof: [filled(32), filled(32, 2)] },
    ],
  },
  SUBMIT_COSIGNATURE: {
    requests: [{ collaborationId: collaboration, size: 4, line: "— bank/cosigner AAAA\n" }],
    responses: [undefined],
  },
  CREATE_JOB: { requests: [{ jobId: job, agreementDigest, peer, jobDigest }], responses: [runningJob] },
  REPORT_JOB: {
    requests: [
      { jobId: job, state: "running", reason: undefined },
      { jobId: job, state: "failed", reason: "PEER_GONE" },
    ],
    responses: [failedJob],
  },
  GET_JOB: { requests: [{ jobId: job }], responses: [runningJob, failedJob] },
  LIST_JOBS: { requests: [{ after: undefined }, { after: job }], responses: [[], [runningJob, failedJob]] },
  SUBMIT_RECEIPT: {
    requests: [{ jobId: job, envelope: filled(100) }],
    responses: [{ collaborationId: collaboration, entryDigest: agreementDigest }],
  },
  OPEN_INBOX: {
    requests: [undefined, { run: "00000000000000a1", after: 7 }],
    responses: [
      { kind: "opened", run: "00000000000000a1" },
      { kind: "wake", wake: { number: 1, relayId: relay, expiresInSeconds: 60, from: peer, purpose: jobPurpose } },
      {
        kind: "wake",
        wake: {
          number: 2,
          relayId: relay,
          expiresInSeconds: 60,
          from: peer,
          purpose: { kind: "control" },
          resumes: relay,
        },
      },
    ],
  },
  FETCH_LOG: {
    requests: [{ collaborationId: collaboration }],
    responses: [{ path: "tile/entries/000.p/2", content: filled(70), last: true }],
  },
  CONNECT_RELAY: {
    requests: [{ kind: "open", relayId: relay }, { kind: "data", data: filled(200) }, { kind: "end" }],
    responses: [{ kind: "paired" }, { kind: "data", data: filled(3) }, { kind: "end" }],
  },
};
