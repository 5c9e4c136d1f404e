/** The link over gRPC. */
import type { ServiceError } from "@grpc/grpc-js";
import * as methods from "../../proto/codec/coordinator.ts";
import { statusToError } from "../../proto/codec/grpc.ts";
import { concat } from "../../proto/encoding/bytes.ts";
import { EntenteError, toEntenteError } from "../../proto/errors.ts";
import type { LogFile } from "../../proto/evidence/log.ts";
import type { CollaborationId } from "../../proto/ids.ts";
import { callBidi, callServerStream, callUnary, openChannel, type RpcChannel } from "./calls.ts";
import type { CoordinatorLink, DialOptions, InboxListener, OpenInbox } from "./link.ts";
import { explained } from "./refusal.ts";
import { openRelayStream } from "./relay-stream.ts";
import { renewableChannel } from "./renewable-channel.ts";

const LOG_DEADLINE_MS = 300_000;
/** Of one log: bounds what a coordinator can make this process hold. */
const MAX_LOG_BYTES = 1_073_741_824;

/** How often the other listener is asked why this one does not answer: it may hold up the next try by seconds. */
const ASK_WHY_MS = 60_000;

interface Open {
  readonly listener: InboxListener;
  inbox?: OpenInbox;
}

/** Connects at the first call. */
export function dialCoordinator(options: DialOptions): CoordinatorLink {
  let own = options;
  const open = ({ endpoint, caPem, certPem, keyPem }: DialOptions) =>
    openChannel(endpoint, { ca: caPem, cert: certPem, key: keyPem.expose() });
  const channel = renewableChannel(open(options));
  const link = linkOver(channel);
  const inboxes = new Set<Open>();
  const replaced: OpenInbox[] = [];
  let askedMs = Number.NEGATIVE_INFINITY;
  return {
    ...link,
    async openInbox(listener, position) {
      const open: Open = { listener };
      const onEnd = (error: EntenteError) => {
        if (inboxes.delete(open)) listener.onEnd(error);
      };
      inboxes.add(open);
      try {
        const inbox = await link.openInbox({ onWake: (wake) => listener.onWake(wake), onEnd }, position);
        open.inbox = inbox;
        for (const stale of replaced.splice(0)) stale.close();
        return {
          run: inbox.run,
          close() {
            inboxes.delete(open);
            inbox.close();
          },
        };
      } catch (thrown) {
        inboxes.delete(open);
        const error = toEntenteError(thrown);
        const nowMs = Date.now();
        const isAsked = nowMs - askedMs >= ASK_WHY_MS;
        if (isAsked) askedMs = nowMs;
        throw await explained(error, { own, nowMs, isAsked });
      }
    },
    redial(next) {
      own = next;
      channel.replace(open(next));
      const before = [...inboxes];
      inboxes.clear();
      for (const { inbox, listener } of before) {
        // Left open until the next one is, so that nobody who calls meanwhile is told that nobody is there; what it still brings is
        // sent again to that one.
        if (inbox !== undefined) replaced.push(inbox);
        listener.onEnd(new EntenteError("COORDINATOR_UNREACHABLE", { detail: "dialled anew" }));
      }
    },
  };
}

/** Every RPC over one channel, whose end the coordinator knows as this party's. */
export function linkOver(client: RpcChannel): CoordinatorLink {
  return {
    lookup: (party) => callUnary(client, methods.LOOKUP, { party }),
    listParties: () =>
      pages(
        (after) => callUnary(client, methods.LIST_PARTIES, { after }),
        (entry: methods.PartyEntry) => entry.party,
      ),
    publishKeyset: (keyset) => callUnary(client, methods.PUBLISH_KEYSET, { keyset }),
    publishSuccession: (succession) => callUnary(client, methods.PUBLISH_SUCCESSION, succession),
    createInvite: (party) => callUnary(client, methods.CREATE_INVITE, { party }),
    openInbox: (listener, position) => openInbox(client, listener, position),
    requestSession: (request) => callUnary(client, methods.REQUEST_SESSION, request),
    connectRelay: async (relayId) => openRelayStream(callBidi(client, methods.CONNECT_RELAY), relayId),
    recordAgreement: (record) => callUnary(client, methods.RECORD_AGREEMENT, record),
    getAgreement: (agreementDigest) => callUnary(client, methods.GET_AGREEMENT, { agreementDigest }),
    listAgreements: () =>
      pages(
        (after) => callUnary(client, methods.LIST_AGREEMENTS, { after }),
        (entry: methods.AgreementEntry) => entry.agreementDigest,
      ),
    createJob: (request) => callUnary(client, methods.CREATE_JOB, request),
    reportJob: (report) => callUnary(client, methods.REPORT_JOB, report),
    getJob: (jobId) => callUnary(client, methods.GET_JOB, { jobId }),
    listJobs: () =>
      pages(
        (after) => callUnary(client, methods.LIST_JOBS, { after }),
        (entry: methods.Job) => entry.jobId,
      ),
    submitReceipt: (request) => callUnary(client, methods.SUBMIT_RECEIPT, request),
    fetchCheckpoint: (request) => callUnary(client, methods.FETCH_CHECKPOINT, request),
    submitCosignature: (submission) => callUnary(client, methods.SUBMIT_COSIGNATURE, submission),
    fetchLog: (collaborationId) => fetchLog(client, collaborationId),
    renewCertificate: (certificateRequest) => callUnary(client, methods.RENEW_CERTIFICATE, { certificateRequest }),
    redial: () => undefined,
    close: () => client.close(),
  };
}

