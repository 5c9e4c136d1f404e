/** Whether a process can do its work now, as named checks, each with a limit on its time. */
import { toEntenteError } from "../errors.ts";
import type { Timers } from "../ports/ports.ts";

/** Undefined when all is well, otherwise a code or a word that says what is not: never a name or a value. Throwing is its code. */
export type Check = () => Promise<string | undefined>;

export interface Readiness {
  readonly ready: boolean;
  readonly checks: Readonly<Record<string, { readonly ok: boolean; readonly why?: string }>>;
}

const CHECK_TIMEOUT_MS = 2_000;

/** Runs all of them at once. Never rejects, and takes two seconds at most. */
export async function readinessOf(checks: Readonly<Record<string, Check>>, timers: Timers): Promise<Readiness> {
  const results = await Promise.all(
    Object.entries(checks).map(async ([name, check]) => {
      const why = await inTime(check, timers);
      return [name, why === undefined ? { ok: true } : { ok: false, why }] as const;
    }),
  );
  return { ready: results.every(([, { ok }]) => ok), checks: Object.fromEntries(results) };
}

function inTime(check: Check, timers: Timers): Promise<string | undefined> {
  return new Promise((resolve) => {
    const cancel = timers.after(CHECK_TIMEOUT_MS, () => resolve("TIMEOUT"));
    const done = (why: string | undefined) => {
      cancel();
      resolve(why);
    };
    Promise.resolve()
      .then(check)
      .then(done, (thrown: unknown) => done(toEntenteError(thrown).code));
  });
}
