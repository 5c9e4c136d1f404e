/**
 * Whether this node goes on from where it stopped, or from a backup. Every start writes a fresh number into a file beside
 * the logs and, with what the file system knows that file by, into the store. A backup that was put back (of the whole
 * folder, of the logs or of the store alone) brings another number or another file.
 *
 * A snapshot of the whole disk is put back unnoticed, and a move to another disk passes for a restore: the first is found
 * when a peer is asked, which every start does; the second costs a wait until every peer has answered.
 */
import { join } from "node:path";
import { fromUtf8, toHex, utf8 } from "../../proto/encoding/bytes.ts";
import { EntenteError } from "../../proto/errors.ts";
import type { Files, Random } from "../../proto/ports/ports.ts";
import type { Store } from "../store/store.ts";

const FILE = "generation";
const SETTING = "generation";
const NEXT_SETTING = "generation-next";

interface Place {
  readonly files: Files;
  readonly random: Random;
  readonly store: Pick<Store, "setting" | "putSetting">;
  /** Of the logs. */
  readonly folder: string;
}

/**
 * Call before anything is written to the store. A node that has run in this folder has told its store so first: one that knows
 * nothing of it is new, because its file was moved away or the configuration names another place. To go on would lose agreements,
 * opt-outs and tags without a word. Throws STORE_LOST.
 */
export async function requireOwnStore({ files, store, folder }: Omit<Place, "random">): Promise<void> {
  if ((await files.read(join(folder, FILE))) === undefined) return;
  if ((await store.setting(NEXT_SETTING)) === undefined) throw new EntenteError("STORE_LOST");
}

/** Call once, at the start. "first": this node has never run here. */
export async function beginGeneration(place: Place): Promise<"first" | "continued" | "restored"> {
  const { files, random, store, folder } = place;
  const path = join(folder, FILE);
  const found = await whatIsThere(place, path);
  const number = toHex(random.bytes(16));
  // Announced first: a stop before the last step is then told from a restore.
  await store.putSetting(NEXT_SETTING, number);
  await files.writeDurable(path, utf8(number));
  await store.putSetting(SETTING, `${number} ${await files.fileIdentity(path)}`);
  return found;
}

async function whatIsThere({ files, store }: Place, path: string): Promise<"first" | "continued" | "restored"> {
  const [bytes, stored, next] = [
    await files.read(path),
    await store.setting(SETTING),
    await store.setting(NEXT_SETTING),
  ];
  if (bytes === undefined) return next === undefined ? "first" : "restored";
  const number = fromUtf8(bytes);
  const isWhole = stored === `${number} ${await files.fileIdentity(path)}`;
  const wasCutShort = next === number && stored?.startsWith(`${number} `) !== true;
  return isWhole || wasCutShort ? "continued" : "restored";
}
