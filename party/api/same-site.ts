/**
 * Whether a browser sent a request on behalf of a page that is not the node's own: by a name that is not the node's (DNS
 * rebinding), or from another site (cross-site request forgery). The API takes bearer tokens and no cookies, so that neither
 * could bring a token along; they are refused before it is looked at all the same.
 */
import type { RequestHandler } from "express";
import { EntenteError } from "../../proto/errors.ts";
import { isForThisServer } from "../../proto/http/host-name.ts";

/** Refuses requests to any name but those given, loopback's, and the address itself. Throws HOST_REFUSED. */
export function hostNamed(names: readonly string[]): RequestHandler {
  return ({ headers: { host }, url: target, socket: { localAddress } }, _response, next) => {
    if (!isForThisServer({ host, target, localAddress }, names)) throw new EntenteError("HOST_REFUSED");
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
