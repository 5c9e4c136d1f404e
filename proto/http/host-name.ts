/**
 * Whether an HTTP request is for this server or for a name of somebody else's that was made to point here (DNS rebinding): a
 * browser then takes the answer for that site's own.
 */

const LOOPBACK = ["127.0.0.1", "localhost", "[::1]"];
const HOST = /^(\[[0-9a-f:.]+\]|[a-z0-9_.-]+)(?::\d{1,5})?$/;

export interface Addressed {
  /** The `Host` header (RFC 9110 section 7.2). */
  readonly host: string | undefined;
  /** What stands in the request line. */
  readonly target: string | undefined;
  /** The address that the connection came to: no name of anybody's points there by itself. */
  readonly localAddress: string | undefined;
}

/** True for loopback's names, the connection's own address, and the names given; with any port. */
export function isForThisServer({ host, target, localAddress = "" }: Addressed, names: readonly string[]): boolean {
  // A whole address in the request line is for proxies (RFC 9112 section 3.2.2).
  if (target?.startsWith("/") !== true) return false;
  const name = HOST.exec(host?.toLowerCase() ?? "")?.[1];
  if (name === undefined) return false;
  const address = localAddress.replace(/^::ffff:(?=\d+\.)/, "");
  const own = address.includes(":") ? `[${address}]` : address;
  return LOOPBACK.includes(name) || name === own || names.some((known) => known.toLowerCase() === name);
}

/** Whether only this machine can connect to what listens there. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(?:\.\d{1,3}){3}$/.test(host);
}

/** By what this machine calls a server that listens there, without a final slash: one that listens at every address, by loopback's. */
export function urlOnThisMachine({ address, port }: { readonly address: string; readonly port: number }): string {
  const host = { "0.0.0.0": "127.0.0.1", "::": "::1" }[address] ?? address;
  return `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
}
