/** Whether the agreement is in force at all, and whether this software can keep it. */
import { type Rule, verdict } from "../request.ts";

/** From the first millisecond up to, not with, the last. */
export const expired: Rule = ({ agreement: { document }, facts: { nowMs } }) =>
  verdict(nowMs >= Date.parse(document.validFrom) && nowMs < Date.parse(document.validUntil));

export const revoked: Rule = ({ facts }) => verdict(facts.state !== "revoked");

export const superseded: Rule = ({ facts }) => verdict(facts.state !== "superseded");

/** An agreement that wants its result floor enforced by the provider's node is never run without that. */
export const gated: Rule = ({ agreement: { document } }) =>
  verdict(document.operations.every(({ resultFloor }) => resultFloor === "receiver"));
