/**
 * The files that a path means: one file, all of a folder, or those that a pattern fits. Patterns are expanded here and
 * never by DuckDB, so that the parts of a dataset are a list that a registration records.
 */
import { glob, readdir, realpath, stat } from "node:fs/promises";
import { basename, extname, isAbsolute, join, relative, sep } from "node:path";
import { EntenteError } from "../../proto/errors.ts";
import { type DataPlaces, requireDataPlace } from "./data-places.ts";
import { MAX_PARTS } from "./limits.ts";

export type FileFormat = "csv" | "parquet";

export interface FoundFile {
  /** As `SourcePart` has it. */
  readonly name: string;
  /** Absolute, links resolved. */
  readonly path: string;
}

export interface FoundFiles {
  readonly files: readonly FoundFile[];
  readonly format: FileFormat;
}

const FORMATS: Readonly<Record<string, FileFormat>> = {
  ".csv": "csv",
  ".tsv": "csv",
  ".txt": "csv",
  ".parquet": "parquet",
};

const PATTERN = /[*?[]/;

function missing(detail?: string, cause?: unknown): EntenteError {
  return new EntenteError("DATASET_FILE_MISSING", { ...(detail !== undefined && { detail }), cause });
}

function invalid(detail: string): EntenteError {
  return new EntenteError("DATASET_FORMAT", { detail });
}

/**
 * Sorted by name, in the order of UTF-16 code units. Of a folder its own files only; names that begin with `.` or `_` are
 * left out, as the tools that write such folders mean them. `given` is a format that names do not decide. The folder and
 * each file must be where data may be. Throws DATASET_FILE_MISSING, DATASET_FORMAT, DATASET_PLACE.
 */
export async function findFiles(path: string, places: DataPlaces | undefined, given?: FileFormat): Promise<FoundFiles> {
  const files = await listed(path, places);
  if (files.length > MAX_PARTS) throw invalid(`more than ${MAX_PARTS} files`);
  const formats = files.map(({ name }) => given ?? formatOf(name));
  const [format] = formats;
  if (format === undefined) throw missing("no file is there that the path means");
  const other = formats.findIndex((one) => one !== format);
  if (other >= 0) throw invalid(`${files[0]?.name} and ${files[other]?.name} are of two formats: give a pattern`);
  return { files, format };
}

function formatOf(name: string): FileFormat {
  const format = FORMATS[extname(name).toLowerCase()];
  if (format === undefined) throw invalid(`${basename(name)} ends in none of .csv, .tsv, .txt, .parquet`);
  return format;
}

async function listed(path: string, places: DataPlaces | undefined): Promise<FoundFile[]> {
  if (!isAbsolute(path)) throw missing("the path is not absolute");
  const isPattern = PATTERN.test(path);
  const folder = isPattern ? fixedFolder(path) : path;
  // Before anything is looked at: names of files are in errors.
  await requireDataPlace(folder, places);
  let names: string[];
  try {
    if (!isPattern && !(await stat(path)).isDirectory()) return [await found(basename(path), path, places)];
    names = isPattern ? await fitting(path, folder) : await filesOf(folder);
  } catch (error) {
    throw error instanceof EntenteError ? error : missing(undefined, error);
  }
  names.sort();
  return Promise.all(names.map((name) => found(name.split(sep).join("/"), join(folder, name), places)));
}

/** All of a pattern before its first part with a sign of one. */
function fixedFolder(pattern: string): string {
  const parts = pattern.split(sep);
  return (
    parts
      .slice(
        0,
        parts.findIndex((part) => PATTERN.test(part)),
      )
      .join(sep) || sep
  );
}

async function fitting(pattern: string, folder: string): Promise<string[]> {
  const names: string[] = [];
  // Folders that fit are passed over: `data/*` means the files.
  for await (const entry of glob(relative(folder, pattern), { cwd: folder, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (!(await stat(path)).isDirectory()) names.push(relative(folder, path));
    if (names.length > MAX_PARTS) break;
  }
  return [...new Set(names)];
}

/** Nothing of a folder is left out without a word, but what is marked as not being data. */
async function filesOf(folder: string): Promise<string[]> {
  const names = (await readdir(folder)).filter((name) => !/^[._]/.test(name));
  for (const name of names)
    if ((await stat(join(folder, name))).isDirectory())
      throw invalid(`the folder has a folder in it: give a pattern, such as ${basename(folder)}/**/*.parquet`);
  return names;
}

/** One file, whatever its name ends in. Throws DATASET_FILE_MISSING, DATASET_PLACE. */
export async function findFile(path: string, places: DataPlaces | undefined): Promise<FoundFile> {
  if (!isAbsolute(path)) throw missing("the path is not absolute");
  return found(basename(path), path, places);
}

async function found(name: string, path: string, places: DataPlaces | undefined): Promise<FoundFile> {
  await requireDataPlace(path, places);
  let real: string;
  try {
    real = await realpath(path);
  } catch (cause) {
    throw missing(undefined, cause);
  }
  // DuckDB would take them for a pattern of its own.
  if (/[*?[\]]/.test(real)) throw missing("a file's path may not hold the characters * ? [ ]");
  // A named pipe would be waited for without end.
  if (!(await stat(real)).isFile()) throw missing(`${name} is not a file`);
  return { name, path: real };
}
