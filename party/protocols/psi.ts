/**
 * What every PSI protocol here offers to the session's worker: the same two roles, driven by frames, so that the worker
 * runs any of them without knowing its messages. A protocol's own steps see messages; the codec stands between.
 */
import type { Frame } from "../../proto/codec/frame.ts";
import type { Platform } from "../crypto/platform.ts";
import type { PartitionContext, PsiMatches, PsiReceiverInput, PsiSenderInput, SealedPartition, Step } from "./step.ts";

/** One side of one partition. Any error ends the attempt; the caller then wipes the last state. */
export interface PsiRole<Input, State, Output> {
  start(platform: Platform, context: PartitionContext, input: Input): Step<State, Frame, Output>;
  /**
   * The next frame of the peer. WIRE_UNEXPECTED: not the one due; WIRE_INVALID: not of its form; POINT_INVALID. A
   * step's `send` is drained before the next call, because making it may advance the state.
   */
  next(platform: Platform, state: State, frame: Frame): Step<State, Frame, Output>;
  /** Overwrites the secrets of a state that will not be used again. */
  wipe(state: State): void;
}

/** All that fixes the protocol's parameters; the same in every partition of a job. */
export type PartitionShape = Pick<
  PartitionContext,
  "partitions" | "receiverCapacity" | "senderCapacity" | "labelBytes"
>;

export interface PsiProtocol<ReceiverState, SenderState> {
  readonly name: string;
  /** 32 bytes over every parameter that both ends must share, compared in the handshake. */
  parametersDigest(shape: PartitionShape): Uint8Array;
  readonly receiver: PsiRole<PsiReceiverInput, ReceiverState, SealedPartition>;
  /** The sender learns nothing, so it has no output. */
  readonly sender: PsiRole<PsiSenderInput, SenderState, undefined>;
  /** After the gate opened. SEAL_INVALID: not what was sealed under this key; WIRE_INVALID: a tag occurs twice. */
  openPartition(
    platform: Platform,
    context: PartitionContext,
    sealed: SealedPartition,
    gateKey: Uint8Array,
  ): PsiMatches;
}

/** A protocol whose states the caller passes on unseen. */
export type AnyPsiProtocol = PsiProtocol<unknown, unknown>;
