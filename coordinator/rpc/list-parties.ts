import { PAGE_SIZE, type PartyEntry } from "../../proto/codec/coordinator.ts";
import type { PartyId } from "../../proto/ids.ts";
import type { Service } from "../service.ts";
import { partyEntry } from "./lookup.ts";

/** A page of the directory, by name. */
export async function listParties(
  service: Service,
  { after = "" as PartyId }: { readonly after?: PartyId | undefined },
): Promise<readonly PartyEntry[]> {
  return (await service.store.listParties(after, PAGE_SIZE)).map((party) => partyEntry(service, party));
}
