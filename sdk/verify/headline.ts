/** A verdict in one sentence, the same wherever it is told. */
import type { VerifyReport } from "./verdict.ts";

export function headline({ verdict, trusted }: Pick<VerifyReport, "verdict" | "trusted">): string {
  if (verdict === "tampered") return "TAMPERED: the folders contradict themselves, each other, or what was signed.";
  if (verdict === "incomplete") return "INCOMPLETE: nothing contradicts, but something is missing.";
  return trusted
    ? "VERIFIED under the identities that you trust."
    : "VERIFIED: consistent under the keys in these folders. Compare the fingerprints with those that the parties gave you.";
}
