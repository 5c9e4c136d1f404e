/** Waiting before something is tried again: twice as long every time, up to a minute, and never two nodes in step. */
import type { Ports } from "../../proto/ports/ports.ts";

const FIRST_MS = 1_000;
const LONGEST_MS = 60_000;

/** `tries`: failed so far, from 1; `random`: one byte, which moves the pause by up to a quarter either way. */
export function pauseMs(tries: number, random: number): number {
  const base = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(tries - 1, 16));
  return Math.round(base * (0.75 + random / 510));
}

export function backOff({ timers, random }: Pick<Ports, "timers" | "random">, tries: number): Promise<void> {
  const ms = pauseMs(tries, random.bytes(1)[0] as number);
  return new Promise((go) => timers.after(ms, go));
}
