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
    audience: "构建客群",
    score: "评分",
    datasets: "数据集",
    segments: "分群",
    tags: "标签",
    catalogue: "标签目录",
    batches: "标签批次",
    history: "个人标签",
    optOuts: "退出名单",
    feeds: "标签推送",
  },
  about: {
    home: "本节点的身份",
    jobs: "跟踪运行中的任务，查看结果",
    audience: "找出共有客户：先试运行，再运行",
    score: "用您的模型对共有客户加密评分",
    datasets: "检查并登记数据，查看健康状况",
    segments: "定义数据集中的哪些人参与",
    tags: "按键和值查看有效标签",
    catalogue: "标签键的含义和负责人",
    batches: "标签的来源与有效期",
    history: "答复客户：有哪些标签、来由为何",
    optOuts: "不参与任何任务的人",
    feeds: "标签的去向，以及目标落后多少",
  },
};
