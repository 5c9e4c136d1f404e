import type { parts as english } from "../en/parts.ts";
import type { SameShape } from "../same-shape.ts";

export const parts: SameShape<typeof english> = {
  copy: "复制",
  copied: "已复制",
  cancel: "取消",
  empty: "暂无内容。",
  asTable: "以表格查看",
  name: "名称",
  withheld: "不予显示",
  code: "代码",
  detail: "详情",
  who: "由谁处理",
  retryAfter_other: "{{count}} 秒后可重试。",
  tryAgain: "重试",
  progress: "{{done}} / {{total}}",
  progressOpen: "已完成 {{done}}",
  rate: "每秒 {{rate}}",
  left: "剩余 {{time}}",
};
