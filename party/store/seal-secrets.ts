/** Converts a node's folder: everything secret in it becomes encrypted under the operator's key. The node must not be running. */
import { join, resolve } from "node:path";
import { urlFileOf } from "../../proto/database/place.ts";
import { utf8 } from "../../proto/encoding/bytes.ts";
import type { KeySource } from "../../proto/keys/key-source.ts";
import { sealFile, sealFolder, unlock } from "../../proto/keys/sealed-folder.ts";
import type { Ports } from "../../proto/ports/ports.ts";
import { moveDatabaseUrl, readConfig } from "../config.ts";

export interface SealedNode {
  /** Databases whose URL stood in `node.json`. */
  readonly movedUrls: readonly string[];
  /** Files with secrets outside of the folder: they stay as they are, for their owner to guard. Absolute. */
  readonly outside: readonly string[];
}

/**
 * The keys of the node, its certificate's key, inline database URLs, and the files of secrets in its folder. May be run again: what
 * was broken off is ended, what is new is encrypted. `feedSecrets`: absolute paths. Throws as `sealFolder`.
 */
export async function sealNode(
  ports: Ports,
  folder: string,
  { source, feedSecrets }: { readonly source: KeySource; readonly feedSecrets: readonly string[] },
): Promise<SealedNode> {
  await sealFolder(ports, folder, source);
  const unlocked = await unlock({ ...ports, key: source }, folder);
  const { databases, store, signIn } = await readConfig(ports.files, folder);
  const movedUrls: string[] = [];
  const named = [...feedSecrets, ...(store === undefined ? [] : [urlFileOf(folder, store)])];
  if (signIn?.clientSecretFile !== undefined) named.push(resolve(folder, signIn.clientSecretFile));
  for (const [name, entry] of Object.entries(databases)) {
    if ("urlFile" in entry) named.push(resolve(folder, entry.urlFile));
    else {
      const urlFile = `secrets/database-${name}`;
      await unlocked.files.writeDurable(join(folder, urlFile), utf8(entry.url.expose()));
      await moveDatabaseUrl(ports.files, folder, name, urlFile);
      movedUrls.push(name);
    }
  }
  const outside: string[] = [];
  for (const path of new Set(named)) if (!(await sealFile(ports, folder, source, path))) outside.push(path);
  return { movedUrls, outside };
}
