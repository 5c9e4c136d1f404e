/** Forks that this node has seen, as files: `<digest>.json` in a folder of the collaboration (`proto/evidence/fork.ts`). */
import { join } from "node:path";
import { fromUtf8 } from "../../proto/encoding/bytes.ts";
import { digestOf } from "../../proto/encoding/sha256.ts";
import { EntenteError } from "../../proto/errors.ts";
import { encodeFork, type Fork } from "../../proto/evidence/fork.ts";
import type { LogFile } from "../../proto/evidence/log.ts";
import { encodeNote, type Note } from "../../proto/evidence/note.ts";
import type { CollaborationId } from "../../proto/ids.ts";
import type { Files } from "../../proto/ports/ports.ts";

/** A log that forks once can be made to fork again and again: what it costs the witness has an end. */
const MAX_FILES = 64;

export class Forks {
  readonly #files: Files;
  readonly #folder: string;

  constructor({ files, folder }: { readonly files: Files; readonly folder: string }) {
    this.#files = files;
    this.#folder = folder;
  }

  /** Durable when it resolves, to the file's digest. */
  async keep(collaboration: CollaborationId, fork: Fork): Promise<string> {
    const bytes = encodeFork(fork);
    const digest = digestOf(bytes);
    const folder = join(this.#folder, collaboration);
    if ((await this.#files.list(folder)).length < MAX_FILES)
      await this.#files.writeDurable(join(folder, `${digest}.json`), bytes);
    return digest;
  }

  /** Paths are names of files. */
  async list(collaboration: CollaborationId): Promise<LogFile[]> {
    const folder = join(this.#folder, collaboration);
    const files: LogFile[] = [];
    for (const path of await this.#files.list(folder)) {
      const bytes = await this.#files.read(join(folder, path));
      if (bytes === undefined) throw new EntenteError("STORAGE_FAILED", { detail: path });
      files.push({ path, bytes });
    }
    return files;
  }
}

export function noteText(note: Note): string {
  return fromUtf8(encodeNote(note));
}
