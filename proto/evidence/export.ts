/**
 * The folder that an auditor gets: `manifest.json`, `keysets.json`, `agreements/<digest>.json`,
 * `revocations/<digest>.json`, `forks/<digest>.json` (of logs that the exporter has seen fork), `openings.json` (the exporter's own), `witnessed/<name>` (the newest checkpoint of another's
 * log that the exporter cosigned) and `logs/<name>/...` in the layout of C2SP tlog-tiles with `checkpoint` and `cosigned`.
 * The manifest finds damage; what it lists is protected by signatures, not by it.
 */
import * as z from "zod";
import { collaborationField, hexKey, partyName } from "../agreement/fields.ts";
import { toHex } from "../encoding/bytes.ts";
import { canonicalJson, type Json, parseCanonicalJson } from "../encoding/canonical-json.ts";
import { type Envelope, encodeEnvelope, envelopeFromJson, envelopeToJson } from "../encoding/dsse.ts";
import { digestOf } from "../encoding/sha256.ts";
import { EntenteError } from "../errors.ts";
import type { LogFile } from "./log.ts";
import { encodeOpenings, OPENINGS_PATH, type Opening } from "./openings.ts";

export const MANIFEST_PATH = "manifest.json";
export const KEYSETS_PATH = "keysets.json";
export const AGREEMENTS_FOLDER = "agreements/";
export const REVOCATIONS_FOLDER = "revocations/";
export const FORKS_FOLDER = "forks/";
export const WITNESSED_FOLDER = "witnessed/";
export const LOGS_FOLDER = "logs/";
const PLACES =
  /^(?:keysets\.json|openings\.json|(?:agreements|revocations|forks)\/[0-9a-f]{64}\.json|witnessed\/[^/]+|logs\/[^/]+\/.+)$/;

/** Whether an export has a place for a file of that path, which a verifier looks at. The manifest is not meant. */
export function isExportPath(path: string): boolean {
  return PLACES.test(path);
}

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

const keysetsSchema = z
  .array(
    z.strictObject({ party: partyName, identity: hexKey, envelope: z.unknown(), succession: z.unknown().optional() }),
  )
  .min(1);

/** One keyset of a party; a party that changed keys has several, in their order. */
export interface ExportedKeyset {
  readonly party: string;
  /** Raw 32 bytes. */
  readonly identity: Uint8Array;
  readonly envelope: Envelope;
  /** Of the first keyset under an identity that took the place of the one before. */
  readonly succession?: Envelope | undefined;
}

export interface ExportContent {
  readonly collaboration: string;
  readonly exportingParty: string;
  readonly keysets: readonly ExportedKeyset[];
  /** Signed by all their parties. The payload's SHA-256 names the file. */
  readonly agreements: readonly Envelope[];
  readonly revocations: readonly Envelope[];
  /** As `encodeFork` makes them; their SHA-256 names the file. */
  readonly forks: readonly Uint8Array[];
  readonly openings: readonly Opening[];
  /** Checkpoints of others' logs as this party cosigned them last. */
  readonly witnessed: readonly { readonly origin: string; readonly note: Uint8Array }[];
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
    { path: KEYSETS_PATH, bytes: encodeKeysets(content.keysets) },
    { path: OPENINGS_PATH, bytes: encodeOpenings(content.exportingParty, content.openings) },
    ...content.agreements.map(inFolder(AGREEMENTS_FOLDER)),
    ...content.revocations.map(inFolder(REVOCATIONS_FOLDER)),
    ...content.forks.map((bytes) => ({ path: `${FORKS_FOLDER}${digestOf(bytes)}.json`, bytes })),
    ...content.witnessed.map(({ origin, note }) => ({ path: `${WITNESSED_FOLDER}${logFolder(origin)}`, bytes: note })),
    ...content.logs.flatMap((log) =>
      log.files.map(({ path, bytes }) => ({ path: `${LOGS_FOLDER}${logFolder(log.origin)}/${path}`, bytes })),
    ),
  ];
  return [...files, { path: MANIFEST_PATH, bytes: manifestBytes(content, files) }];
}

function inFolder(folder: string): (envelope: Envelope) => LogFile {
  return (envelope) => ({ path: `${folder}${digestOf(envelope.payload)}.json`, bytes: encodeEnvelope(envelope) });
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

/** The file `keysets.json`. */
export function encodeKeysets(keysets: readonly ExportedKeyset[]): Uint8Array<ArrayBuffer> {
  return canonicalJson(
    keysets.map(({ party, identity, envelope, succession }) => ({
      party,
      identity: toHex(identity),
      envelope: envelopeToJson(envelope),
      ...(succession === undefined ? {} : { succession: envelopeToJson(succession) }),
    })),
  );
}

/** Form only; `agreement/keyset.ts` verifies. Throws WIRE_INVALID. */
export function parseKeysets(bytes: Uint8Array): ExportedKeyset[] {
  const parsed = keysetsSchema.safeParse(parseCanonicalJson(bytes));
  if (!parsed.success) throw new EntenteError("WIRE_INVALID", { detail: "export keysets" });
  return parsed.data.map(({ party, identity, envelope, succession }) => ({
    party,
    identity: Uint8Array.fromHex(identity),
    envelope: envelopeFromJson(envelope),
    ...(succession === undefined ? {} : { succession: envelopeFromJson(succession) }),
  }));
}
