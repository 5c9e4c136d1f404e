/** The console's own files, below `/`: what `npm run build` made of `party/console`. */
import { fileURLToPath } from "node:url";
import express, { type RequestHandler } from "express";

const BUILT = fileURLToPath(new URL("../console/gen", import.meta.url));
/** Their names have a digest of what is in them. */
const LASTING = /[/\\]assets[/\\]/;

/** Serves them to whoever asks, without a token: there is nothing in them that the source does not tell. */
export function consoleFiles(): RequestHandler {
  return express.static(BUILT, {
    index: "index.html",
    dotfiles: "ignore",
    redirect: false,
    etag: false,
    lastModified: false,
    cacheControl: false,
    setHeaders: (response, path) => {
      if (LASTING.test(path)) response.setHeader("cache-control", "public, max-age=31536000, immutable");
    },
  });
}
