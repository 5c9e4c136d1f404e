import type { nav as english } from "../en/nav.ts";
import type { SameShape } from "../same-shape.ts";

export const nav: SameShape<typeof english> = {
  groups: {
    work: "分析",
    govern: "治理",
    audit: "审计",
    operate: "运维",
  },
  pages: {
    home: "概览",
    jobs: "任务",
  },
  about: {
    home: "本节点的身份",
    jobs: "跟踪运行中的任务，查看结果",
  },
};
