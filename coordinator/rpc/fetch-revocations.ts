import type { Service } from "../service.ts";

/** Public: for whom the main listener does not let in, too. */
export async function fetchRevocations({ revocations }: Service): Promise<{ readonly revocationList: Uint8Array }> {
  return { revocationList: await revocations.list() };
}
