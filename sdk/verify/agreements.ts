/** Verify agreements: each signed by all its parties, under the identities of the keysets; and revocations of them. */
import { type Agreement, readSignedAgreement } from "../../proto/agreement/agreement.ts";
import { type Revocation, readRevocation } from "../../proto/agreement/revocation.ts";
import { parseCanonicalJson } from "../../proto/encoding/canonical-json.ts";
import { decodeEnvelope } from "../../proto/encoding/dsse.ts";
import { digestOf } from "../../proto/encoding/sha256.ts";
import { AGREEMENTS_FOLDER, REVOCATIONS_FOLDER } from "../../proto/evidence/export.ts";
import type { Digest } from "../../proto/ids.ts";
import type { Keyring } from "./keys.ts";
import type { ExportFolder } from "./load.ts";
import type { Findings } from "./verdict.ts";

/** By digest, over all folders. */
export async function verifyAgreements(
  folders: readonly ExportFolder[],
  keyring: Keyring,
  findings: Findings,
): Promise<Map<string, Agreement>> {
  const agreements = new Map<string, Agreement>();
  for (const { folder, manifest, paths, read } of folders) {
    for (const path of paths.filter((name) => name.startsWith(AGREEMENTS_FOLDER))) {
      const agreement = readAgreement(await read(path), keyring);
      const isInPlace =
        agreement?.collaboration === manifest.collaboration && path === `${AGREEMENTS_FOLDER}${agreement.digest}.json`;
      if (agreement === undefined || !isInPlace) findings.report("AGREEMENT_INVALID", { folder, path });
      else agreements.set(agreement.digest, agreement);
    }
  }
  return agreements;
}

function readAgreement(bytes: Uint8Array | undefined, keyring: Keyring): Agreement | undefined {
  if (bytes === undefined) return undefined;
  try {
    const agreement = readSignedAgreement(decodeEnvelope(bytes));
    const { parties } = agreement.document;
    // It may name an identity that another has followed; a lost one is followed only with the others' word.
    const isOfKeysets = parties.every(({ name, identity }) => {
      const others = parties.filter((other) => other.name !== name);
      return (
        keyring.identitiesOf(name).includes(identity) &&
        others.every((other) => keyring.isCountersigned(name, identity, other.name))
      );
    });
    return isOfKeysets ? agreement : undefined;
  } catch {
    return undefined;
  }
}

/** By the digest of their payload, by which log entries name them. */
export async function verifyRevocations(
  folders: readonly ExportFolder[],
  agreements: ReadonlyMap<string, Agreement>,
  keyring: Keyring,
  findings: Findings,
): Promise<Map<string, Revocation>> {
  const revocations = new Map<string, Revocation>();
  for (const { folder, paths, read } of folders) {
    for (const path of paths.filter((name) => name.startsWith(REVOCATIONS_FOLDER))) {
      const bytes = await read(path);
      const revocation = readSigned(bytes, agreements, keyring);
      if (revocation === undefined || path !== `${REVOCATIONS_FOLDER}${revocation.digest}.json`)
        findings.report("REVOCATION_INVALID", { folder, path });
      else revocations.set(revocation.digest, revocation);
    }
  }
  return revocations;
}

function readSigned(
  bytes: Uint8Array | undefined,
  agreements: ReadonlyMap<string, Agreement>,
  keyring: Keyring,
): (Revocation & { readonly digest: Digest }) | undefined {
  if (bytes === undefined) return undefined;
  try {
    const envelope = decodeEnvelope(bytes);
    const claimed = parseCanonicalJson(envelope.payload) as { agreement?: unknown; by?: unknown };
    const agreement = agreements.get(String(claimed.agreement));
    const party = agreement?.document.parties.find(({ name }) => name === claimed.by);
    if (agreement === undefined || party === undefined || envelope.signatures.length !== 1) return undefined;
    for (const { key } of keyring.keysOf(party.name, "identity")) {
      const revocation = readOrNothing(envelope, key, { agreement: agreement.digest, by: party.name });
      if (revocation !== undefined) return { ...revocation, digest: digestOf(envelope.payload) };
    }
  } catch {
    // Not of the form.
  }
  return undefined;
}

function readOrNothing(...input: Parameters<typeof readRevocation>): Revocation | undefined {
  try {
    return readRevocation(...input);
  } catch {
    return undefined;
  }
}
