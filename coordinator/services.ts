/** Which RPC is on which listener: enrolment alone on the one without client certificates, all others on the other. */
import type { Server, UntypedHandleCall } from "@grpc/grpc-js";
import * as methods from "../proto/codec/coordinator.ts";
import { type Method, wireDefinition } from "../proto/codec/grpc.ts";
import { connectRelay } from "./rpc/connect-relay.ts";
import { createInvite } from "./rpc/create-invite.ts";
import { createJob } from "./rpc/create-job.ts";
import { enrol } from "./rpc/enrol.ts";
import { fetchCheckpoint } from "./rpc/fetch-checkpoint.ts";
import { fetchLog } from "./rpc/fetch-log.ts";
import { fetchRevocations } from "./rpc/fetch-revocations.ts";
import { getAgreement } from "./rpc/get-agreement.ts";
import { getJob } from "./rpc/get-job.ts";
import { listAgreements } from "./rpc/list-agreements.ts";
import { listJobs } from "./rpc/list-jobs.ts";
import { listParties } from "./rpc/list-parties.ts";
import { lookup } from "./rpc/lookup.ts";
import { openInbox } from "./rpc/open-inbox.ts";
import { publishKeyset } from "./rpc/publish-keyset.ts";
import { publishSuccession } from "./rpc/publish-succession.ts";
import { recordAgreement } from "./rpc/record-agreement.ts";
import { renewCertificate } from "./rpc/renew-certificate.ts";
import { reportJob } from "./rpc/report-job.ts";
import { requestSession } from "./rpc/request-session.ts";
import { submitCosignature } from "./rpc/submit-cosignature.ts";
import { submitReceipt } from "./rpc/submit-receipt.ts";
import { bidiStreamRpc, openRpc, partyRpc, serverStreamRpc, type UnaryRpc } from "./serve.ts";
import type { Service } from "./service.ts";

/** Takes the methods of a listener. */
export type Registrar = Pick<Server, "addService">;

function add<Request, Response>(
  server: Registrar,
  method: Method<Request, Response>,
  handler: UntypedHandleCall,
): void {
  server.addService({ [method.path]: wireDefinition(method) }, { [method.path]: handler });
}

export function addEnrolmentServices(server: Registrar, service: Service): void {
  add(server, methods.ENROL, openRpc(service, methods.ENROL, enrol));
  add(server, methods.FETCH_REVOCATIONS, openRpc(service, methods.FETCH_REVOCATIONS, fetchRevocations));
}

/** `server`: gRPC's, or what a simulator has. */
export function addPartyServices(server: Registrar, service: Service): void {
  const unary = <Request, Response>(method: Method<Request, Response>, rpc: UnaryRpc<Request, Response>) =>
    add(server, method, partyRpc(service, method, rpc));
  unary(methods.RENEW_CERTIFICATE, renewCertificate);
  unary(methods.FETCH_REVOCATIONS, fetchRevocations);
  unary(methods.LOOKUP, lookup);
  unary(methods.LIST_PARTIES, listParties);
  unary(methods.PUBLISH_KEYSET, publishKeyset);
  unary(methods.PUBLISH_SUCCESSION, publishSuccession);
  unary(methods.CREATE_INVITE, createInvite);
  unary(methods.REQUEST_SESSION, requestSession);
  unary(methods.RECORD_AGREEMENT, recordAgreement);
  unary(methods.GET_AGREEMENT, getAgreement);
  unary(methods.LIST_AGREEMENTS, listAgreements);
  unary(methods.FETCH_CHECKPOINT, fetchCheckpoint);
  unary(methods.SUBMIT_COSIGNATURE, submitCosignature);
  unary(methods.CREATE_JOB, createJob);
  unary(methods.REPORT_JOB, reportJob);
  unary(methods.GET_JOB, getJob);
  unary(methods.LIST_JOBS, listJobs);
  unary(methods.SUBMIT_RECEIPT, submitReceipt);
  add(
    server,
    methods.OPEN_INBOX,
    serverStreamRpc(service, methods.OPEN_INBOX, (...args) => openInbox(service, ...args)),
  );
  add(
    server,
    methods.FETCH_LOG,
    serverStreamRpc(service, methods.FETCH_LOG, (...args) => fetchLog(service, ...args)),
  );
  add(
    server,
    methods.CONNECT_RELAY,
    bidiStreamRpc(service, methods.CONNECT_RELAY, (...args) => connectRelay(service, ...args)),
  );
}
