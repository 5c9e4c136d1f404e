/** Verify agreements: each signed by all its parties, under the identities of the keysets. */
import { type Agreement, readSignedAgreement } from "../../proto/agreement/agreement.ts";
import { toHex } from "../../proto/encoding/bytes.ts";

import { decodeEnvelope } from "../../proto/encoding/dsse.ts";
import type { Keyring } from "./keys.ts";
import type { ExportFolder } from "./load.ts";
import type { Findings } from "./verdict.ts";

const FOLDER = "agreements/";

/** By digest, over all folders. */
export function verifyAgreements(
  folders: readonly ExportFolder[],
  keyring: Keyring,
  findings: Findings,
): Map<string, Agreement> {
  const agreements = new Map<string, Agreement>();
  for (const { folder, manifest, files } of folders) {
    for (const [path, bytes] of files) {
      if (!path.startsWith(FOLDER)) continue;
      const agreement = readOne(bytes, keyring);
      const isInPlace =
        agreement?.collaboration === manifest.collaboration && path === `${FOLDER}${agreement.digest}.json`;
      if (agreement === undefined || !isInPlace) findings.report("AGREEMENT_INVALID", { folder, path });
      else agreements.set(agreement.digest, agreement);
    }
  }
  return agreements;
}

function readOne(bytes: Uint8Array, keyring: Keyring): Agreement | undefined {
  try {
    const agreement = readSignedAgreement(decodeEnvelope(bytes));
    const isOfKeysets = agreement.document.parties.every(({ name, identity }) => {
      const known = keyring.identityOf(name);
      return known !== undefined && toHex(known) === identity;
    });
    return isOfKeysets ? agreement : undefined;
  } catch {
    return undefined;
  }
}
