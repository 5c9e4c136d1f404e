/** A rendered report in Chinese. */
import { groupedDigits } from "../grouped-digits.ts";
import type { GroupName } from "./grouping.ts";
import { bound, type ReportStrings } from "./strings.ts";

function rangeOf({ from, below }: Extract<GroupName, { kind: "range" }>): string {
  if (from === null) return `小于 ${bound(below)}`;
  return below === null ? `${bound(from)} 及以上` : `${bound(from)}（含）至 ${bound(below)}（不含）`;
}

export const CHINESE: ReportStrings = {
  language: "zh-CN",
  title: "联合客群报告",
  total: "全体",
  withheld: "不予显示",
  heads: { group: "分组", size: "名单人数", overlap: "共有人数", rate: "匹配率" },
  breakdown: (kind, name) => (kind === "segment" ? `分群 ${name}` : `按 ${name}`),
  group: (name) => {
    switch (name.kind) {
      case "value":
        return name.value;
      case "range":
        return rangeOf(name);
      case "member":
        return "在分群内";
      case "non-member":
        return "不在分群内";
      case "other":
        return "（其他）";
      case "blank":
        return "（空白）";
    }
  },
  overlap: (overlap, size) => `${groupedDigits(size)} 人中 ${groupedDigits(overlap)} 人`,
  withheldOf: (size) => `不予显示，共 ${groupedDigits(size)} 人`,
  count: groupedDigits,
  notes: ({ group, result, cap, noiseScale }) => [
    `一个分组只有在匹配人数不少于 ${groupedDigits(group)}、未匹配人数也不少于 ${groupedDigits(group)}、` +
      `且匹配率不高于 ${cap}% 时才予显示。若可由其他分组推算出某个分组的人数，则一并不予显示。`,
    `匹配总人数少于 ${groupedDigits(result)}，或未匹配的人过少时，不显示任何结果。`,
    ...(noiseScale === null
      ? []
      : [`每个人数都单独加入了随机噪声（尺度 ${groupedDigits(noiseScale)} 人），因此各分组之和不等于总数。`]),
  ],
  about: ({ peer, dataset, peerDataset }) => `${dataset} 与 ${peer} 的 ${peerDataset}`,
};
