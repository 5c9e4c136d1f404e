/**
 * A listener: TLS is finished here, within bounds, before a connection reaches gRPC. Strangers cost little: connections whose
 * handshake is not done are counted in all and by address, and have a deadline; so are connections behind it, by the
 * certificate, or by address where none is asked for. One too many is closed, and what is open stays.
 */
import { type AddressInfo, isIPv6, type Socket } from "node:net";
import { createServer, type TLSSocket, type Server as TlsServer } from "node:tls";
import { type Server, ServerCredentials } from "@grpc/grpc-js";
import { TLS_CIPHERS } from "../proto/codec/tls.ts";
import { Gate } from "../proto/limits/gate.ts";
import { cannotListen } from "../proto/ops/cannot-listen.ts";
import type { Timers } from "../proto/ports/ports.ts";
import { type LimitName, type Limits, refusal } from "./limits.ts";

/** All PEM. */
export interface DoorCredentials {
  readonly key: string;
  /** With the chain up to the CA. */
  readonly cert: string;
  readonly ca: string;
  /** Revoked certificates. */
  readonly crl?: string | undefined;
}

export interface DoorOptions {
  readonly server: Server;
  readonly credentials: DoorCredentials;
  readonly host: string;
  /** 0: a free one. */
  readonly port: number;
  /** Of `parties` a certificate is asked for. */
  readonly visitors: "parties" | "strangers";
  /** Shared by the doors of a coordinator. */
  readonly handshakes: Gate;
  readonly limits: Limits;
  readonly timers: Timers;
}

export interface Door {
  readonly port: number;
  /** Connections that have finished TLS. */
  readonly connections: number;
  /** For handshakes from now on. */
  setCredentials(credentials: DoorCredentials): void;
  /** Stops listening; connections stay with gRPC. */
  close(): void;
}

const ALPN = ["h2"];

function bound(limits: Limits, name: LimitName) {
  return { max: limits[name], refusal: () => refusal(limits, name) };
}

export function handshakeGate(limits: Limits): Gate {
  return new Gate({ all: bound(limits, "handshakes"), each: bound(limits, "handshakesPerAddress") });
}

/** A /64, of 16 bits each. */
const NETWORK_GROUPS = 4;

/** The address that counts: of IPv6 the network, which is one customer's. */
export function networkOf(address: string | undefined): string {
  if (address === undefined || !isIPv6(address)) return address ?? "";
  const v4 = /^::ffff:([0-9.]+)$/i.exec(address)?.[1];
  return v4 ?? groupsOf(address).slice(0, NETWORK_GROUPS).join(":");
}

/** Of an IPv6 address, with those that its short form leaves out (RFC 4291 section 2.2). */
function groupsOf(address: string): string[] {
  const [head = [], tail] = address.split("::").map((part) => (part === "" ? [] : part.split(":")));
  if (tail === undefined) return head;
  return [...head, ...Array<string>(Math.max(0, 8 - head.length - tail.length)).fill("0"), ...tail];
}

/** Listens. Throws BAD_REQUEST when the address cannot be had. */
export async function openDoor(options: DoorOptions): Promise<Door> {
  const { server, credentials, host, port, visitors, handshakes, limits, timers } = options;
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  const asksCertificate = visitors === "parties";
  const open = asksCertificate
    ? new Gate({ all: bound(limits, "connections"), each: bound(limits, "connectionsPerParty") })
    : new Gate({ all: bound(limits, "enrolConnections"), each: bound(limits, "enrolConnectionsPerAddress") });
  const tls = createServer({
    ...credentials,
    requestCert: asksCertificate,
    rejectUnauthorized: asksCertificate,
    minVersion: "TLSv1.3",
    ciphers: TLS_CIPHERS,
    ALPNProtocols: ALPN,
    handshakeTimeout: limits.handshakeMs,
  });
  // By remote address and port: the TLS socket does not say which it stands on.
  const inHandshake = new Map<string, Disposable>();
  const leave = (socket: Socket | string) => {
    const name = typeof socket === "string" ? socket : nameOf(socket);
    inHandshake.get(name)?.[Symbol.dispose]();
    inHandshake.delete(name);
  };
  const [begin] = tls.listeners("connection") as [(socket: Socket) => void];
  tls.removeListener("connection", begin);
  tls.on("connection", (socket: Socket) => {
    const place = handshakes.tryEnter(networkOf(socket.remoteAddress));
    if (place === undefined) return void socket.destroy();
    const name = nameOf(socket);
    inHandshake.set(name, place);
    socket.on("close", () => leave(name));
    begin.call(tls, socket);
  });
  tls.on("tlsClientError", (_error, socket) => {
    leave(socket);
    socket.destroy();
  });
  tls.on("secureConnection", (socket: TLSSocket) => {
    leave(socket);
    socket.on("error", () => {});
    const key = asksCertificate ? socket.getPeerCertificate().fingerprint256 : networkOf(socket.remoteAddress);
    const place = open.tryEnter(key);
    if (place === undefined) return void socket.destroy();
    const cancel = asksCertificate ? () => {} : timers.after(limits.enrolConnectionMs, () => socket.destroy());
    socket.on("close", () => {
      cancel();
      place[Symbol.dispose]();
    });
    injector.injectConnection(socket);
  });
  await listening(tls, asksCertificate ? "port" : "enrolPort", host, port);
  return {
    port: (tls.address() as AddressInfo).port,
    get connections() {
      return open.used;
    },
    setCredentials: (next) => tls.setSecureContext({ ...next, minVersion: "TLSv1.3", ciphers: TLS_CIPHERS }),
    close: () => void tls.close(),
  };
}

function nameOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}

function listening(server: TlsServer, field: string, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (cause) => reject(cannotListen(field, { host, port }, cause)));
    server.listen({ host, port }, resolve);
  });
}
