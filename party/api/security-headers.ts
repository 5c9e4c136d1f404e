/** What every answer tells a browser: load nothing, show it nowhere, send it to nobody (CSP level 3, Fetch, HTML). */
import type { RequestHandler } from "express";
import helmet, { type HelmetOptions } from "helmet";

/** A page of the node itself: its own files and nothing written into the page, in nobody's frame. */
const PAGE = {
  "default-src": ["'self'"],
  "script-src": ["'self'"],
  "script-src-attr": ["'none'"],
  "style-src": ["'self'"],
  "img-src": ["'self'"],
  "connect-src": ["'self'"],
  "object-src": ["'none'"],
  "base-uri": ["'none'"],
  "form-action": ["'none'"],
  "frame-ancestors": ["'none'"],
  "require-trusted-types-for": ["'script'"],
  // Nor may a script name a policy of its own, which would let any text pass.
  "trusted-types": ["'none'"],
};
/** An answer of the API is no page, whatever a browser makes of it. */
const ANSWER = {
  "default-src": ["'none'"],
  "base-uri": ["'none'"],
  "form-action": ["'none'"],
  "frame-ancestors": ["'none'"],
  sandbox: [],
};

function headers(directives: Record<string, string[]>): RequestHandler {
  return helmet({
    contentSecurityPolicy: { useDefaults: false, directives },
    // Browsers heed it over TLS only, that is behind the proxy; other names below this one are not the node's to bind.
    strictTransportSecurity: { maxAge: 31_536_000, includeSubDomains: false },
    xFrameOptions: { action: "deny" },
    crossOriginEmbedderPolicy: true,
  } satisfies HelmetOptions);
}

/** No header of CORS is ever sent: a page of another origin can read no answer. */
export function securityHeaders(): RequestHandler {
  const [page, answer] = [headers(PAGE), headers(ANSWER)];
  return (request, response, next) => {
    response.set("cache-control", "no-store");
    const isAnswer = request.path === "/v1" || request.path.startsWith("/v1/");
    (isAnswer ? answer : page)(request, response, next);
  };
}
