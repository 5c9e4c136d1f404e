/** The protocols that this software speaks, told so that two nodes can see whether they speak the same. */

import { PSI_PROTOCOLS } from "../../proto/agreement/fields.ts";
import { toHex } from "../../proto/encoding/bytes.ts";
import { LINEAR } from "../protocols/score-linear/params.ts";
import { TREES } from "../protocols/score-trees/params.ts";
import { ALIGNED, jobParameters } from "./protocols.ts";

/** Any shape that all protocols take: parameters that differ for one differ. */
const SHAPE = { partitions: 1, receiverCapacity: 256, senderCapacity: 256, labelBytes: 8 } as const;
const SHOWN_BYTES = 4;

function suite(name: string, digest: Uint8Array): string {
  return `${name}/${toHex(digest.subarray(0, SHOWN_BYTES))}`;
}

/** Name and the first bytes of the digest that handshakes compare: whoever changes a parameter changes it. */
export const SUITES: readonly string[] = [
  ...PSI_PROTOCOLS.map((name) => suite(name, jobParameters(name, SHAPE, undefined))),
  suite("aligned", ALIGNED.parametersDigest(SHAPE)),
  suite("score-linear", LINEAR.parameterDigest),
  suite("score-trees", TREES.parameterDigest),
];
