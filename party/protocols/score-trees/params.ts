/** Parameters of score-trees; the encryption's are in party/he/params.ts, the rounds are score-linear's. */
import { toHex } from "../../../proto/encoding/bytes.ts";
import { canonicalJson } from "../../../proto/encoding/canonical-json.ts";
import { sha256 } from "../../../proto/encoding/sha256.ts";
import { LEAVES_PER_GROUP } from "../../../proto/model/leaf-groups.ts";
import { MAX_PARTNER_LEAVES } from "../../../proto/model/tree-model.ts";
import { PARAMETER_DIGEST as HE_DIGEST, MAX_WEIGHTS } from "../../he/params.ts";
import { MAX_TREE_ROWS } from "../plan.ts";
import { LABEL_BYTES, type Packing } from "../score-linear/params.ts";

/** 512: every view that is taken fits. */
const MAX_GROUPS = Math.min(MAX_WEIGHTS, MAX_PARTNER_LEAVES / LEAVES_PER_GROUP);

const shape = {
  /** Row i of a block scores in coefficient 16 i + 15 (`leaf-groups.ts`). */
  first: LEAVES_PER_GROUP - 1,
  stride: LEAVES_PER_GROUP,
  maxWeights: MAX_GROUPS,
  /** Indicators: each leaf has a coefficient of its own. */
  maxCoefficient: 1,
  maxCapacity: MAX_TREE_ROWS,
};

export const TREES: Packing = {
  ...shape,
  parameterDigest: sha256(
    canonicalJson({ protocol: "score-trees/1", encryption: toHex(HE_DIGEST), labelBytes: LABEL_BYTES, ...shape }),
  ),
};
