/** The protocols that find a job's people, PSI by the names that agreements use, scoring by the model's kind, and what both
 * ends of a job must share of their parameters. */
import type { JobSpec } from "../../proto/agreement/job-spec.ts";
import { domainHash } from "../../proto/encoding/sha256.ts";
import { aligned } from "../protocols/aligned/protocol.ts";
import type { AnyPsiProtocol, PartitionShape } from "../protocols/psi.ts";
import { psiDh } from "../protocols/psi-dh/protocol.ts";
import { psiVole } from "../protocols/psi-vole/protocol.ts";
import { LINEAR, type Packing } from "../protocols/score-linear/params.ts";
import { TREES } from "../protocols/score-trees/params.ts";
import type { AlignmentName, ModelKind, PsiName } from "./task.ts";

const PROTOCOLS: Readonly<Record<PsiName, AnyPsiProtocol>> = {
  "psi-vole": psiVole() as AnyPsiProtocol,
  "psi-vole-planes": psiVole({ profile: "planes" }) as AnyPsiProtocol,
  "psi-dh": psiDh() as AnyPsiProtocol,
};

export function psiProtocol(name: PsiName): AnyPsiProtocol {
  return PROTOCOLS[name];
}

const PACKINGS: Readonly<Record<ModelKind, Packing>> = { linear: LINEAR, trees: TREES };

export function scorePacking(kind: ModelKind): Packing {
  return PACKINGS[kind];
}

export const ALIGNED = aligned();

/** The protocol of a job; a shared score runs none of the agreed PSI again. */
export function alignmentOf({ alignment, protocol }: Pick<JobSpec, "alignment" | "protocol">): AlignmentName {
  return alignment === "shared" ? "aligned" : protocol;
}

/** What every protocol that finds a job's people has, whatever its rounds. */
export function alignmentProtocol(name: AlignmentName): Pick<AnyPsiProtocol, "parametersDigest" | "openPartition"> {
  return name === "aligned" ? ALIGNED : psiProtocol(name);
}

/** 32 bytes that the handshake compares: the alignment's parameters and, for a score with a model of `kind`, the scoring's. */
export function jobParameters(name: AlignmentName, shape: PartitionShape, kind: ModelKind | undefined): Uint8Array {
  const alignment = alignmentProtocol(name).parametersDigest(shape);
  if (kind === undefined) return alignment;
  return domainHash("entente score parameters/1", alignment, scorePacking(kind).parameterDigest);
}
