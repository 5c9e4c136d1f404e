import type { shell as english } from "../en/shell.ts";
import type { SameShape } from "../same-shape.ts";

export const shell: SameShape<typeof english> = {
  motto: "数据可用不可见",
  skip: "跳到页面内容",
  menu: "菜单",
  pages: "页面",
  language: "语言",
  en: "English",
  zhCn: "中文",
  signOut: "退出登录",
  signedInAs: "当前用户：{{person}}",
  online: "已连接协调方",
  offline: "未连接协调方",
  noAnswer: "节点没有应答",
  notEnrolled: "尚未入网",
  noPage: "页面不存在",
  noPageText: "该地址没有对应的页面，或您的角色无权查看。",
  notShown: "无法显示此页面",
  notShownText: "页面未能加载：节点没有应答，或已升级为新版本。如果重试无效，请联系本节点的运维人员处理。",
  home: "返回首页",
  loading: "加载中……",
  roles: { analyst: "分析师", steward: "数据管理员", auditor: "审计员", operator: "运维人员" },
};
