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
    audience: "Build an audience",
    score: "Score",
    datasets: "Datasets",
    segments: "Segments",
    tags: "Tags",
    catalogue: "Tag catalogue",
    batches: "Tag batches",
    history: "A person's tags",
    optOuts: "Opt-outs",
    feeds: "Feeds",
  },
  /** On the start page, beside the page's name. */
  about: {
    home: "Who this node is",
    jobs: "Follow what runs, and see what came out",
    audience: "Find shared customers: dry run first, then run",
    score: "Score shared customers with your model, encrypted",
    datasets: "Check and register data, and see its health",
    segments: "Define who of a dataset takes part",
    tags: "Tags in force, by key and value",
    catalogue: "What keys mean, and who answers for them",
    batches: "Where tags come from, and until when they live",
    history: "Answer a customer: which tags, and why",
    optOuts: "People who take part in no job",
    feeds: "Where tags go, and how far behind a target is",
  },
} as const;
