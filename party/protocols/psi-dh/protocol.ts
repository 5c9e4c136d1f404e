/** psi-dh as the session's worker drives it: frames in, frames out. */
import type { Frame } from "../../../proto/codec/frame.ts";
import { decodePsiDh, encodePsiDh, type PsiDhMessage } from "../../../proto/codec/psi-dh.ts";
import type { PsiProtocol } from "../psi.ts";
import type { Step } from "../step.ts";
import { openPartition } from "./open.ts";
import { PROTOCOL, parametersDigest, psiDhParams } from "./params.ts";
import * as receiver from "./receiver.ts";
import * as sender from "./sender.ts";

function* encoded(messages: Iterable<PsiDhMessage>): Generator<Frame> {
  for (const message of messages) yield encodePsiDh(message);
}

function framed<S, O>(step: Step<S, PsiDhMessage, O>): Step<S, Frame, O> {
  return { ...step, send: encoded(step.send) };
}

export interface PsiDhOptions {
  /** Rows of a frame; part of the parameters that both ends must share. */
  readonly chunkRows?: number;
}

export function psiDh({ chunkRows }: PsiDhOptions = {}): PsiProtocol<receiver.ReceiverState, sender.SenderState> {
  return {
    name: PROTOCOL,
    parametersDigest: (shape) => parametersDigest(shape, chunkRows),
    receiver: {
      start: (platform, context, input) =>
        framed(receiver.start(platform, context, input, psiDhParams(context, chunkRows))),
      next: (platform, state, frame) => framed(receiver.next(platform, state, decodePsiDh(frame, receiver.due(state)))),
      wipe: receiver.wipe,
    },
    sender: {
      start: (platform, context, input) =>
        framed(sender.start(platform, context, input, psiDhParams(context, chunkRows))),
      next: (platform, state, frame) => framed(sender.next(platform, state, decodePsiDh(frame, sender.due(state)))),
      wipe: sender.wipe,
    },
    openPartition: (platform, context, sealed, gateKey) =>
      openPartition(platform, context, sealed, gateKey, psiDhParams(context, chunkRows)),
  };
}
