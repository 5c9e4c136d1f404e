import { EntenteError } from "../../proto/errors.ts";

const MAX_TRIES = 5;

/** Reads, decides and replaces again while another call was faster: `attempt` returns undefined then. Throws OVERLOADED. */
export async function retried<T>(attempt: () => Promise<T | undefined>): Promise<T> {
  for (let i = 0; i < MAX_TRIES; i++) {
    const result = await attempt();
    if (result !== undefined) return result;
  }
  throw new EntenteError("OVERLOADED");
}
