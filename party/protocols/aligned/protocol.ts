/** aligned as the session's worker drives it: frames in, frames out. It stands where a PSI would, in two parts at the
 * sender, because the score between them is computed on the rows that the first part found. */
import type { Frame } from "../../../proto/codec/frame.ts";
import type { Platform } from "../../crypto/platform.ts";
import type { AnyPsiProtocol } from "../psi.ts";
import type { PartitionContext, PsiReceiverInput, PsiSenderInput, SealedPartition, Step } from "../step.ts";
import { openPartition } from "./open.ts";
import { alignedParams, PROTOCOL, parametersDigest } from "./params.ts";
import * as receiver from "./receiver.ts";
import * as sender from "./sender.ts";

export interface AlignedProtocol extends Pick<AnyPsiProtocol, "name" | "parametersDigest" | "openPartition"> {
  readonly receiver: {
    start(
      platform: Platform,
      context: PartitionContext,
      input: PsiReceiverInput,
    ): Step<receiver.AwaitSealed, Frame, SealedPartition>;
    next: typeof receiver.next;
  };
  readonly sender: {
    start(
      context: PartitionContext,
      input: Pick<PsiSenderInput, "ids">,
    ): Step<sender.SenderState, Frame, sender.Listed>;
    next: typeof sender.next;
    sealLabels(
      platform: Platform,
      context: PartitionContext,
      input: Pick<PsiSenderInput, "labels" | "gateKey">,
    ): Iterable<Frame>;
  };
}

export interface AlignedOptions {
  /** Rows of a frame; part of the parameters that both ends must share. */
  readonly chunkRows?: number;
}

export function aligned({ chunkRows }: AlignedOptions = {}): AlignedProtocol {
  const params = (context: PartitionContext) => alignedParams(context, chunkRows);
  return {
    name: PROTOCOL,
    parametersDigest: (shape) => parametersDigest(shape, chunkRows),
    receiver: {
      start: (platform, context, input) => receiver.start(platform, context, input, params(context)),
      next: receiver.next,
    },
    sender: {
      start: (context, input) => sender.start(context, input, params(context)),
      next: sender.next,
      sealLabels: (platform, context, input) => sender.sealLabels(platform, context, input, params(context)),
    },
    openPartition: (platform, context, sealed, gateKey) =>
      openPartition(platform, context, sealed, gateKey, params(context)),
  };
}
