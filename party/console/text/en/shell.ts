/** What stands around every page. */
export const shell = {
  motto: "Usable, not visible",
  skip: "Skip to the page",
  menu: "Menu",
  pages: "Pages",
  language: "Language",
  en: "English",
  zhCn: "中文",
  signOut: "Sign out",
  signedInAs: "Signed in as {{person}}",
  online: "Connected to the coordinator",
  offline: "No connection to the coordinator",
  noAnswer: "The node does not answer",
  notEnrolled: "Not enrolled yet",
  noPage: "There is no such page",
  noPageText: "The address names a page that does not exist, or one that your roles do not show.",
  notShown: "This page cannot be shown",
  notShownText:
    "It could not be loaded: the node does not answer, or has been replaced by a newer version. If trying again does not help, the operator of this node must act.",
  home: "To the start page",
  loading: "Loading …",
  roles: { analyst: "Analyst", steward: "Steward", auditor: "Auditor", operator: "Operator" },
} as const;
