/**
 * The folder that an auditor gets: `manifest.json`, `keysets.json`, `agreements/<digest>.json` and
 * `logs/<name>/...` in the layout of C2SP tlog-tiles with `checkpoint` and `cosigned`. The manifest finds damage; what
 * it lists is protected by signatures, not by it.
 */
import * as z from "zod";
import { collaborationField, hexKey, partyName } from "../agreement/fields.ts";
import { toHex } from "../encoding/bytes.ts";
import { canonicalJson, type Json, parseCanonicalJson } from "../encoding/canonical-json.ts";
import { type Envelope, encodeEnvelope, envelopeFromJson, envelopeToJson } from "../encoding/dsse.ts";
import { digestOf } from "../encoding/sha256.ts";
import { EntenteError } from "../errors.ts";
import type { LogFile } from "./log.ts";

export const MANIFEST_PATH = "manifest.json";
export const KEYSETS_PATH = "keysets.json";

const EXPORT_VERSION = 1;
/** Below the export's folder, "/" between elements; no element begins with a dot. */
const PATH_FORM = /^(?:[a-z0-9][a-z0-9._-]{0,127}\/){0,10}[a-z0-9][a-z0-9._-]{0,127}$/;

const manifestSchema = z.strictObject({
  version: z.literal(EXPORT_VERSION),
  collaboration: collaborationField,
  exportingParty: partyName,
  files: z.array(z.strictObject({ path: z.string().max(512).regex(PATH_FORM), bytes: z.int().min(0), sha256: hexKey })),
});
export type Manifest = z.output<typeof manifestSchema>;

const keysetsSchema = z.array(z.strictObject({ party: partyName, identity: hexKey, envelope: z.unknown() })).min(1);

/** One keyset of a party; a party that changed keys has several, under one identity. */
export interface ExportedKeyset {
  readonly party: string;
  /** Raw 32 bytes. */
  readonly identity: Uint8Array;
  readonly envelope: Envelope;
}

export interface ExportContent {
  readonly collaboration: string;
  readonly exportingParty: string;
  readonly keysets: readonly ExportedKeyset[];
  /** Signed by all their parties. The payload's SHA-256 names the file. */
  readonly agreements: readonly Envelope[];
  /** `EvidenceLog.exportFiles()` of each log. */
  readonly logs: readonly { readonly origin: string; readonly files: readonly LogFile[] }[];
}

/** `bank/<collaboration>/2026` -> `bank_<collaboration>_2026`, a folder's name: no party has "_" in its name. */
export function logFolder(origin: string): string {
  return origin.replaceAll("/", "_");
}

/** All files of an export, the manifest last, by path below the export's folder. Throws BAD_REQUEST when a name cannot be
 * exported or two files have one. */
export function exportBundle(content: ExportContent): LogFile[] {
  const files: LogFile[] = [
    { path: KEYSETS_PATH, bytes: keysetsBytes(content.keysets) },
    ...content.agreements.map((agreement) => ({
      path: `agreements/${digestOf(agreement.payload)}.json`,
      bytes: encodeEnvelope(agreement),
    })),
    ...content.logs.flatMap((log) =>
      log.files.map(({ path, bytes }) => ({ path: `logs/${logFolder(log.origin)}/${path}`, bytes })),
    ),
  ];
  return [...files, { path: MANIFEST_PATH, bytes: manifestBytes(content, files) }];
}

/** The manifest over `files`, in order of their paths. */
export function manifestBytes(
  { collaboration, exportingParty }: Pick<ExportContent, "collaboration" | "exportingParty">,
  files: readonly LogFile[],
): Uint8Array<ArrayBuffer> {
  const rows = files
    .map(({ path, bytes }) => ({ path, bytes: bytes.length, sha256: digestOf(bytes) }))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
  const manifest = { version: EXPORT_VERSION, collaboration, exportingParty, files: rows };
  if (!isManifest(manifest)) throw new EntenteError("BAD_REQUEST", { detail: "export: names" });
  return canonicalJson(manifest as unknown as Json);
}

function isManifest(value: unknown): boolean {
  const parsed = manifestSchema.safeParse(value);
  if (!parsed.success) return false;
  const paths = parsed.data.files.map((file) => file.path);
  return paths.every((path, i) => path !== MANIFEST_PATH && (i === 0 || path > (paths[i - 1] as string)));
}

/** Canonical JSON of exactly the published form, paths in order and each once. Throws WIRE_INVALID. */
export function parseManifest(bytes: Uint8Array): Manifest {
  const value = parseCanonicalJson(bytes);
  if (!isManifest(value)) throw new EntenteError("WIRE_INVALID", { detail: "export manifest" });
  return manifestSchema.parse(value);
}

function keysetsBytes(keysets: readonly ExportedKeyset[]): Uint8Array<ArrayBuffer> {
  return canonicalJson(
    keysets.map(({ party, identity, envelope }) => ({
      party,
      identity: toHex(identity),
      envelope: envelopeToJson(envelope),
    })),
  );
}

/** Form only; `agreement/keyset.ts` verifies. Throws WIRE_INVALID. */
export function parseKeysets(bytes: Uint8Array): ExportedKeyset[] {
  const parsed = keysetsSchema.safeParse(parseCanonicalJson(bytes));
  if (!parsed.success) throw new EntenteError("WIRE_INVALID", { detail: "export keysets" });
  return parsed.data.map(({ party, identity, envelope }) => ({
    party,
    identity: Uint8Array.fromHex(identity),
    envelope: envelopeFromJson(envelope),
  }));
}
