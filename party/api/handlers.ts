/** The API's routes as calls into the node. Shapes answers; decides nothing. */

import type { Logger } from "pino";
import { fingerprint } from "../../proto/agreement/identity.ts";
import { agreementJsonSchema } from "../../proto/agreement/schema.ts";
import { toHex } from "../../proto/encoding/bytes.ts";
import { CATALOGUE, EntenteError } from "../../proto/errors.ts";
import { openApiDocument } from "../../proto/http/openapi.ts";
import type { Progress } from "../../proto/http/progress.ts";
import type { RouteResponse } from "../../proto/http/routes.ts";
import { partyId } from "../../proto/ids.ts";
import type { LeakStatement } from "../../proto/policy/leak-statement.ts";
import { classRange } from "../../proto/size-class.ts";
import type { Access } from "../access/access.ts";
import { accessHandlers } from "../access/handlers.ts";
import type { Caller } from "../access/tokens.ts";
import { agreementHandlers } from "../agreements/handlers.ts";
import { viewCheck } from "../data/check-view.ts";
import { viewDataset } from "../data/view.ts";
import { doctorHandlers } from "../doctor/handlers.ts";
import { realMachine } from "../doctor/machine.ts";
import { startOf } from "../doctor/validity.ts";
import { evidenceHandlers } from "../evidence/handlers.ts";
import { feedHandlers } from "../feeds/handlers.ts";
import {
  type Circumstances,
  circumstancesOf,
  decideJob,
  describeJob,
  type WaitingJob,
  waitingJobs,
} from "../jobs/approvals.ts";
import { budgets, type DryRun, dryRun } from "../jobs/dry-run.ts";
import { followJob } from "../jobs/events.ts";
import { resultHandlers } from "../jobs/handlers.ts";
import { isFinal, type Job } from "../jobs/lifecycle.ts";
import { decideBefore } from "../jobs/pending.ts";
import { jobTerms } from "../jobs/terms.ts";
import type { Node } from "../node.ts";
import { withoutResult } from "../progress/discreet.ts";
import { reportHandlers } from "../report/handlers.ts";
import { segmentHandlers } from "../segments/handlers.ts";
import { signInHandlers } from "../sign-in/handlers.ts";
import { statusHandlers } from "../status/handlers.ts";
import { tagHandlers } from "../tags/handlers.ts";
import { auditHandlers } from "./audit/handlers.ts";
import type { Handlers } from "./server.ts";