/** Every page of a list. One that does not go forward is refused: it would never end. */
async function pages<Id extends string, Item>(
  page: (after: Id | undefined) => Promise<readonly Item[]>,
  idOf: (item: Item) => Id,
): Promise<Item[]> {
  const all: Item[] = [];
  for (let after: Id | undefined; ; ) {
    const items = await page(after);
    for (const item of items) {
      if (after !== undefined && idOf(item) <= after)
        throw new EntenteError("WIRE_INVALID", { detail: "order of a list" });
      after = idOf(item);
      all.push(item);
    }
    if (items.length < methods.PAGE_SIZE) return all;
  }
}

function openInbox(
  client: RpcChannel,
  listener: InboxListener,
  position: methods.InboxPosition | undefined,
): Promise<OpenInbox> {
  const call = callServerStream(client, methods.OPEN_INBOX, position);
  return new Promise((resolve, reject) => {
    let state: "opening" | "open" | "ended" = "opening";
    let last = 0;
    const end = (error: EntenteError) => {
      const before = state;
      state = "ended";
      call.cancel();
      if (before === "opening") reject(error);
      if (before === "open") listener.onEnd(error);
    };
    const close = () => {
      state = "ended";
      call.cancel();
    };
    call.on("data", (bytes: Buffer) => {
      if (state === "ended") return;
      try {
        const event = methods.OPEN_INBOX.response.decode(bytes);
        if ((event.kind === "opened") !== (state === "opening"))
          throw new EntenteError("WIRE_UNEXPECTED", { detail: "inbox event" });
        if (event.kind === "opened") {
          state = "open";
          last = event.run === position?.run ? position.after : 0;
          return resolve({ run: event.run, close });
        }
        // Twice or late: dropped.
        if (event.wake.number <= last) return;
        last = event.wake.number;
        listener.onWake(event.wake);
      } catch (thrown) {
        end(toEntenteError(thrown));
      }
    });
    call.on("error", (failure: ServiceError) => end(statusToError(failure)));
    call.on("end", () => end(new EntenteError("COORDINATOR_UNREACHABLE")));
  });
}

async function fetchLog(client: RpcChannel, collaborationId: CollaborationId): Promise<LogFile[]> {
  const call = callServerStream(client, methods.FETCH_LOG, { collaborationId }, LOG_DEADLINE_MS);
  const files: LogFile[] = [];
  let pieces: Uint8Array[] = [];
  let path: string | undefined;
  let total = 0;
  try {
    for await (const bytes of call) {
      const piece = methods.FETCH_LOG.response.decode(bytes as Buffer);
      if (path !== undefined && piece.path !== path) throw new EntenteError("WIRE_UNEXPECTED", { detail: "log piece" });
      total += piece.content.length;
      if (total > MAX_LOG_BYTES) throw new EntenteError("WIRE_TOO_LARGE", { detail: "log" });
      pieces.push(piece.content);
      path = piece.last ? undefined : piece.path;
      if (!piece.last) continue;
      files.push({ path: piece.path, bytes: concat(...pieces) });
      pieces = [];
    }
  } catch (thrown) {
    call.cancel();
    throw thrown instanceof EntenteError ? thrown : statusToError(thrown as ServiceError);
  }
  if (path !== undefined) throw new EntenteError("WIRE_UNEXPECTED", { detail: "log piece" });
  return files;
}
