import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { combinedState, mark } from "../../coordinator/agreements/state.ts";
import { isEnded, nextState } from "../../coordinator/jobs/lifecycle.ts";
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
    proposed  =        admitted .       .         .    refused failed cancelled
    admitted  =        =        running .         .    refused failed cancelled
    running   =        =        =       releasing .    .       failed cancelled
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
        expect(mine === theirs || (mine === "NOT_ALLOWED" && ["admitted", "refused"].includes(reported))).toBe(true);
      }),
    );
  });

  test("whatever is reported, an ended job stays as it ended and 'done' comes only after 'admitted'", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(states, roles), { maxLength: 40 }), (reports) => {
        let state: JobState = "proposed";
        const history: JobState[] = [state];
        for (const [reported, by] of reports) {
          const next = outcome(state, reported, by);
          if (!(JOB_STATES as readonly string[]).includes(next)) continue;
          if (isEnded(state)) expect(next).toBe(state);
          state = next as JobState;
          if (history.at(-1) !== state) history.push(state);
        }
        expect(new Set(history).size).toBe(history.length);
        if (state === "done") expect(history).toEqual(["proposed", "admitted", "running", "releasing", "done"]);
      }),
    );
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
