/** Frames of psi-dh and the messages that its steps see; the form is that of `payload.ts`. */
import { type PayloadDue, type PayloadMessage, payloadCodec } from "./payload.ts";

/** Field numbers of the `oneof` members in psi_dh.proto. */
export const PSI_DH_TYPE = { blinded: 1, evaluated: 2, sealedTags: 3 } as const;
type PsiDhKind = keyof typeof PSI_DH_TYPE;

/** blinded, evaluated: n * 32 bytes of elements; sealedTags: the ciphertext with its tag. */
export type PsiDhMessage = PayloadMessage<PsiDhKind>;
export type PsiDhDue = PayloadDue<PsiDhKind>;

export const { encode: encodePsiDh, decode: decodePsiDh } = payloadCodec("psi-dh", PSI_DH_TYPE);
