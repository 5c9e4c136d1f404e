/** The VOLE as psi-vole uses it: two roles, driven by messages. The protocol runs over the silent one. */
import type { VoleDue, VoleMessage } from "../../../proto/codec/vole.ts";
import {
  nextVoleReceiver,
  nextVoleSender,
  startVoleReceiver,
  startVoleSender,
  type VoleOptions,
  type VolePlatform,
  type VoleReceiverOutput,
  type VoleReceiverState,
  type VoleScope,
  type VoleSenderOutput,
  type VoleSenderState,
  voleReceiverDue,
  voleSenderDue,
  wipeVoleReceiver,
  wipeVoleSender,
} from "../../crypto/vole/index.ts";
import type { Step } from "../step.ts";

export interface VoleRole<State, Output> {
  start(platform: VolePlatform, scope: VoleScope, request: VoleOptions): Step<State, VoleMessage, Output>;
  next(platform: VolePlatform, state: State, message: VoleMessage): Step<State, VoleMessage, Output>;
  due(state: State): VoleDue;
  wipe(state: State): void;
}

/** With R's A and C and S's Delta and B: C = A * Delta + B, element by element. */
export interface Vole<R, S> {
  readonly receiver: VoleRole<R, VoleReceiverOutput>;
  readonly sender: VoleRole<S, VoleSenderOutput>;
}

export const silentVole: Vole<VoleReceiverState, VoleSenderState> = {
  receiver: { start: startVoleReceiver, next: nextVoleReceiver, due: voleReceiverDue, wipe: wipeVoleReceiver },
  sender: { start: startVoleSender, next: nextVoleSender, due: voleSenderDue, wipe: wipeVoleSender },
};
