import { collaborationOf } from "../../proto/agreement/identity.ts";
import type { AgreementEntry, AgreementRecord } from "../../proto/codec/coordinator.ts";
import { EntenteError } from "../../proto/errors.ts";
import { combinedState, mark } from "../agreements/state.ts";
import type { Caller } from "../caller.ts";
import { refusal } from "../limits.ts";
import type { Service } from "../service.ts";
import type { StoredAgreement } from "../store/store.ts";
import { enrolledParty } from "./lookup.ts";
import { retried } from "./retried.ts";

/** Notes what the caller says of an agreement. Throws BAD_REQUEST when it is no party of it or names other parties than
 * were named before, PEER_UNKNOWN, WIRE_UNEXPECTED (a state backwards), LIMIT_EXCEEDED, DISK_FULL. */
export async function recordAgreement(
  service: Service,
  record: AgreementRecord,
  { party }: Caller,
): Promise<AgreementEntry> {
  const { store, limits } = service;
  const { agreementDigest, parties } = record;
  // A revocation is an end.
  if (record.state !== "revoked") await service.room.require();
  if (!parties.includes(party))
    throw new EntenteError("BAD_REQUEST", { detail: "parties: the caller is not among them" });
  for (const other of parties) await enrolledParty(service, other);
  return retried(async () => {
    const known = await store.findAgreement(agreementDigest);
    if (known !== undefined && known.parties.join() !== parties.join())
      throw new EntenteError("BAD_REQUEST", { detail: "parties: not those recorded before" });
    if (known === undefined && (await store.countAgreements(party)) >= limits.agreementsPerParty)
      throw refusal(limits, "agreementsPerParty");
    const marks = mark(known?.marks ?? {}, party, record.state);
    const agreement: StoredAgreement = {
      agreementDigest,
      parties,
      collaborationId: collaborationOf(parties),
      state: combinedState(marks, parties),
      marks,
      revision: known?.revision ?? 0,
    };
    if (known?.marks[party] === record.state) return agreement;
    return (await store.putAgreement(agreement)) ? agreement : undefined;
  });
}
