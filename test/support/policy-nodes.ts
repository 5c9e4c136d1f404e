/** Jobs of two nodes as the attack tests ask for them: who asks, what came of it, and what the evidence says of it. */
import { join } from "node:path";
import type { Logger } from "pino";
import { vi } from "vitest";
import type { Access } from "../../party/access/access.ts";
import { handlers } from "../../party/api/handlers.ts";
import type { CoordinatorLink } from "../../party/coordinator-link/link.ts";
import { exportEvidence } from "../../party/evidence/export.ts";
import type { JobRequestInput } from "../../party/jobs/ask.ts";
import { isFinal, type Job } from "../../party/jobs/lifecycle.ts";
import { startJob } from "../../party/jobs/start.ts";
import type { Node } from "../../party/node.ts";
import type { NodeOptions } from "../../party/parts.ts";
import { PolicyDesk } from "../../party/policy/desk.ts";
import { makeAgreement, mergeSignatures, signAgreement } from "../../proto/agreement/agreement.ts";
import { AGGREGATE_OUTPUTS } from "../../proto/agreement/fields.ts";
import { collaborationOf } from "../../proto/agreement/identity.ts";
import { toHex } from "../../proto/encoding/bytes.ts";
import { toEntenteError } from "../../proto/errors.ts";
import { MANIFEST_PATH, manifestBytes } from "../../proto/evidence/export.ts";
import { type ParsedStatement, parseStatement } from "../../proto/evidence/statements.ts";
import { nodePorts } from "../../proto/ports/node.ts";
import type { Ports, Timers } from "../../proto/ports/ports.ts";
import { examineFolders } from "../../sdk/verify/verify.ts";
import { RISK_MODEL } from "./credit.ts";
import { demoAgreement } from "./demo-agreement.ts";
import { MemoryFiles } from "./memory-files.ts";
import { REPAYMENTS, range, writePeople } from "./people.ts";
import { startIdealWorker } from "./policy-worker.ts";
import { NOBODY_LISTENS } from "./stub-node.ts";
import { type Filtered, type NodeName, namingSegment, TwoNodes } from "./two-nodes.ts";

export const COLLABORATION = collaborationOf(["bank", "bureau"]);
export const DAY_MS = 86_400_000;
export const ID_FORM = { ids: [{ column: "phone", normaliser: "phone-e164" }] } as const;
/** A colleague who asks, and one who approves. */
export const ANALYST = "Ada";
export const STEWARD = "Bo";

type JobWish = Filtered<Partial<Omit<JobRequestInput, "agreement">> & { readonly agreement: string }>;

/** The list of who matched, unless told otherwise. */
export function requestOf(wish: JobWish): JobRequestInput {
  const tag = { key: "marketing:joint", value: "yes", expiresInDays: 30 };
  const base = { operation: "audience", dataset: "customers", peerDataset: "repayments" } as const;
  return {
    ...base,
    ...(wish.output !== undefined && AGGREGATE_OUTPUTS.includes(wish.output) ? {} : { tag }),
    ...wish,
  } as JobRequestInput;
}

export function rateOf(agreement: string, filter?: string): JobWish {
  return requestOf({ agreement, output: "match-rate", ...(filter === undefined ? {} : { filter }) });
}

/** A score by the partner's columns alone; another `version` or weight is another model version. */
export function scoreOf(agreement: string, version: string, weights?: readonly number[]): JobWish {
  const partner = RISK_MODEL.features.filter(({ party }) => party === "partner");
  const features = partner.map((feature, i) => (weights === undefined ? feature : { ...feature, weight: weights[i] }));
  const model = { ...RISK_MODEL, version, features };
  return requestOf({
    agreement,
    operation: "score",
    model,
    tag: { key: "risk:default", expiresInDays: 30 },
  } as JobWish);
}

/** The bank's job until the bank's node has done with it, or "waiting" for a person there. The code when it was refused. */
export async function outcomeAtBank(nodes: TwoNodes, wish: JobWish, person: string = ANALYST): Promise<string> {
  const request = await namingSegment(nodes.bank, requestOf(wish));
  return startJob(nodes.bank.connected, request as JobRequestInput, person).then(
    async ({ job, finished }) => {
      await finished;
      return stateOf(await nodes.bank.book.require(job.jobId));
    },
    (error: unknown) => toEntenteError(error).code,
  );
}

/** "done", "withheld", "waiting", the code it ended with, or its state. */
export function stateOf(job: Job): string {
  if (job.state === "done") return job.withheld ? "withheld" : "done";
  if (job.state === "proposed" && job.awaitsApproval) return "waiting";
  return job.reason?.code ?? job.state;
}

