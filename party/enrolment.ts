/** What enrolment left in the node's folder: certificate, key and whom to dial. `enrolment.json`, mode 0600. */
import { join } from "node:path";
import * as z from "zod";
import { formatEndpoint, parseEndpoint } from "../proto/codec/endpoint.ts";
import { parseInvite } from "../proto/codec/invite.ts";
import { fromHex, fromUtf8, toHex, utf8 } from "../proto/encoding/bytes.ts";

import { encodeEnvelope } from "../proto/encoding/dsse.ts";
import { EntenteError } from "../proto/errors.ts";
import { partyId } from "../proto/ids.ts";
import type { Files } from "../proto/ports/ports.ts";
import { type Enrolled, enrolAt } from "./coordinator-link/enrol.ts";
import type { Keyring } from "./store/keyring.ts";

const FILE = "enrolment.json";

/** Undefined before enrolment. Throws STORAGE_FAILED. */
export async function readEnrolment(files: Files, folder: string): Promise<Enrolled | undefined> {
  const bytes = await files.read(join(folder, FILE));
  if (bytes === undefined) return undefined;
  try {
    const stored = z.record(z.string(), z.string()).parse(JSON.parse(fromUtf8(bytes))) as Record<
      keyof Enrolled,
      string
    >;
    return {
      ...stored,
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

/** Uses the invite and keeps what came of it. Returns the peer that made the invite, if one did, with the fingerprint that
 * the invite carries for it. Throws INVITE_INVALID also when the invite is for another party's name. */
export async function enrol(
  files: Files,
  folder: string,
  keyring: Keyring,
  code: string,
): Promise<{ enrolled: Enrolled; inviter: { party: string; fingerprint: string } | undefined }> {
  const invite = parseInvite(code);
  if (invite.party !== keyring.party)
    throw new EntenteError("INVITE_INVALID", { detail: "it is for another party's name" });
  const keyset = encodeEnvelope(await keyring.firstKeyset());
  const enrolled = await enrolAt(invite, { identityPublicKey: keyring.identity.publicKey, keyset });
  const stored = {
    ...enrolled,
    endpoint: formatEndpoint(enrolled.endpoint),
    coordinatorIdentity: toHex(enrolled.coordinatorIdentity),
    coordinatorKeyset: fromUtf8(enrolled.coordinatorKeyset),
  };
  await files.writeDurable(join(folder, FILE), utf8(JSON.stringify(stored)));
  return { enrolled, inviter: invite.inviter };
}
