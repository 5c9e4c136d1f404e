/** Forks that an exporter has seen: two notes of one log's key that do not agree. Where the notes alone prove it, the log's
 * owner has signed two histories; otherwise it is the exporter's word. */

import { toHex } from "../../proto/encoding/bytes.ts";
import { digestOf } from "../../proto/encoding/sha256.ts";
import type { TreeHead } from "../../proto/evidence/checkpoint.ts";
import { FORKS_FOLDER } from "../../proto/evidence/export.ts";
import { type CheckedFork, checkFork, parseFork } from "../../proto/evidence/fork.ts";
import { ownerOf } from "../../proto/evidence/origin.ts";
import { ORIGIN_FORM } from "../../proto/evidence/predicates.ts";
import type { Keyring } from "./keys.ts";
import type { ExportFolder } from "./load.ts";
import type { Trouble } from "./replay.ts";
import type { EntryOf } from "./trace.ts";
import type { Findings } from "./verdict.ts";

/** By the digest of their files, over all folders. */
export type SeenForks = ReadonlyMap<string, CheckedFork>;

export async function verifyForks(
  folders: readonly ExportFolder[],
  keyring: Keyring,
  findings: Findings,
): Promise<SeenForks> {
  const forks = new Map<string, CheckedFork>();
  for (const { folder, manifest, paths, read } of folders) {
    for (const path of paths.filter((name) => name.startsWith(FORKS_FOLDER))) {
      const bytes = (await read(path)) ?? new Uint8Array();
      const fork = readFork(bytes, keyring);
      const [, , collaboration] = ORIGIN_FORM.exec(fork?.origin ?? "") ?? [];
      const isInPlace = path === `${FORKS_FOLDER}${digestOf(bytes)}.json` && collaboration === manifest.collaboration;
      if (fork === undefined || !isInPlace) {
        findings.report("FORK_INVALID", { folder, path });
        continue;
      }
      forks.set(digestOf(bytes), fork);
      const place = { folder, path, log: fork.origin };
      if (fork.isProof) findings.report("LOGS_DISAGREE", place, "its key has signed two histories");
      else findings.report("FORK_SEEN", place, `by the word of ${manifest.exportingParty}`);
    }
  }
  return forks;
}

function readFork(bytes: Uint8Array, keyring: Keyring): CheckedFork | undefined {
  try {
    const fork = parseFork(bytes);
    const owner = ownerOf(fork.known);
    return checkFork(
      fork,
      keyring.keysOf(owner, "log").map(({ key }) => key),
    );
  } catch {
    return undefined;
  }
}

/** The entry says what its file does. */
export function forkProblem({ statement }: EntryOf<"log-fork-seen">, forks: SeenForks): Trouble {
  const { known, offered, forkDigest } = statement.predicate;
  const fork = forks.get(forkDigest);
  if (fork === undefined) return ["FORK_SEEN", `of ${known.origin}; its file is not in the folders`];
  const isSame = (head: TreeHead, of: CheckedFork["known"]) =>
    head.origin === fork.origin && head.size === of.size && head.root === toHex(of.root);
  return isSame(known, fork.known) && isSame(offered, fork.offered)
    ? undefined
    : ["FORK_INVALID", "the entry names other heads than its file"];
}
