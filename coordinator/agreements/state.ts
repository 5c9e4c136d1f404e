/** The state of an agreement, from what each of its parties says of it: pure. */
import type { AgreementState } from "../../proto/codec/coordinator.ts";
import { EntenteError } from "../../proto/errors.ts";
import type { PartyId } from "../../proto/ids.ts";

export type Marks = Readonly<Partial<Record<PartyId, AgreementState>>>;

const ORDER: readonly AgreementState[] = ["proposed", "active", "revoked"];

/** A party goes forward only: what it called active is not proposed again, what it revoked stays revoked. Throws
 * WIRE_UNEXPECTED. */
export function mark(marks: Marks, party: PartyId, state: AgreementState): Marks {
  const before = marks[party];
  if (before !== undefined && ORDER.indexOf(state) < ORDER.indexOf(before))
    throw new EntenteError("WIRE_UNEXPECTED", { detail: `agreement: ${before} to ${state}` });
  return { ...marks, [party]: state };
}

/** Revoked when one party says so, active when all do, proposed otherwise. */
export function combinedState(marks: Marks, parties: readonly PartyId[]): AgreementState {
  const said = parties.map((party) => marks[party]);
  if (said.includes("revoked")) return "revoked";
  return said.every((state) => state === "active") ? "active" : "proposed";
}
