import { type AgreementEntry, PAGE_SIZE } from "../../proto/codec/coordinator.ts";
import type { Digest } from "../../proto/ids.ts";
import type { Caller } from "../caller.ts";
import type { Service } from "../service.ts";

/** A page of the caller's agreements, by digest. */
export async function listAgreements(
  { store }: Service,
  { after = "" as Digest }: { readonly after?: Digest | undefined },
  { party }: Caller,
): Promise<readonly AgreementEntry[]> {
  return store.listAgreements(party, after, PAGE_SIZE);
}
