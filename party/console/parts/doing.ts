/** Something that a button does: whether it is under way, and why it could not be done. */
import { useState } from "react";
import { type EntenteError, toEntenteError } from "../../../proto/errors.ts";

export interface Doing {
  readonly isBusy: boolean;
  /** Of the last time. */
  readonly error: EntenteError | undefined;
  /** Whether it could be done; never rejects. */
  run(work: () => Promise<unknown>): Promise<boolean>;
}

export function useDoing(): Doing {
  const [isBusy, setIsBusy] = useState(false);
  const [error, setError] = useState<EntenteError>();
  const run = async (work: () => Promise<unknown>) => {
    setIsBusy(true);
    setError(undefined);
    try {
      await work();
      return true;
    } catch (thrown) {
      setError(toEntenteError(thrown));
      return false;
    } finally {
      setIsBusy(false);
    }
  };
  return { isBusy, error, run };
}
