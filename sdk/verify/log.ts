/** Verify each log: checkpoint, tree from the entries, tiles, cosignatures. Entries are read one bundle at a time. */
import { equalBytes, toBase64, toHex } from "../../proto/encoding/bytes.ts";
import { type Checkpoint, openCheckpoint, parseCheckpointBody } from "../../proto/evidence/checkpoint.ts";
import { LOGS_FOLDER, logFolder } from "../../proto/evidence/export.ts";
import type { MerkleTree } from "../../proto/evidence/merkle.ts";
import { isFrom, type Note, noteVerifier, parseNote, SIGNATURE_TYPE } from "../../proto/evidence/note.ts";
import { ownerOf } from "../../proto/evidence/origin.ts";
import { ORIGIN_FORM } from "../../proto/evidence/predicates.ts";
import { rebuild } from "../../proto/evidence/rebuild.ts";
import { parseBundle, TILE_WIDTH, tilePath, tilesOf } from "../../proto/evidence/tiles.ts";
import { cosignaturesOn, type SeenCosignature } from "./cosignatures.ts";
import type { Keyring } from "./keys.ts";
import type { ExportFolder } from "./load.ts";
import type { Findings, Place } from "./verdict.ts";

/** A cosignature of a head of a log, which has been verified. */
export interface SeenHead extends SeenCosignature {
  readonly size: number;
}

export interface VerifiedLog {
  readonly folder: string;
  readonly origin: string;
  /** The party whose log it is. */
  readonly owner: string;
  readonly collaboration: string;
  readonly tree: MerkleTree;
  /** Its checkpoints in the folder, and the place of the keyset that signed each. */
  readonly notes: readonly { readonly path: string; readonly size: number; readonly signedBy: number }[];
  /** From the file `cosigned`: one of each cosigner. */
  readonly cosigned: readonly SeenHead[];
  /** The newest checkpoint that the folder has for an index: cosigned where there is one that covers it. */
  noteFor(index: number): Uint8Array;
  /** In order, each a view of its bundle. Throws when a file changed since the log was verified. */
  entries(): AsyncGenerator<Uint8Array>;
  entry(index: number): Promise<Uint8Array>;
}

/** The logs of a folder that verify; what is wrong with the others is reported. */
export async function verifyLogs(folder: ExportFolder, keyring: Keyring, findings: Findings): Promise<VerifiedLog[]> {
  const names = new Set(
    folder.paths.filter((path) => path.startsWith(LOGS_FOLDER)).map((path) => path.split("/")[1] as string),
  );
  const logs: VerifiedLog[] = [];
  for (const name of names) {
    const log = await new LogReader(folder, `${LOGS_FOLDER}${name}/`, keyring, findings).verify();
    if (log !== undefined) logs.push(log);
  }
  return logs;
}

interface OpenedNote {
  readonly note: Note;
  readonly checkpoint: Checkpoint;
  readonly signedBy: number;
  readonly bytes: Uint8Array;
}

class LogReader {
  readonly #folder: ExportFolder;
  readonly #prefix: string;
  readonly #keyring: Keyring;
  readonly #findings: Findings;

  constructor(folder: ExportFolder, prefix: string, keyring: Keyring, findings: Findings) {
    this.#folder = folder;
    this.#prefix = prefix;
    this.#keyring = keyring;
    this.#findings = findings;
  }

  #place(path: string): Place {
    return { folder: this.#folder.folder, path: `${this.#prefix}${path}` };
  }

