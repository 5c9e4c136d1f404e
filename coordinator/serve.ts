/** Binds handlers to gRPC: finds the caller, decodes, and turns what is thrown into a status. Logs codes, never a field. */
import type {
  handleBidiStreamingCall,
  handleServerStreamingCall,
  handleUnaryCall,
  ServerDuplexStream,
  ServerUnaryCall,
  ServerWritableStream,
} from "@grpc/grpc-js";
import { errorToStatus, type Method } from "../proto/codec/grpc.ts";
import { type EntenteError, toEntenteError } from "../proto/errors.ts";
import { type Caller, callerOf } from "./caller.ts";
import { networkOf } from "./door.ts";
import type { Service } from "./service.ts";

export type UnaryRpc<Request, Response> = (service: Service, request: Request, caller: Caller) => Promise<Response>;

function succeeded({ answers }: Service, path: string): void {
  answers.add({ rpc: nameOf(path), code: "OK" });
}

/** `/entente.v1.Relay/Connect`: what comes after the service. */
function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

function failed({ logger, answers }: Service, path: string, error: EntenteError, caller: Caller | undefined): void {
  answers.add({ rpc: nameOf(path), code: error.code });
  const fields = { rpc: path, party: caller?.party, code: error.code };
  if (error.code === "INTERNAL" || error.code === "STORAGE_FAILED")
    logger.error({ ...fields, err: error.cause ?? error });
  else logger.info(fields, "refused");
}

/** A unary method whose caller is the party of the TLS certificate. */
export function partyRpc<Request, Response>(
  service: Service,
  method: Method<Request, Response>,
  rpc: UnaryRpc<Request, Response>,
): handleUnaryCall<Buffer, Buffer> {
  return (call, callback) => {
    let caller: Caller | undefined;
    const answer = async () => {
      caller = await callerOf({ store: service.store, clock: service.ports.clock }, call);
      service.gates.calls.take(caller.party);
      using _place = service.gates.answering.enter(caller.party);
      return method.response.encode(await rpc(service, method.request.decode(call.request), caller));
    };
    answer().then(
      (response) => {
        succeeded(service, method.path);
        callback(null, response);
      },
      (thrown: unknown) => {
        failed(service, method.path, toEntenteError(thrown), caller);
        callback(errorToStatus(thrown));
      },
    );
  };
}

/** A unary method for anybody: the enrolment listener's. */
export function openRpc<Request, Response>(
  service: Service,
  method: Method<Request, Response>,
  rpc: (service: Service, request: Request) => Promise<Response>,
): handleUnaryCall<Buffer, Buffer> {
  return (call, callback) => {
    const answer = async () => {
      service.gates.enrolments.take(addressOf(call));
      return method.response.encode(await rpc(service, method.request.decode(call.request)));
    };
    answer().then(
      (response) => {
        succeeded(service, method.path);
        callback(null, response);
      },
      (thrown: unknown) => {
        failed(service, method.path, toEntenteError(thrown), undefined);
        callback(errorToStatus(thrown));
      },
    );
  };
}

/** Of a caller without a certificate. */
function addressOf(call: Pick<ServerUnaryCall<Buffer, Buffer>, "getPeer">): string {
  return networkOf(/^\[?(.*?)\]?:\d+$/.exec(call.getPeer())?.[1]);
}

type AnyStream = ServerWritableStream<Buffer, Buffer> | ServerDuplexStream<Buffer, Buffer>;

/** Ends a stream once: well, or with an error's status. */
export function endStream(call: AnyStream, error?: EntenteError): void {
  if (call.cancelled || call.destroyed || call.writableEnded) return;
  if (error === undefined) call.end();
  else call.emit("error", errorToStatus(error));
}

function streamHandler<Call extends AnyStream>(
  service: Service,
  path: string,
  run: (call: Call, caller: Caller) => Promise<void> | void,
): (call: Call) => void {
  return (call) => {
    // A write after the other side went away: the stream's own `cancelled` event is what counts.
    call.on("error", () => undefined);
    let caller: Caller | undefined;
    const start = async () => {
      caller = await callerOf({ store: service.store, clock: service.ports.clock }, call);
      service.gates.calls.take(caller.party);
      using _place = service.gates.answering.enter(caller.party);
      if (!call.cancelled) await run(call, caller);
      succeeded(service, path);
    };
    start().catch((thrown: unknown) => {
      const error = toEntenteError(thrown);
      failed(service, path, error, caller);
      endStream(call, error);
    });
  };
}

export function serverStreamRpc(
  service: Service,
  { path }: { readonly path: string },
  run: (call: ServerWritableStream<Buffer, Buffer>, caller: Caller) => Promise<void> | void,
): handleServerStreamingCall<Buffer, Buffer> {
  return streamHandler(service, path, run);
}

export function bidiStreamRpc(
  service: Service,
  { path }: { readonly path: string },
  run: (call: ServerDuplexStream<Buffer, Buffer>, caller: Caller) => Promise<void> | void,
): handleBidiStreamingCall<Buffer, Buffer> {
  return streamHandler(service, path, run);
}
