/** Errors of models. */
import { type CatalogueEntry, entry, FAILED_PRECONDITION, INVALID_ARGUMENT } from "./entry.ts";

export const SCORING = {
  MODEL_INVALID: entry(
    INVALID_ARGUMENT,
    400,
    "caller",
    "The model file is not of the published form. Correct the named field.",
  ),
  MODEL_UNSUPPORTED: entry(
    INVALID_ARGUMENT,
    400,
    "caller",
    "The model has a part that cannot be scored exactly here. Train it without the part that is named.",
  ),
  MODEL_MISMATCH: entry(
    FAILED_PRECONDITION,
    409,
    "peer",
    "The encrypted model is not the version that the job names. Ask the bank to run the job with the version it offered.",
  ),
  MODEL_HEADROOM: entry(
    INVALID_ARGUMENT,
    400,
    "caller",
    "The model's weights are too large for exact arithmetic. Clip the features or rescale the model.",
  ),
} as const satisfies Record<string, CatalogueEntry>;
