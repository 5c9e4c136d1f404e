/** Waiting before something of a job is tried again: up to a minute, and never two nodes in step. */
import type { Ports } from "../../proto/ports/ports.ts";
import { BackOff } from "../back-off.ts";

const FIRST_MS = 1_000;
const LONGEST_MS = 60_000;

export class Pauses {
  readonly #ports: Pick<Ports, "timers" | "random">;
  #backOff: BackOff | undefined;

  constructor(ports: Pick<Ports, "timers" | "random">) {
    this.#ports = ports;
  }

  /** The next one is the first again. */
  reset(): void {
    this.#backOff = undefined;
  }

  next(): Promise<void> {
    const { timers, random } = this.#ports;
    this.#backOff ??= new BackOff({ random, firstMs: FIRST_MS, maxMs: LONGEST_MS });
    const ms = this.#backOff.nextMs();
    return new Promise((go) => timers.after(ms, go));
  }
}
