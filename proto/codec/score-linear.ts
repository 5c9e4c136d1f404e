/** Frames of score-linear and score-trees, and the messages that its steps see; the form is that of `payload.ts`. */
import { payloadCodec } from "./payload.ts";

/** Field numbers of the `oneof` members in score_linear.proto. */
export const SCORE_LINEAR_TYPE = { announcement: 64, ciphertext: 65, reply: 71, answer: 72 } as const;
export type ScoreLinearKind = keyof typeof SCORE_LINEAR_TYPE;

export const { encode: encodeScoreLinear, decode: decodeScoreLinear } = payloadCodec("score-linear", SCORE_LINEAR_TYPE);
