/** A starting point for people: an agreement in JSON with a comment line before each field. */
import { NORMALISERS, type Operation } from "./fields.ts";

export interface TemplateOptions {
  /** The receiver, then the provider. An identity that is left out is filled in by the node, once it was confirmed. */
  readonly parties?: readonly [TemplateParty, TemplateParty];
  readonly validFrom?: string;
  readonly validUntil?: string;
}

export interface TemplateParty {
  readonly name: string;
  readonly identity?: string;
}

/** What stands for a purpose until its writer says their own. */
const UNSAID = {
  text: "Say what the result is used for",
  legalBasis: "Name the consent form or the contract",
} as const;

/** Whether a purpose of a document, or the legal basis of one, is still the template's. `document`: one that a node has taken. */
export function isUnsaid(document: object): boolean {
  const purposes: unknown = "purposes" in document ? document.purposes : undefined;
  if (!Array.isArray(purposes)) return false;
  return purposes.some(({ text, legalBasis }: Partial<Record<keyof typeof UNSAID, unknown>>) => {
    return text === UNSAID.text || legalBasis === UNSAID.legalBasis;
  });
}

const AUDIENCE = `    {
      // What may be run: "audience" (who is in both lists) or "score" (the receiver's model over both parties' columns).
      "operation": "audience",
      // What the receiver may be given: "list" (which of its own people matched), "match-rate" (a percentage only),
      // "overlap-report" (counts, in all and in groups of the receiver's making, none of few people).
      "outputs": ["list"],`;

const SCORE = `    {
      // What may be run: "audience" (who is in both lists) or "score" (the receiver's model over both parties' columns).
      "operation": "score",
      // What the receiver may be given: "score" (exact), "rounded-score", "tier"; the last two are its software's promise.
      // "rounded-score" needs "rounding": { "step": 0.05 }, in units of what the model puts out. With "tier", "tiers" may
      // be what the receiver's 'entente model commit-tiers' printed; without it the receiver may choose other bounds.
      "outputs": ["tier"],`;

const FEATURES = `,
        { "name": "column_1", "role": "feature", "grade": 3, "personal": false },
        { "name": "column_2", "role": "feature", "grade": 3, "personal": false },
        { "name": "column_3", "role": "feature", "grade": 3, "personal": false },
        { "name": "column_4", "role": "feature", "grade": 3, "personal": false },
        { "name": "column_5", "role": "feature", "grade": 3, "personal": false }`;

function partyLines({ name, identity }: TemplateParty, roles: readonly string[]): string {
  const fields = [
    `"name": ${JSON.stringify(name)}`,
    ...(identity === undefined ? [] : [`"identity": ${JSON.stringify(identity)}`]),
    `"roles": ${JSON.stringify(roles)}`,
  ];
  return `    { ${fields.join(", ")} }`;
}

