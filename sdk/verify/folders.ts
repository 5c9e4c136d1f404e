/** Folders: what the auditor names is an export, or a folder that holds exports and nothing else. */
import { MANIFEST_PATH } from "../../proto/evidence/export.ts";
import type { ReadFiles } from "./bundles.ts";
import type { Findings } from "./verdict.ts";

/** `list` fails on what is no folder, on every platform; a folder that cannot be listed is then a file that cannot be
 * read, and is reported as such. */
export async function namesIn(files: ReadFiles, path: string): Promise<string[] | undefined> {
  try {
    return await files.list(path);
  } catch {
    return undefined;
  }
}

/** The exports at or right below `dir`, in order of their names; whatever lies beside them is reported. `dir` itself when
 * there is none: whoever loads it says that it is no export. */
export async function exportsAt(files: ReadFiles, dir: string, findings: Findings): Promise<string[]> {
  const names = (await namesIn(files, dir)) ?? [];
  if (names.includes(MANIFEST_PATH)) return [dir];
  const found: string[] = [];
  const others: string[] = [];
  for (const name of names) {
    const below = await namesIn(files, `${dir}/${name}`);
    if (below?.includes(MANIFEST_PATH)) found.push(`${dir}/${name}`);
    else others.push(name);
  }
  if (found.length === 0) return [dir];
  for (const path of others) findings.report("FILE_EXTRA", { folder: dir, path });
  return found;
}
