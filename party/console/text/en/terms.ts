/** What things are called on every page: operations, outputs, states. */
export const terms = {
  operations: { audience: "Joint audience", score: "Score" },
  outputs: {
    list: "List of people, as tags",
    "match-rate": "Match rate only",
    "overlap-report": "Overlap report",
    score: "Exact score",
    "rounded-score": "Rounded score",
    tier: "Tier",
  },
  roles: { receiver: "asked here", provider: "asked by the partner" },
  jobStates: {
    proposed: "Proposed",
    admitted: "Admitted",
    running: "Running",
    releasing: "Releasing",
    done: "Done",
    refused: "Refused",
    failed: "Failed",
  },
  normalisers: {
    "phone-e164": "Mobile number",
    opaque: "As written",
    email: "E-mail address",
    "cn-resident-id": "Resident identity number",
    "cn-uscc": "Unified social credit code",
    "hashed-sha256": "SHA-256 digest of the id",
    "hashed-md5": "MD5 digest of the id",
    "hashed-sm3": "SM3 digest of the id",
  },
  columnTypes: { id: "id", number: "number", text: "text", boolean: "yes or no" },
} as const;