/** Starts a job and returns as soon as it has been recorded. */
export async function begin(nodes: TwoNodes, wish: JobWish, person: string = ANALYST) {
  const request = await namingSegment(nodes.bank, requestOf(wish));
  const { job, finished } = await startJob(nodes.bank.connected, request as JobRequestInput, person);
  return { jobId: job.jobId, finished };
}

/** A document with the parties' identities, as it is signed by whom a test says, past every node's own checks. */
export function agreementBy(nodes: TwoNodes, draft: Record<string, unknown>) {
  const named = draft.parties as { name: NodeName }[];
  const parties = named.map((party) => ({
    ...party,
    identity: toHex(nodes[party.name].keyring.identity.publicKey),
  }));
  const made = makeAgreement({ ...draft, parties });
  const envelope = (signers: readonly NodeName[]) =>
    signers.map((name) => signAgreement(made, nodes[name].keyring.identity)).reduce(mergeSignatures);
  return { made, digest: made.digest, envelope };
}

/** Of all the node's logs of the collaboration: movable clocks bring new years, and each has a log of its own. */
export async function entriesOf(node: Node): Promise<ParsedStatement[]> {
  const entries: ParsedStatement[] = [];
  for (const log of await node.logbook.logs(COLLABORATION))
    for (let i = 0; i < log.size; i++) entries.push(parseStatement(await log.entry(i)));
  return entries;
}

/** What an auditor finds in the exports of these nodes, changed by `change`. */
export async function auditOf(...exported: Parameters<typeof examinationOf>) {
  return (await examinationOf(...exported)).report;
}

/** The same, with what a report is made of. */
export async function examinationOf(
  nodes: readonly Node[],
  change: (path: string, bytes: Uint8Array) => Uint8Array = (_path, bytes) => bytes,
) {
  const files = new MemoryFiles();
  for (const node of nodes) {
    const party = node.keyring.party;
    const bundle = (await exportEvidence(node.connected, COLLABORATION))
      .filter(({ path }) => path !== MANIFEST_PATH)
      .map(({ path, bytes }) => ({ path, bytes: change(path, bytes) }));
    const manifest = manifestBytes({ collaboration: COLLABORATION, exportingParty: party }, bundle);
    for (const { path, bytes } of [...bundle, { path: MANIFEST_PATH, bytes: manifest }])
      files.contents.set(`/${party}/${path}`, new Uint8Array(bytes));
  }
  return examineFolders(
    nodes.map((node) => `/${node.keyring.party}`),
    { files },
  );
}

export async function logSize(node: Node): Promise<number> {
  return (await node.logbook.logs(COLLABORATION)).reduce((size, log) => size + log.size, 0);
}

/** The node's own decisions are ignored, as if its software had been changed; `vi.restoreAllMocks` ends it. */
export function ignorePolicy(node: Node): void {
  const { policy } = node.connected;
  vi.spyOn(policy, "decide").mockImplementation(async (question) => ({
    ...(await PolicyDesk.prototype.decide.call(policy, question)),
    refusedBy: undefined,
  }));
}

/** Kinds of the entries about a job, a decision as `policy-decision:allowed`. */
export async function eventsOf(node: Node, jobId: string): Promise<string[]> {
  return (await entriesOf(node)).flatMap(({ event, statement: { predicate } }) => {
    const isAbout =
      ("jobId" in predicate && predicate.jobId === jobId) || ("job" in predicate && predicate.job.jobId === jobId);
    if (!isAbout) return [];
    return [event === "policy-decision" && "decision" in predicate ? `${event}:${predicate.decision}` : event];
  });
}

/** How many runs the node's log has charged. */
export async function chargedRuns(node: Node): Promise<number> {
  return (await node.connected.policy.runs({ collaboration: COLLABORATION })).length;
}

export async function subjectsOf(node: Node): Promise<string[]> {
  const subjects: string[] = [];
  for await (const { subject } of node.store.tags({ now: node.clock.now() })) subjects.push(subject);
  return subjects;
}

/** How many tags the node's feed holds. Throws what refuses it. */
export async function feedOf(node: Node, wish: { format: "csv"; key?: string } = { format: "csv" }): Promise<number> {
  const routes = handlers(node, {} as Access, {} as Logger, "0");
  const caller = { person: ANALYST } as never;
  const { stream } = (await routes.exportTags(wish as never, caller, NOBODY_LISTENS)) as {
    stream: AsyncIterable<Uint8Array>;
  };
  let text = "";
  for await (const chunk of stream) text += Buffer.from(chunk).toString();
  return text.trimEnd().split("\n").length - 1;
}