export function handlers(node: Node, access: Access, logger: Logger, version: string): Handlers {
  const info = (): RouteResponse<"node"> => ({
    party: node.keyring.party,
    fingerprint: fingerprint(node.keyring.identity.publicKey),
    coordinator: node.isEnrolled ? node.connected.enrolled.coordinator : null,
    connected: node.isEnrolled && node.connected.isOnline(),
    version,
  });
  const start = startOf(node.wallClock);
  let description: RouteResponse<"openApi"> | undefined;
  const jobView = (job: Job) => viewJob(job, node.book.progress(job.jobId));
  return {
    ...segmentHandlers(node),
    node: async () => info(),
    enrol: async ({ invite }) => {
      await node.enrol(invite);
      return info();
    },
    invite: async ({ party }) => node.connected.link.createInvite(partyId(party)),
    peers: async () => ({ peers: await node.connected.peers.list() }),
    confirmPeer: async ({ party, fingerprint: typed }) => node.connected.peers.confirm(party, typed),
    acceptSuccession: async ({ party, fingerprint: typed }) => node.connected.peers.acceptSuccession(party, typed),
    peerDatasets: async ({ party }) => ({
      datasets: (await node.peerDatasets(party)).map(({ name, ids, columns, segments }) => ({
        name,
        ids: [...ids],
        columns: [...columns],
        segments: [...segments],
      })),
    }),
    datasets: async () => ({ datasets: (await node.datasets.list()).map(viewDataset) }),
    registerDataset: async (input, _caller, { tell }) => viewDataset(await node.datasets.register(input, tell)),
    checkDataset: async ({ showIds, ...input }, { roles }, { tell }) => {
      const { check, quarantinePath } = await node.datasets.check(input, tell);
      return viewCheck(check, {
        quarantinePath,
        ids: roles.includes("analyst") ? (showIds ? "shown" : "masked") : "none",
      });
    },
    agreements: async () => ({ agreements: (await node.connected.agreements.list()).map(viewAgreement) }),
    agreement: async ({ digest }) => viewAgreement(await node.connected.agreements.status(digest)),
    proposeAgreement: async ({ document }) => viewAgreement(await node.connected.agreements.propose(document)),
    signAgreement: async ({ digest }) => viewAgreement(await node.connected.agreements.sign(digest)),
    jobs: async (_input, caller) => ({ jobs: (await node.book.list()).map((job) => forCaller(jobView(job), caller)) }),
    job: async ({ jobId }, caller) => forCaller(jobView(await node.book.require(jobId)), caller),
    jobTerms: async ({ jobId }) => jobTerms(node.connected, await node.book.require(jobId)),
    jobEvents: async ({ jobId }, caller, { lastEventId, signal }) => {
      const view = (job: Job, progress: Progress | undefined) => forCaller(viewJob(job, progress), caller);
      return followJob({ book: node.book, timers: node.ports.timers, jobId, lastEventId, signal, view });
    },
    startJob: async (input, caller) => jobView(await node.book.require(await node.startJob(input, caller.person))),
    commitTiers: async ({ tiers }) => ({
      commitment: toHex(await node.connected.vault.commitTo("tiers", tiers)),
    }),
    revokeAgreement: async ({ digest, reason }) => {
      await node.connected.revocations.revoke(digest, reason);
      return viewAgreement(await node.connected.agreements.status(digest));
    },
    agreementSchema: async () => agreementJsonSchema(),
    budgets: async () => ({ budgets: (await budgets(node.connected)).map(viewBudget) }),
    approvals: async (_input, caller) => ({
      approvals: await Promise.all(
        (await waitingJobs(node.connected)).map(async (waiting) => ({
          job: forCaller(jobView(waiting.job), caller),
          ...viewWaiting(waiting, await circumstancesOf(node.connected, waiting)),
        })),
      ),
    }),
    decideJob: async ({ jobId, decision, reason, leakStatement }, caller) => {
      using _place = decision === "approve" ? await node.connected.gates.enterJob() : undefined;
      const decided = { jobId, isApproved: decision === "approve", person: caller.person, reason, leakStatement };
      return forCaller(jobView(await decideJob(node.connected, decided)), caller);
    },
    leakStatement: async ({ jobId }) =>
      viewLeak((await describeJob(node.connected, await node.book.require(jobId))).statement),
    dryRun: async (input) => viewDryRun(await dryRun(node.connected, input)),
    ...agreementHandlers(node),
    ...resultHandlers(node),
    ...evidenceHandlers(node),
    ...auditHandlers(node),
    ...reportHandlers(node),
    ...tagHandlers(node),
    ...feedHandlers(node),
    ...accessHandlers(access, { party: () => node.keyring.party, logger }),
    ...signInHandlers(access, logger),
    ...doctorHandlers({ node, machine: realMachine, start }),
    ...statusHandlers({ node, machine: realMachine, startedAtMs: start.wallMs, version }),
    openApi: async () => {
      description ??= { ...openApiDocument(version) };
      return description;
    },
  };
}

function viewBudget<T extends { epochEndsAt: number }>(budget: T) {
  return { ...budget, epochEndsAt: new Date(budget.epochEndsAt).toISOString() };
}

