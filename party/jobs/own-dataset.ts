/** The dataset that an agreement names, as it is registered here. */
import { type Agreement, agreedDataset, agreedIds } from "../../proto/agreement/agreement.ts";
import type { IdColumn } from "../../proto/agreement/fields.ts";
import type { JobSpec } from "../../proto/agreement/job-spec.ts";
import { EntenteError } from "../../proto/errors.ts";
import { type DatasetRegistration, effectiveVersion, formDigest } from "../data/dataset.ts";
import { profileOf } from "../data/normalise.ts";
import type { JobProposed } from "./lifecycle.ts";

/** Two lists whose ids are normalised otherwise, or are of another column, never match: that is a mistake to be told, not
 * an empty result. Throws POLICY_DATASET. */
export function requireAgreedForm({ document }: Agreement, party: string, registration: DatasetRegistration): void {
  const agreed = agreedDataset(document, party, registration.name);
  if (agreed === undefined) throw new EntenteError("POLICY_DATASET", { detail: registration.name });
  const said = ({ column, normaliser }: IdColumn) => `${column} by ${normaliser}`;
  const [own, wanted] = [registration.ids, agreedIds(agreed)].map((ids) => ids.map(said).join(", "));
  if (own !== wanted)
    throw new EntenteError("POLICY_DATASET", {
      detail: `${registration.name} is registered with id ${own}, and the agreement has ${wanted}; register it anew`,
    });
}

/** A dataset as a job began with it. */
export type DatasetThen = Pick<JobProposed, "datasetVersion" | "datasetForm" | "effectiveVersion">;

/** Whether it is still that: its content, and how it was registered. */
export function isSameContent(
  registration: DatasetRegistration,
  { datasetVersion, datasetForm }: DatasetThen,
): boolean {
  return registration.version === datasetVersion && formDigest(registration) === datasetForm;
}

/** And the same people have opted out. */
export function isSameInput(registration: DatasetRegistration, then: DatasetThen): boolean {
  const { effectiveVersion: version = then.datasetVersion } = then;
  return isSameContent(registration, then) && effectiveVersion(registration) === version;
}

/** The rules that this node normalises a dataset's ids by, part by part. */
export function normaliserProfiles({ ids }: DatasetRegistration): string[] {
  return ids.map(({ normaliser }) => profileOf(normaliser));
}

/**
 * At the provider: the receiver's rules are its own. By other metadata a number can be valid at one node and set aside at the
 * other. Throws the code that says which node has to be upgraded, or POLICY_DATASET when they are other rules altogether.
 */
export function requireSameRules({ normalisers }: JobSpec, registration: DatasetRegistration): void {
  const own = normaliserProfiles(registration);
  if (own.length !== normalisers.length) throw new EntenteError("POLICY_DATASET", { detail: "number of id columns" });
  for (const [k, provider] of own.entries()) {
    const receiver = normalisers[k] as string;
    if (receiver === provider) continue;
    const detail = `receiver: ${receiver}; provider: ${provider}`;
    const difference = compareVersions(receiver, provider);
    if (difference === undefined) throw new EntenteError("POLICY_DATASET", { detail });
    throw new EntenteError(difference < 0 ? "NORMALISER_RECEIVER_OLDER" : "NORMALISER_PROVIDER_OLDER", { detail });
  }
}

const PROFILE = /^(.+ )(\d+(?:\.\d+)*)\)$/;

/** Negative when the first is the older version of one rule; undefined when they are not of one rule, or equal. */
function compareVersions(first: string, second: string): number | undefined {
  const [, rule, version = ""] = PROFILE.exec(first) ?? [];
  const [, otherRule, otherVersion = ""] = PROFILE.exec(second) ?? [];
  if (rule === undefined || rule !== otherRule) return undefined;
  const numbers = (text: string) => text.split(".").map(Number);
  const [own, other] = [numbers(version), numbers(otherVersion)];
  for (let i = 0; i < Math.max(own.length, other.length); i++) {
    const difference = (own[i] ?? 0) - (other[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return undefined;
}
