/** Chinese of the errors of models. */
import type { SCORING } from "../scoring.ts";

export const SCORING_ZH: Readonly<Record<keyof typeof SCORING, string>> = {
  MODEL_INVALID: "模型文件不符合公布的格式。请更正所指出的字段。",
  MODEL_UNSUPPORTED: "模型含有无法在此精确评分的部分。请去掉所指出的部分后重新训练。",
  MODEL_MISMATCH: "加密模型不是任务所指定的版本。请银行按其提供的版本运行任务。",
  MODEL_HEADROOM: "模型的权重过大，无法精确计算。请对特征截断或重新缩放模型。",
};
