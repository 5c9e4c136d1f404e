/** The offline verifier as the package's `entente/verify`: over folders on this machine's disk. */
import { nodePorts } from "../proto/ports/node.ts";
import type { VerifyReport } from "./verify/verdict.ts";
import { type VerifyOptions, verifyFolders } from "./verify/verify.ts";

export { EXIT_CODE, type VerifyReport } from "./verify/verdict.ts";

/** What `entente audit verify` does, and throws: see `verifyFolders`. */
export function verify(dirs: readonly string[], options: Omit<VerifyOptions, "files"> = {}): Promise<VerifyReport> {
  return verifyFolders(dirs, { ...options, files: nodePorts.files });
}
