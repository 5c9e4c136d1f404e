/**
 * Whether a browser sent a request on behalf of a page that is not the node's own: by a name that is not the node's (DNS
 * rebinding), or from another site (cross-site request forgery). The API takes bearer tokens and no cookies, so that neither
 * could bring a token along; they are refused before it is looked at all the same.
 */
import type { IncomingMessage } from "node:http";
import type { RequestHandler } from "express";
import { EntenteError } from "../../proto/errors.ts";

const LOOPBACK = ["127.0.0.1", "localhost", "[::1]"];
const HOST = /^(\[[0-9a-f:.]+\]|[a-z0-9_.-]+)(?::\d{1,5})?$/;

/** Name or bracketed address of a `Host` header (RFC 9110 section 7.2), without its port. */
function nameOf(host: string | undefined): string | undefined {
  return HOST.exec(host?.toLowerCase() ?? "")?.[1];
}

/** The address that the connection came to, as a client writes it: no name of anybody's points here by itself. */
function addressOf({ localAddress = "" }: IncomingMessage["socket"]): string {
  const address = localAddress.replace(/^::ffff:(?=\d+\.)/, "");
  return address.includes(":") ? `[${address}]` : address;
}

/** Refuses requests to any name but those given, loopback's, and the address itself. Throws HOST_REFUSED. */
export function hostNamed(names: readonly string[]): RequestHandler {
  const known = new Set([...LOOPBACK, ...names.map((name) => name.toLowerCase())]);
  return (request, _response, next) => {
    const name = nameOf(request.headers.host);
    // A whole address in the request line is for proxies (RFC 9112 section 3.2.2).
    const isOwn = name !== undefined && (known.has(name) || name === addressOf(request.socket));
    if (!isOwn || !request.url.startsWith("/")) throw new EntenteError("HOST_REFUSED");
    next();
  };
}

/** Refuses what a browser says comes from a page of another origin (Fetch Metadata; RFC 6454). Throws SITE_REFUSED. */
export function fromOwnSite(): RequestHandler {
  return (request, _response, next) => {
    const { origin, host, "sec-fetch-site": site } = request.headers;
    const isOwnSite = site === undefined || site === "same-origin" || site === "none";
    const isOwnOrigin = origin === undefined || URL.parse(origin)?.host === host?.toLowerCase();
    if (!isOwnSite || !isOwnOrigin) throw new EntenteError("SITE_REFUSED");
    next();
  };
}
