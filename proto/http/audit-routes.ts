/** Routes for auditors: what the logs of a collaboration say, the node's own check of them, and what to take away. */
import * as z from "zod";
import { collaborationField, digestField, jobIdField } from "../agreement/fields.ts";
import { OPENING_KINDS } from "../evidence/opening-kinds.ts";
import { EVIDENCE_EVENTS } from "../evidence/predicates.ts";
import { PROBLEM_CODES, type ProblemCode, VERDICTS } from "../evidence/verdict.ts";
import { LANGUAGES } from "../language.ts";
import { BUNDLE_TYPES, REPORT_TYPES } from "./file-types.ts";
import type { Route } from "./route.ts";

const verdict = z.enum(VERDICTS);
const ofCollaboration = z.strictObject({ collaboration: collaborationField });
/** The last part of a log's origin: a year, `2026-2` for the second log of one. */
const logLabel = z.string().regex(/^2\d{3}(?:-(?:[2-9]|[1-9]\d))?$/);
const entryIndex = z.string().regex(/^(?:0|[1-9]\d{0,14})$/);

/** A person who did what an entry says, by this node's own records beside the log. */
const person = z.object({
  did: z.enum(["requested", "decided", "exported"]),
  name: z
    .string()
    .nullable()
    .describe("Null when nobody here can say: it was done at another party, or what this node kept of it is gone."),
  party: z.string(),
});

const entrySummary = z.object({
  log: z.string(),
  index: z.number(),
  event: z.enum(EVIDENCE_EVENTS),
  at: z.string().describe("By the clock of whoever made the entry."),
  jobId: z.string().nullable(),
  agreement: z.string().nullable(),
  signers: z.array(z.string()),
  people: z.array(person),
  isCosigned: z
    .boolean()
    .describe("Whether a checkpoint that the peer has cosigned covers it: until then this node could still change it."),
});

const fingerprint = z.object({ party: z.string(), fingerprint: z.string() });
const cosignature = z.object({ by: z.string(), at: z.string() });

const checkpoint = z.object({
  origin: z.string(),
  size: z.number(),
  root: z.string(),
  note: z.string().describe("The signed note as it is."),
  signers: z.array(z.string()),
  cosigned: z.array(cosignature),
});

const entryDetail = entrySummary.extend({
  origin: z.string(),
  size: z.number().describe("Entries of that log."),
  entry: z.string().describe("The bytes that the tree holds, base64."),
  statement: z.record(z.string(), z.unknown()).describe("The statement, decoded."),
  signatures: z.array(
    z.object({
      keyid: z.string(),
      state: z.enum(["good", "bad", "unknown-key"]),
      validity: z
        .object({ from: z.string(), until: z.string() })
        .nullable()
        .describe("Of the keyset that the key is of; null for a key that this node does not know."),
    }),
  ),
  proof: z.string().describe("C2SP tlog-proof under `checkpoint`: what `entente audit verify-proof` reads."),
  path: z.array(z.string()).describe("Hashes of the proof from the leaf up, hex."),
  checkpoint,
  check: z
    .object({ verdict, why: z.string().nullable() })
    .describe("What the offline verifier, run in this node, says of that proof."),
  commitments: z.array(
    z.object({
      by: z.string(),
      kind: z.enum(OPENING_KINDS),
      commitment: z.string(),
      state: z
        .enum(["opened", "gone", "other"])
        .describe(
          "`other`: only the party that made it can open it. `gone`: this node has no salt and value of it any more.",
        ),
      value: z.unknown(),
    }),
  ),
  notes: z
    .array(z.object({ field: z.enum(["reason", "destination"]), text: z.string().nullable() }))
    .describe("What people wrote; the log holds a commitment. Null when it was erased."),
});

const place = {
  folder: z.string().optional(),
  log: z.string().optional(),
  index: z.number().optional(),
  path: z.string().optional(),
};
const problem = z.object({
  code: z.enum(PROBLEM_CODES as [ProblemCode, ...ProblemCode[]]),
  text: z.string(),
  why: z.string().optional(),
  ...place,
});

/** As `entente audit verify --json` prints it. */
const verification = z.object({
  verdict,
  trusted: z.boolean(),
  firstProblem: problem.optional(),
  problems: z.array(problem),
  problemCount: z.number(),
  commitments: z.object({
    opened: z.number(),
    notOpenedCount: z.number(),
    notOpened: z.array(z.object({ kind: z.string(), ...place })),
  }),
  summary: z.object({
    logs: z.array(
      z.object({ origin: z.string(), entries: z.number(), cosignedSize: z.number(), keys: z.array(z.string()) }),
    ),
    jobs: z.array(
      z.object({
        jobId: z.string(),
        operation: z.string(),
        agreementDigest: z.string(),
        receiver: z.string(),
        sender: z.string(),
        attempts: z.number(),
        finishedAt: z.string(),
        rows: z.object({ receiver: z.number().nullable(), sender: z.number().nullable() }),
        cameOut: z.string().nullable(),
        outcome: z.enum(["opened", "withheld", "receipt-only"]),
      }),
    ),
  }),
  fingerprints: z.array(fingerprint),
});