  #read(path: string): Promise<Uint8Array | undefined> {
    return this.#folder.read(`${this.#prefix}${path}`);
  }

  async verify(): Promise<VerifiedLog | undefined> {
    const opened = await this.#open("checkpoint");
    if (opened === undefined) {
      this.#findings.report("CHECKPOINT_INVALID", this.#place("checkpoint"));
      return undefined;
    }
    const { origin, size, root } = opened.checkpoint;
    const own = this.#folder.paths.filter((path) => path.startsWith(this.#prefix));
    // A forged size must not make the verifier look for more files than a folder can hold.
    if (Math.floor(size / TILE_WIDTH) > own.length) {
      this.#findings.report("FILE_MISSING", { ...this.#place("tile/entries"), log: origin });
      return undefined;
    }
    const rebuilt = await rebuild(size, (path) => this.#read(path));
    if ("what" in rebuilt) {
      const { path, index, what } = rebuilt;
      const place = { ...this.#place(path), log: origin, ...(index === undefined ? {} : { index }) };
      this.#findings.report(what === "missing" ? "FILE_MISSING" : "TREE_DIFFERS", place);
      return undefined;
    }
    const { tree } = rebuilt;
    if (!equalBytes(tree.root(), root)) {
      this.#findings.report("TREE_DIFFERS", { ...this.#place("checkpoint"), log: origin });
      return undefined;
    }
    const expected = new Set(["checkpoint", "cosigned", ...tilesOf(size).map(tilePath)]);
    for (const path of own.map((name) => name.slice(this.#prefix.length)))
      if (!expected.has(path)) this.#findings.report("FILE_EXTRA", { ...this.#place(path), log: origin });
    const [, owner = "", collaboration = ""] = ORIGIN_FORM.exec(origin) ?? [];
    const cosigned = await this.#cosigned(origin, owner, tree);
    const bundle = (index: number) => this.#bundle(index, size);
    const notes = [opened, ...(cosigned === undefined ? [] : [cosigned.opened])].map((one, i) => ({
      path: `${this.#prefix}${i === 0 ? "checkpoint" : "cosigned"}`,
      size: one.checkpoint.size,
      signedBy: one.signedBy,
    }));
    return {
      ...{ folder: this.#folder.folder, origin, owner, collaboration, tree, notes, cosigned: cosigned?.heads ?? [] },
      noteFor: (index) => (cosigned?.heads.some((head) => head.size > index) ? cosigned.opened.bytes : opened.bytes),
      async *entries() {
        for (let at = 0; at < size; at += TILE_WIDTH) yield* await bundle(at / TILE_WIDTH);
      },
      async entry(index) {
        return (await bundle(Math.floor(index / TILE_WIDTH)))[index % TILE_WIDTH] as Uint8Array;
      },
    };
  }

  async #bundle(index: number, size: number): Promise<Uint8Array[]> {
    const width = Math.min(TILE_WIDTH, size - index * TILE_WIDTH);
    const bytes = await this.#read(tilePath({ level: "entries", index, width }));
    return parseBundle(bytes ?? new Uint8Array(), width);
  }

  /** A note that the owner's log key signed, of a log that belongs in this folder under this name. */
  async #open(path: string): Promise<OpenedNote | undefined> {
    const bytes = await this.#read(path);
    if (bytes === undefined) return undefined;
    const opened = openSigned(bytes, this.#keyring);
    const [, , collaboration] = ORIGIN_FORM.exec(opened?.checkpoint.origin ?? "") ?? [];
    if (opened === undefined || collaboration !== this.#folder.manifest.collaboration) return undefined;
    return `${LOGS_FOLDER}${logFolder(opened.checkpoint.origin)}/` === this.#prefix ? { ...opened, bytes } : undefined;
  }

  async #cosigned(
    origin: string,
    owner: string,
    tree: MerkleTree,
  ): Promise<{ readonly heads: SeenHead[]; readonly opened: OpenedNote } | undefined> {
    if (!this.#folder.paths.includes(`${this.#prefix}cosigned`)) return undefined;
    const place = { ...this.#place("cosigned"), log: origin };
    const opened = await this.#open("cosigned");
    if (opened === undefined || opened.checkpoint.origin !== origin || !isHeadOf(tree, opened.checkpoint)) {
      this.#findings.report("CHECKPOINT_INVALID", place);
      return undefined;
    }
    const seen = cosignaturesOn(opened.note, owner, this.#keyring);
    if ("badBy" in seen) {
      this.#findings.report("COSIGNATURE_INVALID", place, `by ${seen.badBy}`);
      return undefined;
    }
    const { size } = opened.checkpoint;
    const heads = seen.good.map((one) => ({ size, ...one }));
    return { heads, opened };
  }
}

export function isHeadOf(tree: MerkleTree, { size, root }: Pick<Checkpoint, "size" | "root">): boolean {
  return size <= tree.size && equalBytes(root, tree.root(size));
}

/** The checkpoint in a note that its origin's owner signed with a log key of its own, and the place of the keyset that the
 * key is of; undefined for anything else. */
export function openSigned(
  bytes: Uint8Array,
  keyring: Keyring,
): { readonly note: Note; readonly checkpoint: Checkpoint; readonly signedBy: number } | undefined {
  try {
    const { origin } = parseCheckpointBody(parseNote(bytes).text);
    const keys = keyring.keysOf(ownerOf(origin), "log").map(({ key, place }) => ({ ...noteVerifier(key), place }));
    const opened = openCheckpoint(bytes, { origin, verifiers: keys });
    const by = keys.filter((key) => opened.note.signatures.some((line) => isFrom(line, key)));
    return { ...opened, signedBy: Math.max(...by.map(({ place }) => place)) };
  } catch {
    return undefined;
  }
}

/** C2SP signed-note's form of a public key, for other tools: `<name>+<key id>+<base64 of type and key>`. */
export function verifierKeys(owner: string, keyring: Keyring): string[] {
  const keys = keyring.keysOf(owner, "log").map(({ key }) => {
    const typed = new Uint8Array([SIGNATURE_TYPE.ed25519, ...key.publicKey]);
    return `${key.keyId}+${toHex(noteVerifier(key).keyId)}+${toBase64(typed)}`;
  });
  return [...new Set(keys)];
}
