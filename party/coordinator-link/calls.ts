/** Unary and streaming calls on one gRPC channel, with codecs and typed errors. */

import { createSecureContext, type SecureContextOptions } from "node:tls";
import {
  Client,
  type ClientDuplexStream,
  type ClientOptions,
  type ClientReadableStream,
  credentials,
  type ServiceError,
} from "@grpc/grpc-js";
import { MAX_RESPONSE_BYTES } from "../../proto/codec/coordinator.ts";
import { type Endpoint, formatEndpoint } from "../../proto/codec/endpoint.ts";
import { type Method, statusToError } from "../../proto/codec/grpc.ts";
import { TLS_CIPHERS } from "../../proto/codec/tls.ts";
import { COORDINATOR_SERVER_NAME } from "../../proto/codec/x509.ts";

const DEADLINE_MS = 10_000;

const OPTIONS: ClientOptions = {
  "grpc.keepalive_time_ms": 20_000,
  "grpc.keepalive_timeout_ms": 10_000,
  "grpc.initial_reconnect_backoff_ms": 200,
  "grpc.max_reconnect_backoff_ms": 1_000,
  "grpc.max_receive_message_length": MAX_RESPONSE_BYTES,
  // What one direction of a relayed session may have in flight from the coordinator.
  "grpc-node.flow_control_window": 1_048_576,
  // The CA is pinned, and the name it certifies is the same wherever the coordinator is dialled.
  "grpc.ssl_target_name_override": COORDINATOR_SERVER_NAME,
  // Two links of one process, as in tests, must not share a connection: it carries one party's certificate.
  "grpc.use_local_subchannel_pool": 1,
};

/** What calls go through: gRPC's client, or a simulator's network. Bytes in and out; deadlines from now on. */
export interface RpcChannel {
  /** Rejects with gRPC's `ServiceError`. */
  unary(path: string, request: Buffer, deadlineMs: number): Promise<Buffer>;
  serverStream(path: string, request: Buffer, deadlineMs?: number): ClientReadableStream<Buffer>;
  bidi(path: string): ClientDuplexStream<Buffer, Buffer>;
  close(): void;
}

const same = (bytes: Buffer): Buffer => bytes;

/** A channel to one of the coordinator's listeners: TLS 1.3, the given CA and no other. Connects at the first call. */
export function openChannel(endpoint: Endpoint, tls: Pick<SecureContextOptions, "ca" | "cert" | "key">): RpcChannel {
  const secureContext = createSecureContext({ ...tls, minVersion: "TLSv1.3", ciphers: TLS_CIPHERS });
  const client = new Client(formatEndpoint(endpoint), credentials.createFromSecureContext(secureContext), OPTIONS);
  // gRPC compares with its own clock, which is the machine's.
  const within = (deadlineMs?: number) => (deadlineMs === undefined ? {} : { deadline: Date.now() + deadlineMs });
  return {
    unary: (path, request, deadlineMs) =>
      new Promise((resolve, reject) => {
        client.makeUnaryRequest(path, same, same, request, within(deadlineMs), (failure, response) => {
          if (failure) reject(failure);
          else resolve(response ?? Buffer.alloc(0));
        });
      }),
    serverStream: (path, request, deadlineMs) =>
      client.makeServerStreamRequest(path, same, same, request, within(deadlineMs)),
    bidi: (path) => client.makeBidiStreamRequest(path, same, same),
    close: () => client.close(),
  };
}

export async function callUnary<Request, Response>(
  channel: RpcChannel,
  method: Method<Request, Response>,
  request: Request,
  deadlineMs = DEADLINE_MS,
): Promise<Response> {
  const answer = channel.unary(method.path, method.request.encode(request), deadlineMs);
  return method.response.decode(
    await answer.catch((failure: ServiceError) => {
      throw statusToError(failure);
    }),
  );
}

export function callServerStream<Request, Response>(
  channel: RpcChannel,
  method: Method<Request, Response>,
  request: Request,
  deadlineMs?: number,
): ClientReadableStream<Buffer> {
  return channel.serverStream(method.path, method.request.encode(request), deadlineMs);
}

export function callBidi<Request, Response>(
  channel: RpcChannel,
  { path }: Method<Request, Response>,
): ClientDuplexStream<Buffer, Buffer> {
  return channel.bidi(path);
}
