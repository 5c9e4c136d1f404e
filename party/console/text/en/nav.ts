/** The navigation: a word for each page in it, and what a person does there. */
export const nav = {
  groups: {
    work: "Analysis",
    govern: "Governance",
    audit: "Audit",
    operate: "Operation",
  },
  pages: {
    home: "Overview",
    jobs: "Jobs",
  },
  /** On the start page, beside the page's name. */
  about: {
    home: "Who this node is",
    jobs: "Follow what runs, and see what came out",
  },
} as const;
