/** Chinese of the errors of signing in. */
import type { SIGN_IN } from "../sign-in.ts";

export const SIGN_IN_ZH: Readonly<Record<keyof typeof SIGN_IN, string>> = {
  SIGN_IN_INVALID: "无法接受此次登录：它已被使用、已超时，或不是从本页面发起的。请重新登录。",
  SIGN_IN_REFUSED: "机构的登录服务未通过此次登录。请重试，或联系该服务的管理人员。",
  SIGN_IN_NOT_ALLOWED: "账号有效，但没有使用本节点的权限。请向节点的运维人员了解哪些账号有权使用。",
  SIGN_IN_UNTRUSTED: "本节点与机构的登录服务不一致，因此未予登录。请核对 node.json 的 'signIn' 与登录服务中的设置。",
  SIGN_IN_UNREACHABLE: "机构的登录服务没有应答。请稍后重试，或使用令牌登录。",
};
