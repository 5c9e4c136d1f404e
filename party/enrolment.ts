/** What enrolment left in the node's folder: certificate, key and whom to dial. `enrolment.json`, mode 0600. */
import { X509Certificate } from "node:crypto";
import { join } from "node:path";
import * as z from "zod";
import { formatEndpoint, parseEndpoint } from "../proto/codec/endpoint.ts";
import { parseInvite } from "../proto/codec/invite.ts";
import { certificateFingerprint } from "../proto/codec/x509.ts";
import { equalBytes, fromHex, fromUtf8, toHex, utf8 } from "../proto/encoding/bytes.ts";

import { type Envelope, encodeEnvelope } from "../proto/encoding/dsse.ts";
import { EntenteError } from "../proto/errors.ts";
import { partyId } from "../proto/ids.ts";
import { Secret } from "../proto/keys/secret.ts";
import type { Files } from "../proto/ports/ports.ts";
import { type Enrolled, enrolAt } from "./coordinator-link/enrol.ts";
import { isExpired } from "./coordinator-link/refusal.ts";
import type { Keyring } from "./store/keyring.ts";

const FILE = "enrolment.json";

/** Undefined before enrolment. Throws STORAGE_FAILED. */
export async function readEnrolment(files: Files, folder: string): Promise<Enrolled | undefined> {
  const bytes = await files.read(join(folder, FILE));
  if (bytes === undefined) return undefined;
  try {
    const { enrolmentEndpoint, ...stored } = z
      .record(z.string(), z.string())
      .parse(JSON.parse(fromUtf8(bytes))) as Record<keyof Enrolled, string>;
    return {
      ...stored,
      keyPem: new Secret(stored.keyPem),
      ...(enrolmentEndpoint && { enrolmentEndpoint: parseEndpoint(enrolmentEndpoint) }),
      party: partyId(stored.party),
      coordinator: partyId(stored.coordinator),
      endpoint: parseEndpoint(stored.endpoint),
      coordinatorIdentity: fromHex(stored.coordinatorIdentity),
      coordinatorKeyset: utf8(stored.coordinatorKeyset),
    };
  } catch {
    // No cause: a parser's message quotes what it read, and a key is in it.
    throw new EntenteError("STORAGE_FAILED", { detail: `${FILE} is damaged` });
  }
}

/** At once or not at all: the certificate and its key are in one file. */
export async function keepEnrolment(files: Files, folder: string, enrolled: Enrolled): Promise<void> {
  const { enrolmentEndpoint } = enrolled;
  const stored = {
    ...enrolled,
    keyPem: enrolled.keyPem.expose(),
    endpoint: formatEndpoint(enrolled.endpoint),
    ...(enrolmentEndpoint && { enrolmentEndpoint: formatEndpoint(enrolmentEndpoint) }),
    coordinatorIdentity: toHex(enrolled.coordinatorIdentity),
    coordinatorKeyset: fromUtf8(enrolled.coordinatorKeyset),
  };
  await files.writeDurable(join(folder, FILE), utf8(JSON.stringify(stored)));
}

/**
 * Uses the invite and keeps what came of it. Returns the peer that made the invite, if one did, with the fingerprint that
 * the invite carries for it. `before`: of a node that is enrolled, and remains the same party with the same keys at the same
 * coordinator. Throws INVITE_INVALID also when the invite is for another party's name, ALREADY_EXISTS when it is of another coordinator.
 */
export async function enrol(
  files: Files,
  folder: string,
  { keyring, before }: { readonly keyring: Keyring; readonly before: Enrolled | undefined },
  code: string,
): Promise<{ enrolled: Enrolled; inviter: { party: string; fingerprint: string } | undefined }> {
  const invite = parseInvite(code);
  if (invite.party !== keyring.party)
    throw new EntenteError("INVITE_INVALID", { detail: "it is for another party's name" });
  const signed = before === undefined ? await keyring.firstKeyset() : (keyring.keysets.at(-1) as Envelope);
  const keyset = encodeEnvelope(signed);
  const enrolled = await enrolAt(invite, { identityPublicKey: keyring.identity.publicKey, keyset });
  if (before !== undefined && !isSameCoordinator(before, enrolled))
    throw new EntenteError("ALREADY_EXISTS", { detail: "this node is enrolled at another coordinator" });
  await keepEnrolment(files, folder, enrolled);
  return { enrolled, inviter: invite.inviter };
}

function isSameCoordinator(before: Enrolled, after: Enrolled): boolean {
  return before.coordinator === after.coordinator && equalBytes(before.coordinatorIdentity, after.coordinatorIdentity);
}

/** Whether an invite would mend something: the certificate has expired or is refused, or the coordinator has another CA. */
export function needsInvite(
  { enrolled, code }: { readonly enrolled: Enrolled; readonly code: string },
  { nowMs, refusal }: { readonly nowMs: number; readonly refusal: EntenteError | undefined },
): boolean {
  const { caFingerprint } = parseInvite(code);
  return (
    isExpired(enrolled, nowMs) ||
    refusal?.code === "CERTIFICATE_REFUSED" ||
    caFingerprint !== certificateFingerprint(new X509Certificate(enrolled.caPem).raw)
  );
}
