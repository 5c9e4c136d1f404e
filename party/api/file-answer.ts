/** A route's answer that is a file. It is written to a temporary folder as a whole first: a reader never gets one that breaks
 * off for a reason of ours. */
import { createReadStream } from "node:fs";
import { join } from "node:path";
import { toHex } from "../../proto/encoding/bytes.ts";
import { EntenteError } from "../../proto/errors.ts";
import { TABLE_TYPES, type TableFormat } from "../../proto/http/file-types.ts";
import type { Node } from "../node.ts";
import type { FileAnswer } from "./server.ts";

/** `write` makes the file at the path that it is given, and records that it leaves; what it throws is the answer. */
export async function fileAnswer(
  { ports: { files, random }, exportFolder }: Pick<Node, "ports" | "exportFolder">,
  { name, format }: { readonly name: string; readonly format: TableFormat },
  write: (path: string) => Promise<void>,
): Promise<FileAnswer> {
  const folder = join(exportFolder, toHex(random.bytes(8)));
  await files.makeFolder(folder);
  const fileName = `${name}.${format}`;
  const path = join(folder, fileName);
  try {
    await write(path);
  } catch (error) {
    await files.remove(folder);
    throw error instanceof EntenteError ? error : new EntenteError("STORAGE_FAILED", { cause: error });
  }
  async function* stream(): AsyncGenerator<Uint8Array> {
    try {
      yield* createReadStream(path);
    } finally {
      await files.remove(folder);
    }
  }
  return { contentType: TABLE_TYPES[format], fileName, stream: stream() };
}
