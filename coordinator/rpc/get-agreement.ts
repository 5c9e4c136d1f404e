import type { AgreementEntry } from "../../proto/codec/coordinator.ts";
import { EntenteError } from "../../proto/errors.ts";
import type { Digest } from "../../proto/ids.ts";
import type { Caller } from "../caller.ts";
import type { Service } from "../service.ts";

/** An agreement of the caller's. Throws AGREEMENT_UNKNOWN, also for other parties' agreements. */
export async function getAgreement(
  { store }: Service,
  { agreementDigest }: { readonly agreementDigest: Digest },
  { party }: Caller,
): Promise<AgreementEntry> {
  const found = await store.findAgreement(agreementDigest);
  if (found === undefined || !found.parties.includes(party)) throw new EntenteError("AGREEMENT_UNKNOWN");
  return found;
}
