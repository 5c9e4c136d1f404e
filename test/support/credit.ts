/** The demo's real data and models (test/data). */
import { fileURLToPath } from "node:url";
import defaultRisk from "../data/models/default-risk.json" with { type: "json" };
import bankOnly from "../data/models/default-risk-bank-only.json" with { type: "json" };

export const BANK_FILE = fileURLToPath(new URL("../data/bank.parquet", import.meta.url));
export const BUREAU_FILE = fileURLToPath(new URL("../data/bureau.parquet", import.meta.url));
export const RISK_MODEL = defaultRisk;
export const BANK_ONLY_MODEL = bankOnly;
