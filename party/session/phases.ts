/** What a frame says of how far its partition is. Sizes and numbers of frames follow from the plan, so this tells no more of a
 * list than the plan does. */
import { ALIGNED_TYPE } from "../../proto/codec/aligned.ts";
import type { FrameHeader } from "../../proto/codec/frame.ts";
import { PSI_DH_TYPE } from "../../proto/codec/psi-dh.ts";
import { PSI_VOLE_TYPE } from "../../proto/codec/psi-vole.ts";
import { SCORE_LINEAR_TYPE } from "../../proto/codec/score-linear.ts";
import { VOLE_TYPE } from "../../proto/codec/vole.ts";
import type { ProgressStep, ProgressUnit } from "../../proto/http/progress.ts";
import { alignedParams } from "../protocols/aligned/params.ts";
import { psiDhParams } from "../protocols/psi-dh/params.ts";
import { psiVoleParams } from "../protocols/psi-vole/params.ts";
import { blockSlots } from "../protocols/score-linear/params.ts";
import { scorePacking } from "./protocols.ts";
import type { ProvideTask, ReceiveTask } from "./task.ts";

export interface Phase {
  readonly step: ProgressStep;
  readonly done: number;
  readonly total: number;
  readonly unit: ProgressUnit;
}

/** Chunk `n` of this frame type, from 0, brings the phase to (n + 1) * perChunk of `total`. */
interface PhaseShape {
  readonly step: ProgressStep;
  readonly total: number;
  readonly perChunk: number;
  readonly unit: ProgressUnit;
}

type Shapes = ReadonlyMap<number, PhaseShape>;

/** Of the silent VOLE, which goes before psi-vole. */
const VOLE_ROUNDS = 5;

function alignmentShapes({ protocol, context }: ReceiveTask | ProvideTask): [number, PhaseShape][] {
  const { receiverCapacity, senderCapacity } = context;
  const rows = (step: ProgressStep, total: number, perChunk: number): PhaseShape => ({
    step,
    total,
    perChunk,
    unit: "rows",
  });
  switch (protocol) {
    case "psi-dh": {
      const { chunkRows } = psiDhParams(context);
      // Blinded and evaluated chunks alternate; the second is what has come through.
      return [
        [PSI_DH_TYPE.evaluated, rows("matching-blinded-ids", receiverCapacity, chunkRows)],
        [PSI_DH_TYPE.sealedTags, rows("sealed-tags", senderCapacity, chunkRows)],
      ];
    }
    case "aligned": {
      const { chunkRows } = alignedParams(context);
      return [
        [ALIGNED_TYPE.listed, rows("listing-people", receiverCapacity, chunkRows)],
        [ALIGNED_TYPE.sealedLabels, rows("sealed-labels", receiverCapacity, chunkRows)],
      ];
    }
    default: {
      const { okvs, chunkRows } = psiVoleParams(context);
      return [
        [PSI_VOLE_TYPE.masked, rows("matching-masked-ids", receiverCapacity, receiverCapacity / okvs.bins)],
        [PSI_VOLE_TYPE.sealedTags, rows("sealed-tags", senderCapacity, chunkRows)],
      ];
    }
  }
}

/** What tells a task's phases from its frames. A frame that says nothing of them is undefined. */
export function phasesOf(task: ReceiveTask | ProvideTask): (frame: FrameHeader) => Phase | undefined {
  const shapes: Shapes = new Map([...alignmentShapes(task), ...(task.score ? scoreShapes(task, task.score) : [])]);
  const voleTypes: readonly number[] = Object.values(VOLE_TYPE);
  return ({ type, round, chunk }) => {
    if (voleTypes.includes(type))
      return { step: "drawing-randomness", done: round, total: VOLE_ROUNDS, unit: "messages" };
    const shape = shapes.get(type);
    if (shape === undefined) return undefined;
    const { step, total, unit, perChunk } = shape;
    return { step, total, unit, done: Math.min(total, Math.round((chunk + 1) * perChunk)) };
  };
}

function scoreShapes(
  { context, protocol }: ReceiveTask | ProvideTask,
  { kind, features }: NonNullable<(ReceiveTask | ProvideTask)["score"]>,
): [number, PhaseShape][] {
  const perChunk = blockSlots(scorePacking(kind));
  const total = protocol === "aligned" ? context.receiverCapacity : context.senderCapacity;
  return [
    [SCORE_LINEAR_TYPE.ciphertext, { step: "encrypted-model", total: features, perChunk: 1, unit: "weights" }],
    [SCORE_LINEAR_TYPE.answer, { step: "encrypted-scores", total, perChunk, unit: "rows" }],
  ];
}
