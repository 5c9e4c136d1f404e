/** The steps of long work in words, in each language. */
import type { Language } from "../language.ts";
import type { ProgressStep, ProgressWhere } from "./progress.ts";

interface StepWords {
  readonly steps: Readonly<Record<ProgressStep, string>>;
  partition(number: number, of: number, step: string): string;
  file(name: string, step: string): string;
}

const WORDS: Readonly<Record<Language, StepWords>> = {
  en: {
    steps: {
      "reading-file": "reading",
      "reading-cells": "looking at the cells of",
      "reading-rows": "reading the rows",
      "finding-duplicates": "finding duplicates",
      "listing-duplicates": "listing duplicates",
      "surveying-columns": "looking at the columns",
      "asking-peer": "asking the peer",
      "awaiting-peer-approval": "waiting for the peer's approval",
      "reading-dataset": "reading the dataset",
      "drawing-randomness": "drawing shared randomness",
      "matching-blinded-ids": "matching blinded ids",
      "matching-masked-ids": "matching masked ids",
      "listing-people": "listing people",
      "sealed-tags": "sealed tags",
      "sealed-labels": "sealed labels",
      "encrypted-model": "encrypted model",
      "encrypted-scores": "encrypted scores",
      "signing-receipt": "signing the receipt",
      "committing-input": "committing to the input",
      "releasing-keys": "releasing the keys",
      "opening-result": "opening the result",
      "issuing-tags": "issuing tags",
      "waiting-to-retry": "waiting to try again",
      "collecting-evidence": "collecting the evidence",
      "checking-entries": "checking the entries",
    },
    partition: (number, of, step) => `partition ${number} of ${of}: ${step}`,
    file: (name, step) => `${step} ${name}`,
  },
  "zh-CN": {
    steps: {
      "reading-file": "读取文件",
      "reading-cells": "检查文件内容",
      "reading-rows": "读取数据行",
      "finding-duplicates": "查找重复标识",
      "listing-duplicates": "列出重复标识",
      "surveying-columns": "分析各字段",
      "asking-peer": "正在询问对方",
      "awaiting-peer-approval": "等待对方审批",
      "reading-dataset": "读取数据集",
      "drawing-randomness": "生成共享随机数",
      "matching-blinded-ids": "盲化标识求交",
      "matching-masked-ids": "掩码标识求交",
      "listing-people": "列出人员",
      "sealed-tags": "传输封装标记",
      "sealed-labels": "传输封装的附带字段",
      "encrypted-model": "传输加密模型",
      "encrypted-scores": "计算加密评分",
      "signing-receipt": "签署回执",
      "committing-input": "对输入作出承诺",
      "releasing-keys": "释放密钥",
      "opening-result": "打开结果",
      "issuing-tags": "发放标签",
      "waiting-to-retry": "等待重试",
      "collecting-evidence": "收集存证",
      "checking-entries": "核验日志条目",
    },
    partition: (number, of, step) => `第 ${number}/${of} 分区：${step}`,
    file: (name, step) => `${step} ${name}`,
  },
};

export function stepText({ step, partition, file }: ProgressWhere, language: Language): string {
  const words = WORDS[language];
  const text = words.steps[step];
  if (partition !== undefined) return words.partition(partition.number, partition.of, text);
  return file === undefined ? text : words.file(file, text);
}
