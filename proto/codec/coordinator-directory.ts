/** Enrolment and directory messages in their checked form. */
import { type PartyId, partyId } from "../ids.ts";
import { chainOf } from "./coordinator-certificates.ts";
import {
  bytesOf,
  countOf,
  MAX_CERTIFICATE_BYTES,
  MAX_CODE_CHARACTERS,
  MAX_KEYSET_BYTES,
  MAX_REQUEST_BYTES,
  MAX_RESPONSE_BYTES,
  MAX_SUCCESSIONS,
  PAGE_SIZE,
  PUBLIC_KEY_BYTES,
  textOf,
  timeOf,
  wire,
} from "./coordinator-checks.ts";
import { type Endpoint, formatEndpoint, parseEndpoint } from "./endpoint.ts";
import { type Codec, messageCodec } from "./grpc.ts";
import { INVITE_SECRET_BYTES } from "./invite.ts";

export interface EnrolRequest {
  readonly inviteSecret: Uint8Array;
  readonly certificateRequest: Uint8Array;
  readonly identityPublicKey: Uint8Array;
  readonly keyset: Uint8Array;
}

export const enrolRequest: Codec<EnrolRequest> = messageCodec(
  wire.EnrolRequest,
  MAX_REQUEST_BYTES,
  (value: EnrolRequest) => value,
  (message) => ({
    inviteSecret: bytesOf("invite_secret", message.inviteSecret, INVITE_SECRET_BYTES),
    certificateRequest: bytesOf("certificate_request", message.certificateRequest, 1, MAX_CERTIFICATE_BYTES),
    identityPublicKey: bytesOf("identity_public_key", message.identityPublicKey, PUBLIC_KEY_BYTES),
    keyset: bytesOf("keyset", message.keyset, 1, MAX_KEYSET_BYTES),
  }),
);

export interface EnrolResponse {
  /** DER: the party's certificate, then the CA's. */
  readonly certificateChain: readonly Uint8Array[];
  readonly coordinator: PartyId;
  readonly endpoint: Endpoint;
  readonly identityPublicKey: Uint8Array;
  /** DSSE envelope, JSON: names the key that signs the checkpoints of its logs. */
  readonly keyset: Uint8Array;
}

export const enrolResponse: Codec<EnrolResponse> = messageCodec(
  wire.EnrolResponse,
  MAX_RESPONSE_BYTES,
  (value: EnrolResponse) => ({
    ...value,
    certificateChain: [...value.certificateChain],
    endpoint: formatEndpoint(value.endpoint),
  }),
  (message) => ({
    certificateChain: chainOf(message.certificateChain),
    coordinator: partyId(message.coordinator),
    endpoint: parseEndpoint(message.endpoint),
    identityPublicKey: bytesOf("identity_public_key", message.identityPublicKey, PUBLIC_KEY_BYTES),
    keyset: bytesOf("keyset", message.keyset, 1, MAX_KEYSET_BYTES),
  }),
);

/** A new identity with the first keyset under it; DSSE envelopes, JSON. */
export interface SuccessionBytes {
  readonly succession: Uint8Array;
  readonly keyset: Uint8Array;
}

function successionFromWire(message: { succession?: Uint8Array | null; keyset?: Uint8Array | null }): SuccessionBytes {
  const { succession, keyset } = new wire.Succession(message);
  return {
    succession: bytesOf("succession", succession, 1, MAX_KEYSET_BYTES),
    keyset: bytesOf("keyset", keyset, 1, MAX_KEYSET_BYTES),
  };
}

export interface PartyEntry {
  readonly party: PartyId;
  readonly identityPublicKey: Uint8Array;
  /** DSSE envelope, JSON; the reader verifies it under an identity that it has confirmed. */
  readonly keyset: Uint8Array;
  readonly connected: boolean;
  /** Oldest first, the last may not hold yet; empty in a list. */
  readonly successions: readonly SuccessionBytes[];
}

function partyEntryToWire(value: PartyEntry) {
  return { ...value, successions: [...value.successions] };
}

function partyEntryFromWire(message: InstanceType<typeof wire.PartyEntry>): PartyEntry {
  return {
    party: partyId(message.party),
    identityPublicKey: bytesOf("identity_public_key", message.identityPublicKey, PUBLIC_KEY_BYTES),
    keyset: bytesOf("keyset", message.keyset, 1, MAX_KEYSET_BYTES),
    connected: message.connected,
    successions: countOf("successions", message.successions, 0, MAX_SUCCESSIONS).map(successionFromWire),
  };
}

export const partyEntry: Codec<PartyEntry> = messageCodec(
  wire.PartyEntry,
  MAX_RESPONSE_BYTES,
  partyEntryToWire,
  partyEntryFromWire,
);

export const lookupRequest: Codec<{ readonly party: PartyId }> = messageCodec(
  wire.LookupRequest,
  MAX_REQUEST_BYTES,
  (value: { readonly party: PartyId }) => value,
  (message) => ({ party: partyId(message.party) }),
);

export const partyList: Codec<readonly PartyEntry[]> = messageCodec(
  wire.ListPartiesResponse,
  MAX_RESPONSE_BYTES,
  (parties: readonly PartyEntry[]) => ({ parties: parties.map(partyEntryToWire) }),
  (message) =>
    countOf("parties", message.parties, 0, PAGE_SIZE).map((item) => partyEntryFromWire(new wire.PartyEntry(item))),
);

export const publishKeysetRequest: Codec<{ readonly keyset: Uint8Array }> = messageCodec(
  wire.PublishKeysetRequest,
  MAX_REQUEST_BYTES,
  (value: { readonly keyset: Uint8Array }) => value,
  (message) => ({ keyset: bytesOf("keyset", message.keyset, 1, MAX_KEYSET_BYTES) }),
);

export const publishSuccessionRequest: Codec<SuccessionBytes> = messageCodec(
  wire.PublishSuccessionRequest,
  MAX_REQUEST_BYTES,
  (succession: SuccessionBytes) => ({ succession }),
  (message) => successionFromWire(message.succession ?? {}),
);

export const createInviteRequest: Codec<{ readonly party: PartyId }> = messageCodec(
  wire.CreateInviteRequest,
  MAX_REQUEST_BYTES,
  (value: { readonly party: PartyId }) => value,
  (message) => ({ party: partyId(message.party) }),
);

export interface CreatedInvite {
  readonly code: string;
  readonly expiresAt: string;
}

export const createInviteResponse: Codec<CreatedInvite> = messageCodec(
  wire.CreateInviteResponse,
  MAX_RESPONSE_BYTES,
  (value: CreatedInvite) => value,
  (message) => ({
    code: textOf("code", message.code, new RegExp(`^[A-Za-z0-9_-]{1,${MAX_CODE_CHARACTERS}}$`)),
    expiresAt: timeOf("expires_at", message.expiresAt),
  }),
);
