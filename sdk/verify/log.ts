/** Verify each log: checkpoint, tree from the entries, tiles, cosignatures. */
import { equalBytes } from "../../proto/encoding/bytes.ts";
import { type Checkpoint, openCheckpoint, parseCheckpointBody } from "../../proto/evidence/checkpoint.ts";
import { cosignatureVerifier } from "../../proto/evidence/cosignature.ts";
import { logFolder } from "../../proto/evidence/export.ts";
import type { MerkleTree } from "../../proto/evidence/merkle.ts";
import { isFrom, type Note, noteVerifier, parseNote } from "../../proto/evidence/note.ts";
import { ORIGIN_FORM } from "../../proto/evidence/predicates.ts";
import { rebuild } from "../../proto/evidence/rebuild.ts";
import { TILE_WIDTH, tilePath, tilesOf } from "../../proto/evidence/tiles.ts";
import type { Keyring } from "./keys.ts";
import type { ExportFolder } from "./load.ts";
import type { Findings, Place } from "./verdict.ts";

export interface VerifiedLog {
  readonly folder: string;
  readonly origin: string;
  /** The party whose log it is. */
  readonly owner: string;
  readonly entries: readonly Uint8Array[];
  readonly tree: MerkleTree;
  /** 0 when no peer cosigned. */
  readonly cosignedSize: number;
}

const LOGS = "logs/";

/** The logs of a folder that verify; what is wrong with the others is reported. */
export async function verifyLogs(folder: ExportFolder, keyring: Keyring, findings: Findings): Promise<VerifiedLog[]> {
  const byLog = Map.groupBy(
    [...folder.files].filter(([path]) => path.startsWith(LOGS)),
    ([path]) => path.split("/")[1] as string,
  );
  const logs: VerifiedLog[] = [];
  for (const [name, files] of byLog) {
    const prefix = `${LOGS}${name}/`;
    const own = new Map(files.map(([path, bytes]) => [path.slice(prefix.length), bytes]));
    const log = await new LogReader(folder, prefix, own, keyring, findings).verify();
    if (log !== undefined) logs.push(log);
  }
  return logs;
}

class LogReader {
  readonly #folder: ExportFolder;
  readonly #prefix: string;
  readonly #files: ReadonlyMap<string, Uint8Array>;
  readonly #keyring: Keyring;
  readonly #findings: Findings;

  constructor(
    folder: ExportFolder,
    prefix: string,
    files: ReadonlyMap<string, Uint8Array>,
    keyring: Keyring,
    findings: Findings,
  ) {
    this.#folder = folder;
    this.#prefix = prefix;
    this.#files = files;
    this.#keyring = keyring;
    this.#findings = findings;
  }

  #place(path: string): Place {
    return { folder: this.#folder.folder, path: `${this.#prefix}${path}` };
  }

  async verify(): Promise<VerifiedLog | undefined> {
    const opened = this.#open("checkpoint");
    if (opened === undefined) {
      this.#findings.report("CHECKPOINT_INVALID", this.#place("checkpoint"));
      return undefined;
    }
    const { origin, size, root } = opened.checkpoint;
    // A forged size must not make the verifier look for more files than a folder can hold.
    if (Math.floor(size / TILE_WIDTH) > this.#files.size) {
      this.#findings.report("FILE_MISSING", { ...this.#place("tile/entries"), log: origin });
      return undefined;
    }
    const rebuilt = await rebuild(size, async (path) => this.#files.get(path));
    if ("what" in rebuilt) {
      const { path, index, what } = rebuilt;
      const place = { ...this.#place(path), log: origin, ...(index === undefined ? {} : { index }) };
      this.#findings.report(what === "missing" ? "FILE_MISSING" : "TREE_DIFFERS", place);
      return undefined;
    }
    const { entries, tree } = rebuilt;
    if (!equalBytes(tree.root(), root)) {
      this.#findings.report("TREE_DIFFERS", { ...this.#place("checkpoint"), log: origin });
      return undefined;
    }
    const expected = new Set(["checkpoint", "cosigned", ...tilesOf(size).map(tilePath)]);
    for (const path of this.#files.keys())
      if (!expected.has(path)) this.#findings.report("FILE_EXTRA", { ...this.#place(path), log: origin });
    const owner = ownerOf(origin);
    const cosignedSize = this.#cosignedSize(origin, owner, tree);
    return { folder: this.#folder.folder, origin, owner, entries, tree, cosignedSize };
  }

  /** A note that the owner's log key signed, of a log that belongs in this folder under this name. */
  #open(path: string): { readonly note: Note; readonly checkpoint: Checkpoint } | undefined {
    try {
      const bytes = this.#files.get(path);
      if (bytes === undefined) return undefined;
      const { origin } = parseCheckpointBody(parseNote(bytes).text);
      const [, owner = "", collaboration] = ORIGIN_FORM.exec(origin) ?? [];
      if (collaboration !== this.#folder.manifest.collaboration) return undefined;
      if (`${LOGS}${logFolder(origin)}/` !== this.#prefix) return undefined;
      const verifiers = this.#keyring.keysOf(owner, "log").map(({ key }) => noteVerifier(key));
      return openCheckpoint(bytes, { origin, verifiers });
    } catch {
      return undefined;
    }
  }

  #cosignedSize(origin: string, owner: string, tree: MerkleTree): number {
    if (!this.#files.has("cosigned")) return 0;
    const place = { ...this.#place("cosigned"), log: origin };
    const opened = this.#open("cosigned");
    const isHead =
      opened !== undefined &&
      opened.checkpoint.origin === origin &&
      opened.checkpoint.size <= tree.size &&
      equalBytes(opened.checkpoint.root, tree.root(opened.checkpoint.size));
    if (!isHead) {
      this.#findings.report("CHECKPOINT_INVALID", place);
      return 0;
    }
    const verifiers = this.#keyring.cosignersOf(owner).map(cosignatureVerifier);
    const known = opened.note.signatures.flatMap((signature) =>
      verifiers.filter((verifier) => isFrom(signature, verifier)).map((verifier) => ({ signature, verifier })),
    );
    if (!known.every(({ signature, verifier }) => verifier.verify(opened.note.text, signature.signature))) {
      this.#findings.report("COSIGNATURE_INVALID", place);
      return 0;
    }
    return known.length === 0 ? 0 : opened.checkpoint.size;
  }
}

export function ownerOf(origin: string): string {
  return origin.split("/", 1)[0] as string;
}
