/** Keeps an inbox open: opens it again after every end that may pass, with growing pauses. */
import type { InboxPosition, Wake } from "../../proto/codec/coordinator.ts";
import { EntenteError, type ErrorCode, toEntenteError } from "../../proto/errors.ts";
import type { Ports } from "../../proto/ports/ports.ts";
import { BackOff } from "../back-off.ts";
import type { CoordinatorLink, OpenInbox } from "./link.ts";

const FIRST_PAUSE_MS = 250;
/** Also how long after a coordinator came back its parties may be without it. */
const MAX_PAUSE_MS = 1_000;
/** For the coordinator to say that the inbox is open. */
const OPENING_MS = 10_000;
/** A person must act: a revoked certificate, or another process that runs as this party. */
const FINAL: readonly ErrorCode[] = ["CERTIFICATE_REFUSED", "ALREADY_EXISTS"];

export interface InboxWatch {
  onWake(wake: Wake): void;
  /** At every change: open, lost (it is tried again), or stopped (it is not). */
  onState(state: "open" | "lost" | "stopped", error?: EntenteError): void;
}

/** Returns a function that stops watching. A wake is handed on once, however often it comes. */
export function watchInbox(
  link: Pick<CoordinatorLink, "openInbox">,
  watch: InboxWatch,
  { timers, random }: Pick<Ports, "timers" | "random">,
): () => void {
  let isStopped = false;
  let inbox: OpenInbox | undefined;
  let cancelPause: () => void = () => undefined;
  let cancelOpening: () => void = () => undefined;
  let tries = 0;
  let position: InboxPosition | undefined;
  const backOff = new BackOff({ random, firstMs: FIRST_PAUSE_MS, maxMs: MAX_PAUSE_MS });
  const seen = new RecentIds();

  const lost = (error: EntenteError) => {
    inbox = undefined;
    if (isStopped) return;
    const isFinal = FINAL.includes(error.code);
    isStopped = isFinal;
    watch.onState(isFinal ? "stopped" : "lost", error);
    if (isFinal) return;
    cancelPause = timers.after(backOff.nextMs(), open);
  };
  const open = () => {
    const own = ++tries;
    const isLate = () => isStopped || own !== tries;
    let run = "";
    const early: Wake[] = [];
    const onWake = (wake: Wake) => {
      if (isLate()) return;
      if (run === "") return void early.push(wake);
      position = { run, after: wake.number };
      if (seen.add(wake.relayId)) watch.onWake(wake);
    };
    const end = (error: EntenteError) => {
      if (isLate()) return;
      tries++;
      cancelOpening();
      lost(error);
    };
    cancelOpening = timers.after(OPENING_MS, () => end(new EntenteError("COORDINATOR_UNREACHABLE")));
    link.openInbox({ onWake, onEnd: end }, position).then(
      (opened) => {
        if (isLate()) return opened.close();
        cancelOpening();
        inbox = opened;
        run = opened.run;
        if (position?.run !== run) position = { run, after: 0 };
        backOff.reset();
        watch.onState("open");
        for (const wake of early.splice(0)) onWake(wake);
      },
      (thrown: unknown) => end(toEntenteError(thrown)),
    );
  };
  open();
  return () => {
    isStopped = true;
    cancelPause();
    cancelOpening();
    inbox?.close();
  };
}

/** The last few hundred ids: more than can be waiting for one party at a time. */
class RecentIds {
  readonly #ids = new Set<string>();

  /** False when it was there. */
  add(id: string): boolean {
    if (this.#ids.has(id)) return false;
    this.#ids.add(id);
    if (this.#ids.size > 1_024) this.#ids.delete(this.#ids.values().next().value as string);
    return true;
  }
}
