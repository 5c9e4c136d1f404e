import type { terms as english } from "../en/terms.ts";
import type { SameShape } from "../same-shape.ts";

export const terms: SameShape<typeof english> = {
  operations: { audience: "联合客群", score: "评分" },
  outputs: {
    list: "人员名单（发放标签）",
    "match-rate": "仅匹配率",
    "overlap-report": "重叠报告",
    score: "精确评分",
    "rounded-score": "取整评分",
    tier: "分层",
  },
  roles: { receiver: "本方发起", provider: "对方发起" },
  jobStates: {
    proposed: "已提出",
    admitted: "已准入",
    running: "运行中",
    releasing: "放行中",
    done: "已完成",
    refused: "已拒绝",
    failed: "已失败",
  },
  normalisers: {
    "phone-e164": "手机号",
    opaque: "按原文",
    email: "电子邮箱",
    "cn-resident-id": "居民身份证号",
    "cn-uscc": "统一社会信用代码",
    "hashed-sha256": "标识的 SHA-256 摘要",
    "hashed-md5": "标识的 MD5 摘要",
    "hashed-sm3": "标识的 SM3 摘要",
  },
  columnTypes: { id: "标识", number: "数值", text: "文本", boolean: "布尔值" },
};
