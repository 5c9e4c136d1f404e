/** The PSI protocols by the names that agreements use, and what both ends of a job must share of their parameters. */
import { domainHash } from "../../proto/encoding/sha256.ts";
import type { AnyPsiProtocol, PartitionShape } from "../protocols/psi.ts";
import { psiDh } from "../protocols/psi-dh/protocol.ts";
import { psiVole } from "../protocols/psi-vole/protocol.ts";
import { PARAMETER_DIGEST as SCORE_DIGEST } from "../protocols/score-linear/params.ts";
import type { PsiName } from "./task.ts";

const PROTOCOLS: Readonly<Record<PsiName, AnyPsiProtocol>> = {
  "psi-vole": psiVole() as AnyPsiProtocol,
  "psi-vole-planes": psiVole({ profile: "planes" }) as AnyPsiProtocol,
  "psi-dh": psiDh() as AnyPsiProtocol,
};

export function psiProtocol(name: PsiName): AnyPsiProtocol {
  return PROTOCOLS[name];
}

/** 32 bytes that the handshake compares: the PSI's parameters and, for a score, those of the encryption. */
export function jobParameters(name: PsiName, shape: PartitionShape, isScore: boolean): Uint8Array {
  const psi = psiProtocol(name).parametersDigest(shape);
  return isScore ? domainHash("entente score parameters/1", psi, SCORE_DIGEST) : psi;
}
