/**
 * An export in one file, for whoever gets it through a browser: lines of canonical JSON, the first names the format, each other
 * one holds a file by its path below the export's folder. No archive: reading it makes no file and follows no path, so that a
 * bundle from anybody can be looked at.
 */
import { concat, fromBase64, toBase64 } from "../encoding/bytes.ts";
import { canonicalJson, parseCanonicalJson } from "../encoding/canonical-json.ts";
import { EntenteError } from "../errors.ts";
import type { LogFile } from "./log.ts";

const HEADER = { format: "entente-evidence-bundle/1" } as const;

/** The largest file of an export is a bundle of 256 entries of 64 KiB, or the openings of a log of millions of entries. */
const MAX_LINE_BYTES = 512 * 1024 * 1024;
const LINE_END = 0x0a;

function invalid(detail: string, cause?: unknown): EntenteError {
  return new EntenteError("WIRE_INVALID", { detail: `evidence bundle: ${detail}`, cause });
}

/** Line by line, each with its end. */
export function* encodeBundle(files: readonly LogFile[]): Generator<Uint8Array<ArrayBuffer>> {
  const end = Uint8Array.of(LINE_END);
  yield concat(canonicalJson(HEADER), end);
  for (const { path, bytes } of files) yield concat(canonicalJson({ base64: toBase64(bytes), path }), end);
}

/** The files, by their paths; `chunks` may be cut anywhere. Form only: the manifest, and what it lists, is for the verifier. Throws
 * WIRE_INVALID on anything that `encodeBundle` would not have written, a path twice, and a last line that is cut off. */
export async function readBundle(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<Map<string, Uint8Array<ArrayBuffer>>> {
  const files = new Map<string, Uint8Array<ArrayBuffer>>();
  let isFirst = true;
  for await (const line of linesOf(chunks)) {
    const value = parsed(line);
    if (isFirst) {
      if (!("format" in value) || value.format !== HEADER.format || Object.keys(value).length !== 1)
        throw invalid("format");
      isFirst = false;
      continue;
    }
    const { path, base64 } = value;
    if (typeof path !== "string" || typeof base64 !== "string" || Object.keys(value).length !== 2)
      throw invalid("file");
    if (files.has(path)) throw invalid("a path twice");
    files.set(path, fromBase64(base64));
  }
  if (isFirst) throw invalid("empty");
  return files;
}

function parsed(line: Uint8Array): Record<string, unknown> {
  const value = parseCanonicalJson(line);
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw invalid("line");
  return value as Record<string, unknown>;
}

async function* linesOf(chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of chunks) {
    let from = 0;
    for (let end = chunk.indexOf(LINE_END); end >= 0; end = chunk.indexOf(LINE_END, from)) {
      yield concat(...parts, chunk.subarray(from, end));
      parts = [];
      bytes = 0;
      from = end + 1;
    }
    if (from === chunk.length) continue;
    bytes += chunk.length - from;
    if (bytes > MAX_LINE_BYTES) throw invalid("line too long");
    parts.push(chunk.subarray(from));
  }
  if (parts.length > 0) throw invalid("cut off");
}
