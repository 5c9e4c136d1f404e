/** Keeps an inbox open: opens it again after every end that may pass, with growing pauses. */
import type { Wake } from "../../proto/codec/coordinator.ts";
import { type EntenteError, type ErrorCode, toEntenteError } from "../../proto/errors.ts";
import type { Ports } from "../../proto/ports/ports.ts";
import type { CoordinatorLink, OpenInbox } from "./link.ts";

const FIRST_PAUSE_MS = 250;
const MAX_PAUSE_MS = 15_000;
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
  let pauseMs = FIRST_PAUSE_MS;
  const seen = new RecentIds();

  const lost = (error: EntenteError) => {
    inbox = undefined;
    if (isStopped) return;
    const isFinal = FINAL.includes(error.code);
    isStopped = isFinal;
    watch.onState(isFinal ? "stopped" : "lost", error);
    if (isFinal) return;
    // Up to a quarter more, so that all parties of a coordinator that restarts do not come at once.
    const spread = 1 + (random.bytes(1)[0] ?? 0) / 1_024;
    cancelPause = timers.after(pauseMs * spread, open);
    pauseMs = Math.min(2 * pauseMs, MAX_PAUSE_MS);
  };
  const open = () => {
    const onWake = (wake: Wake) => {
      if (!isStopped && seen.add(wake.relayId)) watch.onWake(wake);
    };
    link.openInbox({ onWake, onEnd: lost }).then(
      (opened) => {
        if (isStopped) return opened.close();
        inbox = opened;
        pauseMs = FIRST_PAUSE_MS;
        watch.onState("open");
      },
      (thrown: unknown) => lost(toEntenteError(thrown)),
    );
  };
  open();
  return () => {
    isStopped = true;
    cancelPause();
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
