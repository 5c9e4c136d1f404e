/** The agreement of the demo and of the end-to-end tests. */
import type { PsiName } from "../../party/session/task.ts";
import type { IdColumn } from "../../proto/agreement/fields.ts";
import { sampleAgreement } from "../../sdk/cli/sample.ts";
import type { Job } from "../../sdk/client.ts";
import { BANK_FILE, BUREAU_FILE } from "./credit.ts";
import type { Trio } from "./trio.ts";

const REPAYMENT_COLUMNS = ["PAY_0", "PAY_2", "PAY_3", "PAY_4", "PAY_5", "PAY_6"];

/** Purposes of the agreements here, the first being what jobs name when they name none. */
export const PURPOSE = "instalment-offers";

/** As a person writes it: the nodes fill in the identities that were confirmed, and the protocol when none is named. */
export function demoAgreement(changes: Record<string, unknown> = {}, protocol?: PsiName): Record<string, unknown> {
  const id = { name: "phone", role: "id", normaliser: "phone-e164", grade: 3, personal: true };
  const datasets = { receiverDataset: "customers", providerDataset: "repayments" };
  const between = { receiver: "bank", ...datasets, ...(protocol === undefined ? {} : { protocol }) };
  const { format, title, purposes, parties } = sampleAgreement(0);
  return {
    ...{ format, title, purposes, parties },
    datasets: [
      { party: "bank", name: "customers", columns: [id] },
      {
        party: "bureau",
        name: "repayments",
        columns: [id, ...REPAYMENT_COLUMNS.map((name) => ({ name, role: "feature", grade: 3, personal: true }))],
      },
    ],
    operations: [
      { operation: "audience", ...between, outputs: ["list", "match-rate"] },
      { operation: "score", ...between, outputs: ["score", "tier"] },
    ],
    validFrom: "2020-01-01T00:00:00.000Z",
    validUntil: "2099-12-31T00:00:00.000Z",
    ...changes,
  };
}

/** The demo's label: whether a person has a car. */
export const HAS_CAR = { name: "has_car", role: "label", type: "boolean", grade: 2, personal: true };

/** The agreement with further columns of the bureau's. */
export function withColumns(document: Record<string, unknown>, columns: readonly object[]): Record<string, unknown> {
  const datasets = (document.datasets as { name: string; columns: object[] }[]).map((dataset) =>
    dataset.name === "repayments" ? { ...dataset, columns: [...dataset.columns, ...columns] } : dataset,
  );
  return { ...document, datasets };
}

/** Budgets that a suite of many jobs does not use up, as a change to `demoAgreement`; `changes` to the budgets. */
export function generous(changes: Record<string, unknown> = {}): Record<string, unknown> {
  const runs = { runsPerEpoch: 1000, runsPerDay: 1000, scoresPerModelVersion: 1000, modelVersionsPerEpoch: 1000 };
  return { budgets: { ...runs, datasetVersionsPerEpoch: 1000, ...changes } };
}

export async function registerBoth(trio: Trio, files: { bank?: string; bureau?: string } = {}) {
  const ids: IdColumn[] = [{ column: "phone", normaliser: "phone-e164" }];
  const [bank, bureau] = [await trio.client("bank"), await trio.client("bureau")];
  return {
    bank: await bank.call("registerDataset", {
      name: "customers",
      path: files.bank ?? BANK_FILE,
      ids,
    }),
    bureau: await bureau.call("registerDataset", {
      name: "repayments",
      path: files.bureau ?? BUREAU_FILE,
      ids,
    }),
  };
}

/** Proposed by the bank, signed by the bureau; the digest. */
export async function agree(trio: Trio, document = demoAgreement()): Promise<string> {
  const { digest } = await (await trio.client("bank")).call("proposeAgreement", { document });
  const { state } = await (await trio.client("bureau")).call("signAgreement", { digest });
  if (state === "proposed") throw new Error("the agreement is not signed by both");
  return digest;
}

export async function runJob(
  trio: Trio,
  request: {
    operation: "audience" | "score";
    agreement: string;
    tag?: { key: string; value?: string };
    output?: "overlap-report";
    by?: { column: string; bounds: number[] }[];
    model?: unknown;
    labels?: string[];
    peerSegment?: { name: string; version: number };
    rules?: string[];
  },
  onProgress?: (job: Job) => void,
): Promise<Job> {
  const bank = await trio.client("bank");
  const { jobId } = await bank.call("startJob", { dataset: "customers", peerDataset: "repayments", ...request });
  return bank.waitForJob(jobId, { pollMs: 200, ...(onProgress === undefined ? {} : { onProgress }) });
}
