/** What an examination says, and how several are made without one spoiling the others. */
import { toEntenteError } from "../../proto/errors.ts";
import { FINDING_STATES, type Finding, type FindingState } from "../../proto/http/doctor-routes.ts";
import type { Timers } from "../../proto/ports/ports.ts";

export function fine(check: string, what: string): Finding {
  return { check, state: "ok", what, why: null, fix: null };
}

export interface Trouble {
  readonly what: string;
  /** What it leads to. */
  readonly why: string;
  /** Who has to do what. */
  readonly fix: string;
}

export function warned(check: string, { what, why, fix }: Trouble): Finding {
  return { check, state: "warn", what, why, fix };
}

export function failed(check: string, { what, why, fix }: Trouble): Finding {
  return { check, state: "fail", what, why, fix };
}

export function worstOf(findings: readonly Finding[]): FindingState {
  const worst = Math.max(0, ...findings.map(({ state }) => FINDING_STATES.indexOf(state)));
  return FINDING_STATES[worst] ?? "ok";
}

export interface Examination {
  readonly check: string;
  run(): Promise<readonly Finding[]>;
}

/** An examination that takes longer is a finding by itself. */
const PATIENCE_MS = 30_000;

/** All at once; findings in the order of the examinations. Never rejects. */
export async function examineAll(examinations: readonly Examination[], timers: Timers): Promise<Finding[]> {
  const all = examinations.map(async ({ check, run }) => {
    let cancel = () => {};
    const late = new Promise<Finding[]>((resolve) => {
      const what = `no answer within ${PATIENCE_MS / 1000} s`;
      const fix = "Look at the node's log, and at the load of the machine.";
      cancel = timers.after(PATIENCE_MS, () =>
        resolve([failed(check, { what, why: "it hangs or is overloaded", fix })]),
      );
    });
    try {
      return await Promise.race([run(), late]);
    } catch (error) {
      const { code, message } = toEntenteError(error).toPublic();
      return [
        failed(check, { what: `could not be looked at (${code})`, why: message, fix: "Look at the node's log." }),
      ];
    } finally {
      cancel();
    }
  });
  return (await Promise.all(all)).flat();
}
