/** Chinese of the errors of agreements. */
import type { AGREEMENTS } from "../agreements.ts";

export const AGREEMENTS_ZH: Readonly<Record<keyof typeof AGREEMENTS, string>> = {
  AGREEMENT_INVALID: "协议文档不符合公布的格式。请更正所指出的字段。",
  AGREEMENT_UNKNOWN: "本节点没有该摘要对应的、经各参与方签署的协议。",
  AGREEMENT_UNSIGNED: "协议尚未由所有参与方签署。请未签署的一方用 'entente agreement sign' 签署。",
  AGREEMENT_EXPIRED: "协议已不在有效期内。请发起并签署新版本。",
  SIGNATURE_INVALID: "签名无法用其声明的密钥验证，该文档已被拒绝。",
  AGREEMENT_REVOKED: "协议已被其中一方撤销，其下不再运行任何任务。双方如要继续合作，请另立新协议。",
  AGREEMENT_SUPERSEDED: "该协议已有更新的版本生效。请使用新版本的摘要。",
  AGREEMENT_NOT_IN_FORCE: "对方在 24 小时内没有确认协议仍然有效。请在对方节点可以连通后重试。",
};
