import { EntenteError } from "../../proto/errors.ts";

/** Code and detail of the typed error that `run` throws, `none` when it throws nothing; any other error passes. */
export function modelErrorOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof EntenteError) return `${error.code} ${error.detail}`;
    throw error;
  }
  return "none";
}
