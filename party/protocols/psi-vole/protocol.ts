/** psi-vole as the session's worker drives it: frames in, frames out. */
import type { Frame } from "../../../proto/codec/frame.ts";
import { decodePsiVole, encodePsiVole } from "../../../proto/codec/psi-vole.ts";
import { decodeVole, encodeVole } from "../../../proto/codec/vole.ts";
import type { VoleReceiverState, VoleSenderState } from "../../crypto/vole/index.ts";
import type { PsiProtocol } from "../psi.ts";
import type { Step } from "../step.ts";
import { type Due, isOwn, type Message } from "./messages.ts";
import { openPartition } from "./open.ts";
import { PROTOCOL, type PsiVoleOptions, parametersDigest, psiVoleParams } from "./params.ts";
import type { PsiVolePlatform } from "./platform.ts";
import { type ReceiverState, receiverOver } from "./receiver.ts";
import { type SenderState, senderOver } from "./sender.ts";
import { silentVole, type Vole } from "./vole.ts";

function* encoded(messages: Iterable<Message>): Generator<Frame> {
  for (const message of messages) yield isOwn(message) ? encodePsiVole(message) : encodeVole(message);
}

function framed<S, O>(step: Step<S, Message, O>): Step<S, Frame, O> {
  return { ...step, send: encoded(step.send) };
}

function decoded(frame: Frame, due: Due): Message {
  return due.part === "vole" ? decodeVole(frame, due.due) : decodePsiVole(frame, due.due);
}

/** The protocol over any VOLE: the silent one, or in tests one whose outputs are dealt. */
export function psiVoleOver<R, S>(
  vole: Vole<R, S>,
  options: PsiVoleOptions = {},
): PsiProtocol<ReceiverState<R>, SenderState<S>> {
  const receiver = receiverOver(vole);
  const sender = senderOver(vole);
  return {
    name: PROTOCOL,
    parametersDigest: (shape) => parametersDigest(shape, options),
    receiver: {
      start: (platform: PsiVolePlatform, context, input) =>
        framed(receiver.start(platform, context, input, psiVoleParams(context, options))),
      next: (platform: PsiVolePlatform, state, frame) =>
        framed(receiver.next(platform, state, decoded(frame, receiver.due(state)))),
      wipe: receiver.wipe,
    },
    sender: {
      start: (platform: PsiVolePlatform, context, input) =>
        framed(sender.start(platform, context, input, psiVoleParams(context, options))),
      next: (platform: PsiVolePlatform, state, frame) =>
        framed(sender.next(platform, state, decoded(frame, sender.due(state)))),
      wipe: sender.wipe,
    },
    openPartition: (platform: PsiVolePlatform, context, sealed, gateKey) =>
      openPartition(platform, context, sealed, gateKey, psiVoleParams(context, options)),
  };
}

/** The protocol over the silent VOLE. Its platform is a `PsiVolePlatform`. */
export function psiVole(
  options: PsiVoleOptions = {},
): PsiProtocol<ReceiverState<VoleReceiverState>, SenderState<VoleSenderState>> {
  return psiVoleOver(silentVole, options);
}
