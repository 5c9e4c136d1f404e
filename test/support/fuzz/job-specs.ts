/** Job specs of each operation and output, as a peer may sign them. */
import type { JobSpec } from "../../../proto/agreement/job-spec.ts";
import { parseModel } from "../../../proto/model/model.ts";
import { parsePartnerView, partnerView } from "../../../proto/model/partner-view.ts";
import { RISK_MODEL } from "../credit.ts";

/** An audience between the bank and the bureau. */
export const AUDIENCE_SPEC = {
  format: "entente-job/1",
  jobId: "0b".repeat(16),
  agreement: "ab".repeat(32),
  operation: "audience",
  output: "list",
  purpose: "test",
  protocol: "psi-vole",
  alignment: "hidden",
  receiver: "bank",
  provider: "bureau",
  receiverDataset: "customers",
  providerDataset: "repayments",
  receiverVersion: "cd".repeat(32),
  tagDays: 30,
  receiverSizeClass: 80,
  normalisers: ["phone-e164 (libphonenumber-js 1.13.16)"],
  receiverNonce: "ab".repeat(32),
  createdAt: "2026-05-01T00:00:00.000Z",
};

const linearView = partnerView(parseModel(RISK_MODEL), new Uint8Array(32));
const treesView = parsePartnerView({
  ...{ format: "entente-model-view/1", commitment: "00".repeat(32), kind: "trees", comparison: "float32-below" },
  columns: ["PAY_0", "PAY_2"],
  trees: [{ feature: [0, 1], threshold: [0, 1.5], left: [1, -1], right: [-3, -2], missing: ["left", "right"] }],
});

const score = { ...AUDIENCE_SPEC, operation: "score", output: "score" };
const labels = [
  { name: "has_car", type: "boolean" },
  { name: "city", type: "text", maxBytes: 32 },
  { name: "income", type: "number" },
];

export const GOOD_SPECS = [
  AUDIENCE_SPEC,
  { ...AUDIENCE_SPEC, labels, providerSegment: { name: "adults", version: 2 }, protocol: "psi-dh" },
  { ...AUDIENCE_SPEC, output: "match-rate", tagDays: null },
  { ...AUDIENCE_SPEC, output: "overlap-report", tagDays: null, groups: 12 },
  { ...score, model: linearView },
  { ...score, output: "tier", model: treesView },
  { ...score, alignment: "shared", matched: { audience: "0d".repeat(16), sizeClass: 80 }, model: linearView },
] as unknown as readonly JobSpec[];
export const GOOD_VIEWS: readonly unknown[] = [linearView, treesView];