export const AUDIT_ROUTES = {
  evidenceEntries: {
    method: "GET",
    path: "/v1/collaborations/:collaboration/entries",
    summary: "Search the entries of this node's logs, newest first",
    description:
      "One answer looks at so many entries at a time: where it has less than a page, ask again with what it calls next. Persons are " +
      "found by this node's own records beside the log; who acted at another party only that party can say.",
    roles: ["auditor"],
    request: z.strictObject({
      collaboration: collaborationField,
      job: jobIdField.optional(),
      agreement: digestField.optional().describe("With the entries of the jobs under it."),
      person: z
        .string()
        .min(1)
        .max(64)
        .optional()
        .describe("Part of a person's name, as this node's tokens name people."),
      event: z.enum(EVIDENCE_EVENTS).optional(),
      from: z.iso.date().optional().describe("First day, in UTC."),
      to: z.iso.date().optional().describe("Last day, in UTC."),
      before: z
        .string()
        .regex(/^2\d{3}(?:-\d{1,2})?:\d{1,15}$/)
        .optional()
        .describe("What the answer before this one called next."),
    }),
    response: z.object({
      entries: z.array(entrySummary),
      next: z.string().nullable().describe("Null when all have been looked at."),
      searched: z.number().describe("How many entries were looked at for this answer."),
      searchedBackTo: z.string().nullable().describe("Time of the oldest of them."),
      total: z.number().describe("Entries of all this node's logs of the collaboration."),
    }),
  },
  evidenceEntry: {
    method: "GET",
    path: "/v1/collaborations/:collaboration/logs/:log/entries/:index",
    summary: "One entry with its signatures, its inclusion proof and what stands behind its commitments",
    roles: ["auditor"],
    request: z.strictObject({ collaboration: collaborationField, log: logLabel, index: entryIndex }),
    response: entryDetail,
  },
  checkpoints: {
    method: "GET",
    path: "/v1/collaborations/:collaboration/checkpoints",
    summary: "Who vouches for how much of which log, as far as this node knows by itself",
    roles: ["auditor", "operator"],
    request: ofCollaboration,
    response: z.object({
      own: z
        .array(
          z.object({
            newest: checkpoint,
            cosigned: checkpoint.nullable().describe("The newest that another party has cosigned."),
            keys: z.array(z.string()).describe("Of the log, as C2SP verifier keys for other tools."),
          }),
        )
        .describe("This node's logs, oldest first."),
      witnessed: z
        .array(checkpoint.extend({ owner: z.string() }))
        .describe("Newest checkpoints of others' logs that this node has cosigned."),
      fingerprints: z
        .array(fingerprint)
        .describe("Identities as this node knows them: compare them with what the parties say by telephone."),
    }),
  },
  verifyEvidence: {
    method: "POST",
    path: "/v1/collaborations/:collaboration/verification",
    summary: "Verify this node's own evidence, in this node",
    description:
      "The offline verifier over this node's own export. One at a time; it ends when its caller leaves. A node that lies can lie here, " +
      "too, and the partner's log is not part of it: for an independent answer take the bundle, have the partner's from the partner, " +
      "and run `npx --no-install entente audit verify` on another machine.",
    roles: ["auditor"],
    request: z.strictObject({
      collaboration: collaborationField,
      trust: z
        .array(z.string().regex(/^[0-9a-f]{4}(?:-[0-9a-f]{4}){7}$/))
        .min(1)
        .max(32)
        .optional()
        .describe("Fingerprints of identities that the auditor got elsewhere; any other is tampering."),
    }),
    response: verification,
    events: "progress",
  },
  auditBundle: {
    method: "GET",
    path: "/v1/collaborations/:collaboration/bundle",
    summary: "Evidence of a collaboration as one file, which `entente audit verify` reads",
    roles: ["auditor"],
    request: ofCollaboration,
    response: z.never(),
    file: BUNDLE_TYPES,
  },
  auditReport: {
    method: "GET",
    path: "/v1/collaborations/:collaboration/report",
    summary: "What this node's own evidence says, after the same check, as a file",
    roles: ["auditor"],
    request: z.strictObject({
      collaboration: collaborationField,
      format: z.enum(["html", "json"]),
      language: z.enum(LANGUAGES).optional().describe("Of the page; English by default."),
    }),
    response: z.never(),
    file: { html: REPORT_TYPES.html, json: REPORT_TYPES.json },
  },
} as const satisfies Record<string, Route>;
