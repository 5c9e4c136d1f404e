import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { combinedState, mark } from "../../coordinator/agreements/state.ts";
import { foldJob, isEnded, type JobEvent, nextState } from "../../coordinator/jobs/lifecycle.ts";
import { AGREEMENT_STATES, JOB_STATES, type JobState } from "../../proto/codec/coordinator.ts";
import { EntenteError } from "../../proto/errors.ts";
import { partyId } from "../../proto/ids.ts";

const states = fc.constantFrom(...JOB_STATES);
const roles = fc.constantFrom("requester" as const, "peer" as const);

function outcome(state: JobState, reported: JobState, by: "requester" | "peer"): string {
  try {
    return nextState(state, reported, by);
  } catch (error) {
    if (error instanceof EntenteError) return error.code;
    throw error;
  }
}

describe("a job's lifecycle", () => {
  /** Rows: the state; columns: what the asked party reports. "." is WIRE_UNEXPECTED, "=" no change. */
  const TABLE = `
              proposed admitted running releasing done refused failed cancelled
    proposed  =        admitted running releasing done refused failed cancelled
    admitted  =        =        running releasing done refused failed cancelled
    running   =        =        =       releasing done .       failed cancelled
    releasing =        =        =       =         done .       failed .
    done      =        =        =       =         =    .       .      .
    refused   .        .        .       .         .    =       .      .
    failed    .        .        .       .         .    .       =      .
    cancelled .        .        .       .         .    .       .      =`;

  test("is this table", () => {
    const [columns = [], ...rows] = TABLE.trim()
      .split("\n")
      .map((line) => line.trim().split(/\s+/));
    expect(columns).toEqual([...JOB_STATES]);
    expect(rows.map(([state]) => state)).toEqual([...JOB_STATES]);
    for (const [state, ...cells] of rows) {
      for (const [i, cell] of cells.entries()) {
        const expected = cell === "." ? "WIRE_UNEXPECTED" : cell === "=" ? state : cell;
        expect(outcome(state as JobState, columns[i] as JobState, "peer"), `${state} to ${columns[i]}`).toBe(expected);
      }
    }
  });

  test("only the asked party admits and refuses; all else either may report", () => {
    expect(outcome("proposed", "admitted", "requester")).toBe("NOT_ALLOWED");
    expect(outcome("proposed", "refused", "requester")).toBe("NOT_ALLOWED");
    expect(outcome("admitted", "refused", "requester")).toBe("NOT_ALLOWED");
    fc.assert(
      fc.property(states, states, (state, reported) => {
        const [mine, theirs] = [outcome(state, reported, "requester"), outcome(state, reported, "peer")];
        const isDecision = state === "proposed" || ["admitted", "refused"].includes(reported);
        expect(mine === theirs || (mine === "NOT_ALLOWED" && isDecision)).toBe(true);
      }),
    );
  });

  test("whatever is reported, an ended job stays as it ended, and nothing begins without the asked party", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(states, roles), { maxLength: 40 }), (reports) => {
        let state: JobState = "proposed";
        const at = "2026-01-01T00:00:00.000Z";
        const events: JobEvent[] = [{ state, by: "requester", at }];
        for (const [reported, by] of reports) {
          const next = outcome(state, reported, by);
          if (!(JOB_STATES as readonly string[]).includes(next)) continue;
          if (isEnded(state)) expect(next).toBe(state);
          if (next !== state) events.push({ state: next as JobState, by, at });
          state = next as JobState;
        }
        const history = events.map((event) => event.state);
        expect(new Set(history).size).toBe(history.length);
        const hasBegun = ["admitted", "running", "releasing", "done", "refused"].includes(state);
        if (hasBegun) expect(events[1]?.by).toBe("peer");
        // What is kept is the fold of what was kept before: a stop between two reports changes nothing.
        expect(foldJob(events)?.state).toBe(state);
      }),
    );
  });

  test("what its events come to is said once, and events of no job are not folded", () => {
    const at = "2026-01-01T00:00:00.000Z";
    expect(foldJob([])).toBeUndefined();
    const failed = { state: "failed", by: "requester", at, reason: "PEER_GONE" } as const;
    expect(foldJob([{ state: "proposed", by: "requester", at }, failed])).toEqual(failed);
    expect(() => foldJob([failed])).toThrow("begins as failed");
    expect(() =>
      foldJob([
        { state: "proposed", by: "requester", at },
        { state: "running", by: "requester", at },
      ]),
    ).toThrow("only the peer");
  });
});

describe("an agreement's state", () => {
  const parties = ["bank", "customs", "telecom"].map(partyId);
  const [bank, customs, telecom] = parties as [(typeof parties)[0], (typeof parties)[0], (typeof parties)[0]];

  test("is active when all say so, revoked when one does", () => {
    let marks = mark({}, bank, "active");
    marks = mark(marks, telecom, "active");
    expect(combinedState(marks, parties)).toBe("proposed");
    expect(combinedState(mark(marks, customs, "active"), parties)).toBe("active");
    expect(combinedState(mark(marks, customs, "revoked"), parties)).toBe("revoked");
  });

  test("never goes back", () => {
    const sequences = fc.array(fc.tuple(fc.constantFrom(...parties), fc.constantFrom(...AGREEMENT_STATES)));
    fc.assert(
      fc.property(sequences, (said) => {
        let marks = {};
        let before = 0;
        for (const [party, state] of said) {
          try {
            marks = mark(marks, party, state);
          } catch (error) {
            expect((error as EntenteError).code).toBe("WIRE_UNEXPECTED");
          }
          const now = AGREEMENT_STATES.indexOf(combinedState(marks, parties));
          expect(now).toBeGreaterThanOrEqual(before);
          before = now;
        }
      }),
    );
  });
});
