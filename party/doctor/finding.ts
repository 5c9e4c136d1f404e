/** What an examination says, and how several are made without one spoiling the others. */
import type { Check, FindingCode, FindingValues } from "../../proto/doctor/findings.ts";
import { findingWords } from "../../proto/doctor/words.ts";
import { toEntenteError } from "../../proto/errors.ts";
import { FINDING_STATES, type Finding, type FindingState } from "../../proto/http/doctor-routes.ts";
import type { Timers } from "../../proto/ports/ports.ts";

/** What was looked at: a check alone, or one of several, as a peer. */
export type Place = Check | { readonly check: Check; readonly subject: string };

type Say = <C extends FindingCode>(place: Place, code: C, values: FindingValues[C]) => Finding;

function finding<C extends FindingCode>(state: FindingState, place: Place, code: C, values: FindingValues[C]): Finding {
  const { check, subject } = typeof place === "string" ? { check: place, subject: null } : place;
  const { what, why = null, fix = null } = findingWords(code, values, "en");
  return { check, subject, state, code, values: { ...values }, what, why, fix };
}

export const fine: Say = (place, code, values) => finding("ok", place, code, values);
export const warned: Say = (place, code, values) => finding("warn", place, code, values);
export const failed: Say = (place, code, values) => finding("fail", place, code, values);

export function worstOf(findings: readonly Finding[]): FindingState {
  const worst = Math.max(0, ...findings.map(({ state }) => FINDING_STATES.indexOf(state)));
  return FINDING_STATES[worst] ?? "ok";
}

export interface Examination {
  readonly place: Place;
  run(): Promise<readonly Finding[]>;
}

/** An examination that takes longer is a finding by itself. */
const PATIENCE_MS = 30_000;

/** All at once; findings in the order of the examinations. Never rejects. */
export async function examineAll(examinations: readonly Examination[], timers: Timers): Promise<Finding[]> {
  const all = examinations.map(async ({ place, run }) => {
    let cancel = () => {};
    const late = new Promise<Finding[]>((resolve) => {
      const overdue = () => resolve([failed(place, "check-late", { seconds: PATIENCE_MS / 1000 })]);
      cancel = timers.after(PATIENCE_MS, overdue);
    });
    try {
      return await Promise.race([run(), late]);
    } catch (error) {
      return [failed(place, "check-failed", { error: toEntenteError(error).code })];
    } finally {
      cancel();
    }
  });
  return (await Promise.all(all)).flat();
}
