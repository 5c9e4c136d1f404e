/** Enrolment: from an invite to a certificate. The invite's secret is sent only to a server that chains to the pinned CA. */
import { verifyKeyset } from "../../proto/agreement/keyset.ts";
import { ENROL, type EnrolResponse } from "../../proto/codec/coordinator.ts";
import type { Endpoint } from "../../proto/codec/endpoint.ts";
import type { Invite } from "../../proto/codec/invite.ts";
import { makeCertificateRequest, makeTransportKey, pemOf } from "../../proto/codec/x509.ts";

import { decodeEnvelope } from "../../proto/encoding/dsse.ts";
import { EntenteError } from "../../proto/errors.ts";
import type { PartyId } from "../../proto/ids.ts";
import type { Secret } from "../../proto/keys/secret.ts";
import { callUnary, openChannel } from "./calls.ts";
import { checkedCertificate } from "./issued.ts";
import { fetchPinnedCa } from "./pin.ts";

export interface EnrolOptions {
  /** Raw 32 bytes, Ed25519. */
  readonly identityPublicKey: Uint8Array;
  /** DSSE envelope, canonical JSON, signed by the identity. */
  readonly keyset: Uint8Array;
}

/** What the node keeps: everything that `dialCoordinator` needs, and whom it will believe. */
export interface Enrolled {
  readonly party: PartyId;
  /** Name of the coordinator; first part of its logs' origins. */
  readonly coordinator: PartyId;
  /** Of the mTLS listener. */
  readonly endpoint: Endpoint;
  readonly caPem: string;
  readonly certPem: string;
  readonly keyPem: Secret<string>;
  /** Of the listener that asks for no certificate; unknown to a node that enrolled when it was not kept. */
  readonly enrolmentEndpoint?: Endpoint | undefined;
  /** The coordinator's, raw 32 bytes, and the keyset that it signed: its log key signs the coordinator's checkpoints. */
  readonly coordinatorIdentity: Uint8Array;
  readonly coordinatorKeyset: Uint8Array;
}

/**
 * Uses an invite. Throws FINGERPRINT_MISMATCH (another server answers), COORDINATOR_UNREACHABLE, INVITE_INVALID,
 * INVITE_USED, PARTY_NAME_TAKEN, and CERTIFICATE_REFUSED when what the coordinator issued is not what was asked for.
 */
export async function enrolAt(invite: Invite, { identityPublicKey, keyset }: EnrolOptions): Promise<Enrolled> {
  const caDer = await fetchPinnedCa(invite.endpoint, invite.caFingerprint);
  const caPem = pemOf("CERTIFICATE", caDer);
  const { keys, privateKeyPem: keyPem } = await makeTransportKey();
  const certificateRequest = await makeCertificateRequest(keys);
  const client = openChannel(invite.endpoint, { ca: caPem });
  let response: EnrolResponse;
  try {
    response = await callUnary(client, ENROL, {
      inviteSecret: invite.secret,
      certificateRequest,
      identityPublicKey,
      keyset,
    });
  } finally {
    client.close();
  }
  const certPem = checkedCertificate(response.certificateChain, { caDer, party: invite.party, keyPem });
  const { coordinator, endpoint, identityPublicKey: coordinatorIdentity, keyset: coordinatorKeyset } = response;
  const signed = verifyKeyset(decodeEnvelope(coordinatorKeyset), coordinatorIdentity);
  if (signed.party !== coordinator) throw new EntenteError("SIGNATURE_INVALID", { detail: "the coordinator's keyset" });
  return {
    party: invite.party,
    ...{ coordinator, coordinatorIdentity, coordinatorKeyset, endpoint },
    ...{ caPem, certPem, keyPem, enrolmentEndpoint: invite.endpoint },
  };
}
