/** How large the two lists must be, by themselves and to each other. */
import { classRows, sizeClassOf } from "../../size-class.ts";
import { type Rule, verdict } from "../request.ts";

/** What the peer may know of this node's list: its size class's bound. */
function ownRowsUpTo(rows: number): number {
  return classRows(sizeClassOf(rows));
}

/** The peer's own list is its own node's affair, but one whose padded size is below the floor admits to breaking it. */
export const inputFloor: Rule = ({ agreement: { document }, facts: { ownRows, peerMaxRows } }) => {
  const floor = document.floors.input;
  return verdict(ownRows >= floor && (peerMaxRows ?? floor) >= floor, {
    floor,
    ownRowsUpTo: ownRowsUpTo(ownRows),
    ...(peerMaxRows === undefined ? {} : { peerRowsUpTo: peerMaxRows }),
  });
};

/**
 * Larger to smaller, by one's own rows and the bound of the peer's class: a list of all numbers of a region would match
 * everybody. Asked again when the peer has told its class.
 */
export const sizeRatio: Rule = ({ agreement: { document }, facts: { ownRows, peerMaxRows } }) => {
  const limit = document.floors.sizeRatio;
  if (peerMaxRows === undefined) return verdict(true, { limit });
  const passes = Math.max(ownRows, peerMaxRows) <= limit * Math.min(ownRows, peerMaxRows);
  return verdict(passes, { limit, ownRowsUpTo: ownRowsUpTo(ownRows), peerRowsUpTo: peerMaxRows });
};
