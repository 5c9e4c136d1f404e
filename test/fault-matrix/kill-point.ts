/**
 * Where a process of the matrix is killed. It reads a file that says at which step, so that the parent can arm it while it runs, and
 * kills itself as a power loss would: nothing that it has not made durable is there afterwards.
 */
import { appendFileSync, readFileSync, rmSync, writeFileSync } from "node:fs";

export interface Armed {
  /** Name of a step; `*`: the next one that is about a job. */
  readonly step: string;
  readonly when: "before" | "after";
  /** How often it is killed: the first time at the step, then at the next step of a job that it takes. */
  readonly kills: number;
}

export const ARMED_FILE = "armed.json";
/** While this file is there, every step is noted in it, one a line. */
export const STEPS_FILE = "steps.txt";

/** What a restarted process does anyhow, whether it has a job or not. */
const NOT_OF_A_JOB = /^(setting|file):/;

function reads(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

export class KillPoint {
  readonly #armedPath: string;
  readonly #stepsPath: string;

  /** `folder`: of the matrix, not of the process. */
  constructor(folder: string) {
    this.#armedPath = `${folder}/${ARMED_FILE}`;
    this.#stepsPath = `${folder}/${STEPS_FILE}`;
  }

  /** Around whatever makes something durable. */
  async around<T>(step: string, persist: () => Promise<T>): Promise<T> {
    if (reads(this.#stepsPath) !== undefined) appendFileSync(this.#stepsPath, `${step}\n`);
    this.#meet(step, "before");
    const result = await persist();
    this.#meet(step, "after");
    return result;
  }

  #meet(step: string, when: Armed["when"]): void {
    const text = reads(this.#armedPath);
    if (text === undefined) return;
    const armed = JSON.parse(text) as Armed;
    const isMeant = armed.step === step || (armed.step === "*" && !NOT_OF_A_JOB.test(step));
    if (!isMeant || armed.when !== when) return;
    if (armed.kills > 1)
      writeFileSync(this.#armedPath, JSON.stringify({ ...armed, step: "*", kills: armed.kills - 1 }));
    else rmSync(this.#armedPath);
    process.kill(process.pid, "SIGKILL");
  }
}
