/** Frames of psi-vole beside those of the VOLE (vole.ts), and the messages that its steps see; the form is that of
 * `payload.ts`. */
import { type PayloadMessage, payloadCodec } from "./payload.ts";

/** Field numbers of the `oneof` members in psi_vole.proto. */
export const PSI_VOLE_TYPE = { masked: 32, sealedTags: 33 } as const;
export type PsiVoleKind = keyof typeof PSI_VOLE_TYPE;

export type PsiVoleMessage = PayloadMessage<PsiVoleKind>;

export const { encode: encodePsiVole, decode: decodePsiVole } = payloadCodec("psi-vole", PSI_VOLE_TYPE);