export async function untilEnded(node: Node, jobId: string): Promise<Job> {
  for (let tries = 0; tries < 400; tries++) {
    const job = await node.book.require(jobId).catch(() => undefined);
    if (job !== undefined && isFinal(job.state)) return job;
    await new Promise((done) => setTimeout(done, 10));
  }
  throw new Error("the job did not end");
}

/** Wall clocks that a test moves, while monotonic time goes on, and timers that it can let run out. */
export class Times {
  readonly aheadMs: Record<NodeName, number> = { bank: 0, bureau: 0 };
  readonly #waiting: { readonly delayMs: number; readonly run: () => void }[] = [];

  both(aheadMs: number): void {
    this.aheadMs.bank = aheadMs;
    this.aheadMs.bureau = aheadMs;
  }

  /** Both clocks an hour into a later epoch of so many days than before; what ran until now does not count any more. */
  nextEpoch(epochDays: number): void {
    const epochMs = epochDays * DAY_MS;
    const next = Math.floor((Date.now() + Math.max(this.aheadMs.bank, this.aheadMs.bureau)) / epochMs) + 1;
    this.both(next * epochMs + 3_600_000 - Date.now());
  }

  portsOf(party: NodeName): Ports {
    const clock = { ...nodePorts.clock, nowMs: () => nodePorts.clock.nowMs() + this.aheadMs[party] };
    const after: Timers["after"] = (delayMs, run) => {
      const item = { delayMs, run };
      this.#waiting.push(item);
      const forget = () => {
        const at = this.#waiting.indexOf(item);
        if (at >= 0) this.#waiting.splice(at, 1);
      };
      const cancel = nodePorts.timers.after(delayMs, () => {
        forget();
        run();
      });
      return () => {
        forget();
        cancel();
      };
    };
    return { ...nodePorts, clock, timers: { after } };
  }

  /** Every timer of that delay goes off. */
  pass(delayMs: number): void {
    for (const item of this.#waiting.filter((waiting) => waiting.delayMs === delayMs)) {
      this.#waiting.splice(this.#waiting.indexOf(item), 1);
      item.run();
    }
  }
}

/** The demo's agreement with small floors, for the lists of these tests. */
export function smallAgreement(changes: Record<string, unknown> = {}): Record<string, unknown> {
  const floors = { input: 10, result: 5, sizeRatio: 1_000, ...((changes.floors as object | undefined) ?? {}) };
  return demoAgreement({ ...changes, floors }, "psi-vole");
}

/** Both operations of the agreement with the given approval modes. */
export function withApproval(receiver: string, provider: string): Record<string, unknown> {
  const { operations } = demoAgreement({}, "psi-vole") as { operations: object[] };
  return { operations: operations.map((operation) => ({ ...operation, approval: { receiver, provider } })) };
}

type ColumnsOf = Parameters<typeof writePeople>[2];

interface Lists {
  readonly bank?: readonly number[];
  readonly bureau?: readonly number[];
  readonly bankColumns?: ColumnsOf;
  /** Beside the demo's. */
  readonly bureauColumns?: ColumnsOf;
  readonly wrap?: (party: NodeName) => (link: CoordinatorLink) => CoordinatorLink;
  /** Of the bank. */
  readonly store?: NodeOptions["store"];
}

/** Two nodes under these clocks and without cryptography, each with a list of people: 50 a side, of whom 30 are in both, unless told otherwise. */
export async function startWithLists(times: Times, lists: Lists = {}) {
  const { bank = range(0, 50), bureau = range(20, 70), bankColumns = { n: (person) => person }, wrap } = lists;
  const { store } = lists;
  const optionsOf = (party: NodeName) => ({ ports: times.portsOf(party), ...(wrap && { wrap: wrap(party) }) });
  const changes = { bank: { ...optionsOf("bank"), store }, bureau: optionsOf("bureau") };
  const nodes = await TwoNodes.start({ ...changes, startWorker: startIdealWorker });
  const data = join(nodes.coordinator.folder, "data");
  const files = {
    bank: await writePeople(join(data, "bank.csv"), bank, bankColumns),
    bureau: await writePeople(join(data, "bureau.csv"), bureau, { ...REPAYMENTS, ...lists.bureauColumns }),
  };
  await nodes.register(files);
  return { nodes, data, files };
}
