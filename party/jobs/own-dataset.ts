/** The dataset that an agreement names, as it is registered here. */
import { type Agreement, agreedDataset } from "../../proto/agreement/agreement.ts";
import { EntenteError } from "../../proto/errors.ts";
import type { DatasetRegistration } from "../data/dataset.ts";

/** Two lists whose ids are normalised otherwise, or are of another column, never match: that is a mistake to be told, not
 * an empty result. Throws POLICY_DATASET. */
export function requireAgreedForm({ document }: Agreement, party: string, registration: DatasetRegistration): void {
  const agreed = agreedDataset(document, party, registration.name);
  if (agreed === undefined) throw new EntenteError("POLICY_DATASET", { detail: registration.name });
  if (registration.normaliser !== agreed.normaliser)
    throw new EntenteError("POLICY_DATASET", {
      detail: `${registration.name} is registered with another normaliser than the agreed ${agreed.normaliser}`,
    });
  if (!agreed.columns.some((column) => column.role === "id" && column.name === registration.idColumn))
    throw new EntenteError("POLICY_DATASET", {
      detail: `${registration.name} is registered with another id column than the agreed one`,
    });
}
