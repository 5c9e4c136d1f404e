/** Chinese of the errors of tags, labels and feeds. */
import type { TAGS } from "../tags.ts";

export const TAGS_ZH: Readonly<Record<keyof typeof TAGS, string>> = {
  FEED_BEHIND: "自该推送上次执行以来结束的部分标签，节点已不再保留。请执行一次全量推送。",
  FEED_VALUE: "推送目标无法存储某个标签的文本。请从该推送中去掉该标签键，或改为推送到文件。",
  FEED_SECRET: "Webhook 的密钥不可用。请把 'whsec_' 及其 Base64 写入该推送的密钥文件，并确保节点可读。",
  FEED_UNREACHABLE: "Webhook 接收端多次没有接收事件。请确认它正在运行；下一次推送会从中断处继续。",
  FEED_REFUSED: "Webhook 接收端拒绝了事件。请与其运维人员核对地址和密钥，然后重新执行推送。",
  FEED_GONE: "Webhook 接收端已永久下线（410），推送已停止。请移除该推送，或以新的地址重新添加。",
  TAG_CATALOGUE: "标签目录对该键有不同的定义。请发放符合其类型的值，或请其负责人重新定义该键。",
  LABEL_UNFIT: "附带字段中有值超过约定长度，或类型与约定不符。请合作方节点修正该字段，或双方约定新的长度或类型。",
  TAG_RULE_INVALID: "标签规则不符合公布的格式，或与数据不符。请更正所指出的位置。",
};
