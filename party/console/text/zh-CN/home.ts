import type { home as english } from "../en/home.ts";
import type { SameShape } from "../same-shape.ts";

export const home: SameShape<typeof english> = {
  title: "概览",
  party: "本节点",
  fingerprint: "身份指纹",
  coordinator: "协调方",
  version: "版本",
  roles: "您的角色",
  expires: "访问有效期至",
  start: "您可以在这里",
  signIn: {
    title: "登录 {{host}}",
    token: "访问令牌",
    hint: "由本节点的运维人员创建：entente token create",
    submit: "登录",
    with: "使用 {{name}} 登录",
    or: "或使用令牌",
    submitToken: "使用令牌登录",
    beside: "请在新打开的窗口中继续登录。如果该窗口已关闭，请再次点击按钮。",
    passedOn: "登录已完成",
    close: "控制台会在最初的窗口中继续，本窗口可以关闭。",
    refused: "节点不认识此令牌，或令牌已失效。请向运维人员申请新令牌。",
    ended: "访问已到期。重新登录即可继续，已填写的内容会保留。",
  },
};
