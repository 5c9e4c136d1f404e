/** Unary and streaming calls on one gRPC channel, with codecs and typed errors. */

import { createSecureContext, type SecureContextOptions } from "node:tls";
import {
  Client,
  type ClientDuplexStream,
  type ClientOptions,
  type ClientReadableStream,
  credentials,
} from "@grpc/grpc-js";
import { MAX_RESPONSE_BYTES } from "../../proto/codec/coordinator.ts";
import { type Endpoint, formatEndpoint } from "../../proto/codec/endpoint.ts";
import { type Method, statusToError } from "../../proto/codec/grpc.ts";
import { COORDINATOR_SERVER_NAME } from "../../proto/codec/x509.ts";

const DEADLINE_MS = 10_000;

const OPTIONS: ClientOptions = {
  "grpc.keepalive_time_ms": 20_000,
  "grpc.keepalive_timeout_ms": 10_000,
  "grpc.initial_reconnect_backoff_ms": 200,
  "grpc.max_reconnect_backoff_ms": 5_000,
  "grpc.max_receive_message_length": MAX_RESPONSE_BYTES,
  // What one direction of a relayed session may have in flight from the coordinator.
  "grpc-node.flow_control_window": 1_048_576,
  // The CA is pinned, and the name it certifies is the same wherever the coordinator is dialled.
  "grpc.ssl_target_name_override": COORDINATOR_SERVER_NAME,
  // Two links of one process, as in tests, must not share a connection: it carries one party's certificate.
  "grpc.use_local_subchannel_pool": 1,
};

/** A channel to one of the coordinator's listeners: TLS 1.3, the given CA and no other. Connects at the first call. */
export function openChannel(endpoint: Endpoint, tls: Pick<SecureContextOptions, "ca" | "cert" | "key">): Client {
  const secureContext = createSecureContext({ ...tls, minVersion: "TLSv1.3" });
  return new Client(formatEndpoint(endpoint), credentials.createFromSecureContext(secureContext), OPTIONS);
}

const same = (bytes: Buffer): Buffer => bytes;

export function callUnary<Request, Response>(
  client: Client,
  method: Method<Request, Response>,
  request: Request,
  deadlineMs = DEADLINE_MS,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    const options = { deadline: Date.now() + deadlineMs };
    const bytes = method.request.encode(request);
    client.makeUnaryRequest(method.path, same, same, bytes, options, (failure, response) => {
      if (failure) return reject(statusToError(failure));
      try {
        resolve(method.response.decode(response ?? Buffer.alloc(0)));
      } catch (error) {
        reject(error);
      }
    });
  });
}

export function callServerStream<Request, Response>(
  client: Client,
  method: Method<Request, Response>,
  request: Request,
  deadlineMs?: number,
): ClientReadableStream<Buffer> {
  const options = deadlineMs === undefined ? {} : { deadline: Date.now() + deadlineMs };
  return client.makeServerStreamRequest(method.path, same, same, method.request.encode(request), options);
}

export function callBidi<Request, Response>(
  client: Client,
  { path }: Method<Request, Response>,
): ClientDuplexStream<Buffer, Buffer> {
  return client.makeBidiStreamRequest(path, same, same);
}