function viewLeak({ text, parts, digest, translations }: LeakStatement) {
  const chinese = translations["zh-CN"];
  return { text, parts: { ...parts }, digest, translations: { "zh-CN": { ...chinese, parts: { ...chinese.parts } } } };
}

function viewWaiting(
  { job, spec, agreement, statement }: WaitingJob,
  { budget, news, lastRunAt }: Circumstances,
): Omit<RouteResponse<"approvals">["approvals"][number], "job"> {
  const { title, version, purposes } = agreement.document;
  const purpose = purposes.find(({ id }) => id === spec.purpose);
  const { role, at, requestedBy } = job.proposed;
  const [ownDataset, peerDataset] =
    role === "receiver" ? [spec.receiverDataset, spec.providerDataset] : [spec.providerDataset, spec.receiverDataset];
  return {
    ...{ title, version, ownDataset, peerDataset },
    requestedBy: requestedBy ?? null,
    proposedAt: at,
    decideBefore: new Date(decideBefore(at)).toISOString(),
    purpose: spec.purpose,
    purposeText: purpose?.text ?? "",
    legalBasis: purpose?.legalBasis ?? "",
    leakStatement: viewLeak(statement),
    news: [...news],
    lastRunAt: lastRunAt === undefined ? null : new Date(lastRunAt).toISOString(),
    budget: budget === undefined ? null : viewBudget(budget),
  };
}

function viewDryRun({ decision, needsApproval, budget, statement }: DryRun): RouteResponse<"dryRun"> {
  const { refusedBy, rules } = decision;
  return {
    allowed: refusedBy === undefined,
    refusedBy: refusedBy === undefined ? null : new EntenteError(refusedBy).toPublic(),
    needsApproval,
    rules: rules.map(({ code, outcome, inputs }) => ({ code, outcome, inputs: { ...inputs } })),
    budget: budget === undefined ? null : viewBudget(budget),
    leakStatement: viewLeak(statement),
  };
}

function viewAgreement<T extends { parties: readonly string[]; signedBy: readonly string[]; document: object }>(
  status: T,
) {
  return {
    ...status,
    parties: [...status.parties],
    signedBy: [...status.signedBy],
    document: status.document as Record<string, unknown>,
  };
}

function viewJob(job: Job, progress: Progress | undefined): RouteResponse<"job"> {
  const { operation, output, role, peer, agreement, ownRows } = job.proposed;
  const { reason, summary, peerSizeClass } = job;
  return {
    jobId: job.jobId,
    ...{ operation, output, role, peer, agreement, ownRows },
    awaitsApproval: job.awaitsApproval && job.state === "proposed",
    state: job.state,
    updatedAt: job.updatedAt,
    progress: isFinal(job.state) ? null : (progress ?? null),
    reason:
      reason === undefined
        ? null
        : {
            code: reason.code,
            message: CATALOGUE[reason.code].text,
            who: CATALOGUE[reason.code].who,
            ...(reason.detail === undefined ? {} : { detail: reason.detail }),
            ...(reason.by === undefined ? {} : { by: reason.by }),
          },
    withheld: job.withheld,
    peerRows: peerSizeClass === undefined ? null : classRange(peerSizeClass),
    summary: summary === undefined ? null : summaryOf(summary),
  };
}

/** A report has a route of its own. */
function summaryOf({
  report: _,
  ...summary
}: NonNullable<Job["summary"]>): NonNullable<RouteResponse<"job">["summary"]> {
  return summary;
}

/** What came out of a job is for analysts: who approves or audits sees that it ran, how long, and how it ended. */
function forCaller(view: RouteResponse<"job">, { roles }: Caller): RouteResponse<"job"> {
  if (roles.includes("analyst")) return view;
  const progress = view.progress === null ? null : withoutResult(view.progress);
  if (view.summary === null) return { ...view, progress };
  const { matched: _, tags: __, matchRate: ___, labelsUnreadable: ____, ...summary } = view.summary;
  return { ...view, progress, summary };
}
