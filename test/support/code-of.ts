/** The code of what `run` throws; the error in words when it has none, undefined when it throws nothing. */
import { EntenteError } from "../../proto/errors.ts";

export function codeOf(run: () => unknown): string | undefined {
  try {
    run();
  } catch (error) {
    return error instanceof EntenteError ? error.code : String(error);
  }
  return undefined;
}
