/** Cosignatures on a checkpoint, by whoever the keyring knows as a cosigner. */
import { cosignatureTimeS, cosignatureVerifier } from "../../proto/evidence/cosignature.ts";
import { isFrom, type Note } from "../../proto/evidence/note.ts";
import type { Keyring } from "./keys.ts";

export interface SeenCosignature {
  readonly by: string;
  /** By the cosigner's clock, POSIX seconds. */
  readonly timeS: number;
}

/** All that name a known key of another party than `owner`, or the party of one that does not verify. Those of unknown keys say
 * nothing. */
export function cosignaturesOn(
  note: Note,
  owner: string,
  keyring: Keyring,
): { readonly good: readonly SeenCosignature[] } | { readonly badBy: string } {
  const good: SeenCosignature[] = [];
  for (const by of keyring.witnessesOf(owner)) {
    const verifiers = keyring.keysOf(by, "cosigner").map(({ key }) => cosignatureVerifier(key));
    for (const line of note.signatures.filter((one) => verifiers.some((verifier) => isFrom(one, verifier)))) {
      if (!verifiers.some((verifier) => verifier.verify(note.text, line.signature))) return { badBy: by };
      good.push({ by, timeS: cosignatureTimeS(line.signature) });
    }
  }
  return { good };
}
