/** The worked example: what the bank and the bureau have, and what they agree on (`test/data` says where the data is from). */
import { fileURLToPath } from "node:url";
import { partyId } from "../../proto/ids.ts";
import type { EntenteClient } from "../client.ts";

const data = (name: string) => fileURLToPath(new URL(`../../test/data/${name}`, import.meta.url));
export const SAMPLE_FILES = { bank: data("bank.parquet"), bureau: data("bureau.parquet") } as const;

const YEAR_MS = 365 * 86_400_000;
const IDS = [{ column: "phone", normaliser: "phone-e164" as const }];
const REPAYMENT_COLUMNS = ["PAY_0", "PAY_2", "PAY_3", "PAY_4", "PAY_5", "PAY_6"];
/** Whom the bureau lets others ask for: by name and description, its own condition stays with it. */
export const SAMPLE_SEGMENT = {
  name: "paid-on-time",
  expression: "PAY_0 <= 0",
  description: "Paid on time last month",
} as const;

/** As a person writes it: the nodes fill in the identities that were confirmed. */
export function sampleAgreement(nowMs: number): Record<string, unknown> {
  const id = { name: "phone", role: "id", normaliser: "phone-e164", grade: 3, personal: true };
  const between = { receiver: "bank", receiverDataset: "customers", providerDataset: "repayments" };
  const day = new Date(nowMs - (nowMs % 86_400_000));
  return {
    format: "entente-agreement/1",
    title: "Joint audience and default risk",
    purposes: [
      {
        id: "instalment-offers",
        text: "Offer instalment plans to joint customers",
        legalBasis: "Separate consent, data sharing form of 2026",
      },
      {
        id: "credit-review",
        text: "Review the credit lines of customers at risk",
        legalBasis: "Performance of the credit contract",
      },
    ],
    parties: [
      { name: "bank", roles: ["result-receiver", "result-user", "payer"] },
      { name: "bureau", roles: ["data-provider"] },
    ],
    datasets: [
      { party: "bank", name: "customers", columns: [id] },
      {
        party: "bureau",
        name: "repayments",
        columns: [
          id,
          ...REPAYMENT_COLUMNS.map((name) => ({ name, role: "feature", grade: 3, personal: true })),
          { name: "has_car", role: "label", type: "boolean", grade: 2, personal: true },
        ],
      },
    ],
    operations: [
      { operation: "audience", ...between, outputs: ["list", "match-rate", "overlap-report"] },
      { operation: "score", ...between, outputs: ["score", "tier"] },
    ],
    validFrom: day.toISOString(),
    validUntil: new Date(day.getTime() + YEAR_MS).toISOString(),
  };
}

type Clients = Readonly<Record<"bank" | "bureau", EntenteClient>>;

/** Registers the sample data, publishes the bureau's segment, and has both sign; what is there already stays. */
export async function setUpSample({ bank, bureau }: Clients, nowMs: number): Promise<void> {
  await register(bank, "customers", SAMPLE_FILES.bank);
  await register(bureau, "repayments", SAMPLE_FILES.bureau);
  const { name, expression, description } = SAMPLE_SEGMENT;
  const { segments } = await bureau.call("segments", {});
  if (!segments.some((segment) => segment.name === name)) {
    const definition = { kind: "sql", expression } as const;
    const { version } = await bureau.call("defineSegment", { name, dataset: "repayments", definition });
    await bureau.call("publishSegment", { name, description, version, to: [partyId("bank")] });
  }
  const { agreements } = await bank.call("agreements", {});
  const existing = agreements.find(({ parties }) => parties.includes("bureau"));
  const { digest, state } = existing ?? (await bank.call("proposeAgreement", { document: sampleAgreement(nowMs) }));
  if (state === "proposed") await bureau.call("signAgreement", { digest });
}

async function register(client: EntenteClient, name: string, path: string): Promise<void> {
  const { datasets } = await client.call("datasets", {});
  if (!datasets.some((dataset) => dataset.name === name))
    await client.call("registerDataset", { name, path, ids: IDS });
}