/** JSON with whole-line comments (//); without them it is a draft for `makeAgreement`, every default written out. */
export function agreementTemplate(kind: Operation, options: TemplateOptions = {}): string {
  const [receiver, provider] = options.parties ?? [{ name: "bank" }, { name: "bureau" }];
  const { validFrom = "2026-01-01T00:00:00.000Z", validUntil = "2027-01-01T00:00:00.000Z" } = options;
  const name = (party: TemplateParty) => JSON.stringify(party.name);
  return `// An agreement between two parties. Each node enforces it by itself; both sign exactly these values.
// Lines that begin with // are comments. A field that is left out gets the value written here, unless it has none.
{
  // The form of this document.
  "format": "entente-agreement/1",
  // One line for people, up to 200 characters.
  "title": ${kind === "score" ? '"Joint scoring"' : '"Joint audience"'},
  // 1 for a first agreement; one more than the version that this one replaces.
  "version": 1,
  // Digest of the version that this one replaces, 64 hex digits; null in the first.
  "supersedes": null,
  // Signatures and digests: Ed25519 and SHA-256.
  "suite": "ed25519-sha256",
  // The two parties, by the names they enrolled with. Their identities are filled in by the node from what was confirmed
  // out of band. Roles: data-provider, result-receiver, result-user; payer: exactly one.
  "parties": [
${partyLines(receiver, ["result-receiver", "result-user", "payer"])},
${partyLines(provider, ["data-provider"])}
  ],
  // The tables. A column has a role: id (matched on), filter (a condition on one's own side), feature (computed
  // on, encrypted), label (leaves in clear with a result, for matched people only, when a job asks for it) or release; a
  // grade of JR/T 0197-2020, 1 to 5, where 4 and 5 never leave in clear; and whether it is personal information. A label has
  // a "type", "number", "boolean" or "text", and a text "maxBytes", up to 64 of UTF-8; without them it is text of 32.
  "datasets": [
    {
      // Whose table, and its name at that party.
      "party": ${name(receiver)},
      "name": "customers",
      // An id has a normaliser: how its values are made equal, the same for both tables of an operation; one of:
      // ${NORMALISERS.join(", ")}.
      // Several columns of role id are one id together, in this order.
      "columns": [
        { "name": "phone", "role": "id", "normaliser": "phone-e164", "grade": 3, "personal": true }
      ]
    },
    {
      "party": ${name(provider)},
      "name": "members",
      "columns": [
        { "name": "phone", "role": "id", "normaliser": "phone-e164", "grade": 3, "personal": true }${kind === "score" ? FEATURES : ""}
      ]
    }
  ],
  // What may be run over them. What is not named here is refused.
  "operations": [
${kind === "score" ? SCORE : AUDIENCE}
      // Who obtains the result; the other party is the provider.
      "receiver": ${name(receiver)},
      "receiverDataset": "customers",
      "providerDataset": "members",
      // "psi-vole" (fast), "psi-vole-planes", or "psi-dh" (conservative, for small lists).
      "protocol": "psi-vole",
      // Of a score, "hidden": the provider does not learn which of its customers matched; "shared": it does.
      "alignment": "hidden",
      // Whose node keeps the result floor: "receiver". "provider" (the gated mode) is refused for now.
      "resultFloor": "receiver",
      // Whether a person must decide, at each node: "automatic", "first-run" (of each output and model), "every-run".
      "approval": { "receiver": "automatic", "provider": "first-run" }
    }
  ],
  // What it is for; a job names one of them by id. The legal basis under PIPL: a consent's form, a contract, a law.
  "purposes": [
    { "id": "service", "text": "${UNSAID.text}", "legalBasis": "${UNSAID.legalBasis}" }
  ],
  "floors": {
    // People, at least, in a list that enters a run.
    "input": 1000,
    // People, at least, in a result that is shown.
    "result": 100,
    // Where an operation has "overlap-report", also "group": 50; people, at least, who matched, and who did not, in a
    // group whose overlap is shown.
    // Percent: a match rate above is shown as "above" only.
    "matchRateCapPercent": 85,
    // The larger list is at most so many times the smaller.
    "sizeRatio": 50
  },
  // All of one pair of tables in one direction.
  "budgets": {
    // Days: budgets begin anew on a fixed grid of so many.
    "epochDays": 30,
    // Runs in an epoch.
    "runsPerEpoch": 20,
    // Runs in 24 hours.
    "runsPerDay": 5,
    // Scores, in an epoch, by one model version over one version of each table.
    "scoresPerModelVersion": 1,
    // Model versions in an epoch; null: versions * ceil(32 / feature bits) stays below the number of feature columns.
    "modelVersionsPerEpoch": null,
    // Versions of the receiver's table, in an epoch, of which match rates and reports may be asked.
    "datasetVersionsPerEpoch": 5,
    // People: two lists of which match rates or reports are asked are equal or differ by at least so many.
    "smallestDifference": 50
  },
  // On counts of match rates and reports: "none", or { "kind": "discrete-laplace", "scale": 8 } (people).
  "noise": { "kind": "none" },
  "retention": {
    // Days: how long a tag may live.
    "tagDays": 365,
    // Days: how long a result may be kept.
    "resultDays": 365
  },
  // UTC, from this millisecond on.
  "validFrom": ${JSON.stringify(validFrom)},
  // UTC, up to and without this millisecond.
  "validUntil": ${JSON.stringify(validUntil)}
}
`;
}
