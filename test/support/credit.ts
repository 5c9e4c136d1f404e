/** The demo's real data and models (test/data). */
import { SAMPLE_FILES } from "../../sdk/cli/sample.ts";
import defaultRisk from "../data/models/default-risk.json" with { type: "json" };
import bankOnly from "../data/models/default-risk-bank-only.json" with { type: "json" };

export const { bank: BANK_FILE, bureau: BUREAU_FILE } = SAMPLE_FILES;
export const RISK_MODEL = defaultRisk;
export const BANK_ONLY_MODEL = bankOnly;
