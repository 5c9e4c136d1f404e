/** A peer with a valid certificate and true signatures that does not keep to the agreement: the other node refuses. */
import { randomBytes } from "node:crypto";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import type { CoordinatorLink } from "../../party/coordinator-link/link.ts";
import { PHONE_PROFILE } from "../../party/data/phone.ts";
import { attemptPlan, jobKeyOf, jobShape } from "../../party/jobs/shape.ts";
import type { Node } from "../../party/node.ts";
import { partitionPlan } from "../../party/protocols/plan.ts";
import { Channel, type SessionPurpose } from "../../party/session/channel.ts";
import { ControlClient } from "../../party/session/control.ts";
import { makeAgreement, mergeSignatures, signAgreement } from "../../proto/agreement/agreement.ts";
import { collaborationOf } from "../../proto/agreement/identity.ts";
import { type JobSpec, readJobAnswer, signJobSpec } from "../../proto/agreement/job-spec.ts";
import { readInForce, signInForce } from "../../proto/agreement/revocation.ts";
import type { Wake } from "../../proto/codec/coordinator.ts";
import type { WirePrepareRequest, WirePrepareResponse } from "../../proto/codec/session-messages.ts";
import { toHex, utf8 } from "../../proto/encoding/bytes.ts";
import { encodeEnvelope } from "../../proto/encoding/dsse.ts";
import { digestOf } from "../../proto/encoding/sha256.ts";
import { type ErrorCode, toEntenteError } from "../../proto/errors.ts";
import { parseStatement } from "../../proto/evidence/statements.ts";
import { parseBundle } from "../../proto/evidence/tiles.ts";
import { type Digest, type JobId, partyId, type RelayId } from "../../proto/ids.ts";
import { parseModel } from "../../proto/model/model.ts";
import { parsePartnerView, partnerView } from "../../proto/model/partner-view.ts";
import { nodePorts } from "../../proto/ports/node.ts";
import { RISK_MODEL } from "../support/credit.ts";
import { demoAgreement, generous, PURPOSE } from "../support/demo-agreement.ts";
import { AUDIENCE_SPEC } from "../support/fuzz/job-specs.ts";
import { InlineWorker } from "../support/inline-worker.ts";
import { REPAYMENTS, range, writePeople } from "../support/people.ts";
import { TwoNodes } from "../support/two-nodes.ts";

let nodes: TwoNodes;
let agreement: Digest;
let draft: Record<string, unknown>;
const collaboration = collaborationOf(["bank", "bureau"]);

/** As the bureau's coordinator would say it. */
let wakeBureau: (wake: Wake) => void = () => undefined;
/** The bureau's deadlines for jobs that nobody comes for. */
const IDLE_TIMEOUT_MS = 1_200_000;
const idle: (() => void)[] = [];
function wake(from: string, purpose: Wake["purpose"]): Wake {
  const relayId = randomBytes(16).toString("hex") as RelayId;
  return { relayId, from: partyId(from), purpose, expiresInSeconds: 60, number: 1 };
}

beforeAll(async () => {
  const wrap = (link: CoordinatorLink): CoordinatorLink => ({
    ...link,
    openInbox(listener) {
      wakeBureau = (wake) => listener.onWake(wake);
      return link.openInbox(listener);
    },
  });
  const after: typeof nodePorts.timers.after = (delayMs, run) => {
    const cancel = nodePorts.timers.after(delayMs, run);
    if (delayMs === IDLE_TIMEOUT_MS) idle.push(run);
    return cancel;
  };
  nodes = await TwoNodes.start({ bureau: { wrap, ports: { ...nodePorts, timers: { after } } } });
  const data = join(nodes.coordinator.folder, "data");
  await nodes.register({
    bank: await writePeople(join(data, "bank.csv"), range(0, 1_000)),
    bureau: await writePeople(join(data, "bureau.csv"), range(200, 1_200), {
      ...REPAYMENTS,
      SALARY: () => 1,
      NOTE: () => "x",
    }),
  });
  const form = { ids: [{ column: "phone", normaliser: "phone-e164" }] } as const;
  await nodes.bureau.datasets.register({ name: "staff", path: join(data, "bureau.csv"), ...form });
  const small = await writePeople(join(data, "small.csv"), range(0, 999), REPAYMENTS);
  await nodes.bureau.datasets.register({ name: "small", path: small, ...form });
  await nodes.bureau.datasets.register({
    name: "opaque",
    path: small,
    ids: [{ column: "phone", normaliser: "opaque" }],
  });
  draft = demoAgreement(generous());
  const [customers, repayments] = draft.datasets as [object, { columns: object[] }];
  const columns = [...repayments.columns, { name: "NOTE", role: "feature" }, { name: "GONE", role: "feature" }];
  const bureauSets = ["repayments", "small", "opaque", "absent"].map((name) => ({ ...repayments, name, columns }));
  const operations = ["repayments", "small", "opaque", "absent"].flatMap((providerDataset) =>
    (draft.operations as object[]).map((operation) => ({ ...operation, providerDataset })),
  );
  draft = { ...draft, datasets: [customers, ...bureauSets], operations };
  agreement = await nodes.agree(draft);
});
afterEach(() => {
  vi.restoreAllMocks();
  // Jobs that were only admitted or prepared: the bureau serves so many and no more.
  for (const end of idle.splice(0)) end();
});
afterAll(() => nodes.close());

const MODEL = {
  ...RISK_MODEL,
  features: RISK_MODEL.features.filter((feature) => feature.party === "partner"),
};

function modelOn(column: string) {
  const [first] = MODEL.features;
  return partnerView(parseModel({ ...MODEL, features: [{ ...first, column }] }), new Uint8Array(32));
}

function treeOn(column: string) {
  const tree = { feature: [0], threshold: [0], left: [-1], right: [-2], missing: ["left"] };
  const head = { format: "entente-model-view/1", commitment: "00".repeat(32), kind: "trees" };
  return parsePartnerView({ ...head, comparison: "float32-below", columns: [column], trees: [tree] });
}

let counter = 0;
function specOf(change: Partial<Record<keyof JobSpec, unknown>> = {}): JobSpec {
  return {
    ...AUDIENCE_SPEC,
    jobId: digestOf(utf8(`job ${++counter}`)).slice(0, 32),
    agreement,
    output: change.operation === "score" ? "score" : "list",
    purpose: PURPOSE,
    normalisers: [PHONE_PROFILE],
    createdAt: new Date().toISOString(),
    ...change,
  } as JobSpec;
}

async function control<T>(ask: (client: ControlClient) => Promise<T>, from: Node = nodes.bank): Promise<T> {
  const { peers, meetings } = from.connected;
  const client = new ControlClient(
    await meetings.openControl(await peers.require(from === nodes.bank ? "bureau" : "bank")),
  );
  try {
    return await ask(client);
  } finally {
    await client.close();
  }
}

/** What the bureau's node answers to a spec that the bank's jobs key has signed, asked without the bank's own checks. */
async function offer(spec: JobSpec, key = nodes.bank.keyring.keys.jobs): Promise<ErrorCode | "admitted"> {
  const { envelope, digest } = signJobSpec(spec, key);
  try {
    const answer = await control((client) => client.job(envelope));
    const { peers } = nodes.bank.connected;
    const read = readJobAnswer(answer, (await peers.require("bureau")).key("jobs"), digest);
    return read.decision === "refused" ? read.code : "admitted";
  } catch (error) {
    return toEntenteError(error).code;
  }
}

function prepare(jobId: JobId, change: Partial<WirePrepareRequest> = {}): Promise<WirePrepareResponse> {
  const inForce = nodes.bank.connected.leases.statement({ digest: agreement });
  return control((client) => client.prepare({ jobId, lastAttempt: 0, finished: [], inForce, ...change }));
}

/** The envelope of the bureau's answer, byte for byte as the store keeps it. */
async function answerTo(spec: JobSpec): Promise<string> {
  const { envelope } = signJobSpec(spec, nodes.bank.keyring.keys.jobs);
  return new TextDecoder().decode(encodeEnvelope(await control((client) => client.job(envelope))));
}

async function leftovers(party: "bank" | "bureau"): Promise<{ spool: string[]; secrets: unknown[]; tags: unknown }> {
  const db = new DatabaseSync(join(nodes.folder(party), "node.db"), { readOnly: true });
  try {
    return {
      spool: await readdir(join(nodes.folder(party), "spool")).catch(() => []),
      secrets: db.prepare("SELECT jobId, name FROM job_secret").all(),
      tags: db.prepare("SELECT count(*) AS n FROM tag").get()?.n,
    };
  } finally {
    db.close();
  }
}

const NOTHING = { spool: [], secrets: [], tags: 0 };

async function entries(node: Node) {
  const files = await (await node.logbook.log(collaboration)).exportFiles();
  const bundles = files.filter(({ path }) => path.startsWith("tile/entries/"));
  return bundles.flatMap(({ path, bytes }) => {
    const width = Number(/\.p\/(\d+)$/.exec(path)?.[1] ?? 256);
    return parseBundle(bytes, width).map((entry) => parseStatement(entry));
  });
}

describe("a job outside the agreement, signed by the right key", () => {
  test.each<[string, () => Partial<Record<keyof JobSpec, unknown>>, ErrorCode]>([
    ["of another dataset that is there", () => ({ providerDataset: "staff" }), "POLICY_DATASET"],
    ["of another dataset of the receiver's", () => ({ receiverDataset: "staff" }), "POLICY_DATASET"],
    ["of an agreed dataset that is not registered", () => ({ providerDataset: "absent" }), "NOT_FOUND"],
    ["with a column that is not agreed", () => ({ operation: "score", model: modelOn("SALARY") }), "POLICY_DATASET"],
    [
      "with trees on a column that is not agreed",
      () => ({ operation: "score", model: treeOn("SALARY") }),
      "POLICY_DATASET",
    ],
    [
      "with trees on an agreed column that the data has not",
      () => ({ operation: "score", model: treeOn("GONE") }),
      "DATASET_COLUMN_UNKNOWN",
    ],
    [
      "with trees on an agreed column that holds text",
      () => ({ operation: "score", model: treeOn("NOTE") }),
      "DATASET_COLUMN_TYPE",
    ],
    ["with the id column as a feature", () => ({ operation: "score", model: modelOn("phone") }), "POLICY_DATASET"],
    [
      "with an agreed column that the data has not",
      () => ({ operation: "score", model: modelOn("GONE") }),
      "DATASET_COLUMN_UNKNOWN",
    ],
    [
      "with an agreed column that holds text",
      () => ({ operation: "score", model: modelOn("NOTE") }),
      "DATASET_COLUMN_TYPE",
    ],
    ["on 999 rows of the provider's", () => ({ providerDataset: "small" }), "POLICY_INPUT_FLOOR"],
    ["under an agreement that nobody knows", () => ({ agreement: "00".repeat(32) }), "AGREEMENT_UNKNOWN"],
    ["with the parts swapped", () => ({ receiver: "bureau", provider: "bank" }), "SESSION_MISMATCH"],
    ["for a third party", () => ({ receiver: "telecom" }), "SESSION_MISMATCH"],
  ])("%s", async (_what, change, code) => {
    const spec = specOf(change());
    expect(await offer(spec)).toBe(code);
    // Refused for good: neither prepared nor served.
    await expect(prepare(spec.jobId)).rejects.toMatchObject({
      code: expect.stringMatching(/^(NOT_FOUND|WIRE_UNEXPECTED)$/),
    });
    expect(await leftovers("bureau")).toEqual(NOTHING);
  });

  test("of an operation that another agreement leaves out", async () => {
    const operations = (draft.operations as { operation: string }[]).filter(({ operation }) => operation === "score");
    const other = await nodes.agree({ ...draft, title: "Scores only", operations });
    expect(await offer(specOf({ agreement: other }))).toBe("POLICY_OPERATION");
  });

  test("under an agreement that is over, or not yet in force, or signed by one side", async () => {
    const over = await nodes.agree({ ...draft, validUntil: "2021-01-01T00:00:00.000Z" });
    expect(await offer(specOf({ agreement: over }))).toBe("AGREEMENT_EXPIRED");
    const early = await nodes.agree({ ...draft, validFrom: "2098-01-01T00:00:00.000Z" });
    expect(await offer(specOf({ agreement: early }))).toBe("AGREEMENT_EXPIRED");
    const { digest } = await nodes.bank.connected.agreements.propose({ ...draft, title: "Not signed by the bureau" });
    expect(await offer(specOf({ agreement: digest }))).toBe("AGREEMENT_UNSIGNED");
  });

  test("on a list that is registered with another normaliser than agreed", async () => {
    const lenient = await nodes.agree({ ...draft, floors: { input: 1 } });
    expect(await offer(specOf({ agreement: lenient, providerDataset: "opaque" }))).toBe("POLICY_DATASET");
  });

  test("over ids that are normalised by other rules than here", async () => {
    for (const [normalisers, code] of [
      [["phone-e164 (libphonenumber-js 1.9.52)"], "NORMALISER_RECEIVER_OLDER"],
      [["phone-e164 (libphonenumber-js 9.0)"], "NORMALISER_PROVIDER_OLDER"],
      [["phone-e164 (libphonenumber-python 9.0)"], "POLICY_DATASET"],
      [["opaque"], "POLICY_DATASET"],
      [[PHONE_PROFILE, "opaque"], "POLICY_DATASET"],
    ] as const)
      expect(await offer(specOf({ normalisers: [...normalisers] }))).toBe(code);
  });

  test("signed by another key of the bank's", async () => {
    const { keys } = nodes.bank.keyring;
    expect(await offer(specOf(), { ...keys.log, keyId: "bank/jobs" })).toBe("SIGNATURE_INVALID");
    expect(await offer(specOf(), keys.cosigner)).toBe("SIGNATURE_INVALID");
  });

  test("every refusal of an agreed party's is in the bureau's evidence, with its reason", async () => {
    const spec = specOf({ providerDataset: "small" });
    await offer(spec);
    const about = (await entries(nodes.bureau)).filter(
      ({ statement }) => "jobId" in statement.predicate && statement.predicate.jobId === spec.jobId,
    );
    expect(about.map(({ event }) => event)).toEqual(["job-requested", "policy-decision", "refused"]);
    expect(about.at(-1)?.statement.predicate).toMatchObject({ by: "bureau", code: "POLICY_INPUT_FLOOR" });
    expect((await nodes.bureau.book.require(spec.jobId)).reason).toEqual({ code: "POLICY_INPUT_FLOOR", by: "own" });
  });
});

describe("one job id, two stories", () => {
  async function eventsOf(jobId: string): Promise<string[]> {
    const about = (await entries(nodes.bureau)).filter(
      ({ statement }) => "jobId" in statement.predicate && statement.predicate.jobId === jobId,
    );
    return about.map(({ event }) => event);
  }

  test("the same offer again has the same answer, another one none, and nothing changes of the first", async () => {
    const spec = specOf();
    const answer = await answerTo(spec);
    expect(await answerTo(spec)).toBe(answer);
    expect(await nodes.bureau.store.jobDocument(spec.jobId, "answer")).toBe(answer);
    expect(await offer({ ...spec, operation: "score", output: "score", model: modelOn("PAY_0") })).toBe(
      "ALREADY_EXISTS",
    );
    expect(await offer({ ...spec, receiverNonce: "cd".repeat(32) })).toBe("ALREADY_EXISTS");
    const { envelope, digest } = signJobSpec(spec, nodes.bank.keyring.keys.jobs);
    const stored = await nodes.bureau.store.jobDocument(spec.jobId, "spec");
    expect(stored).toBe(new TextDecoder().decode(encodeEnvelope(envelope)));
    expect((await nodes.bureau.book.require(spec.jobId)).proposed.jobDigest).toBe(digest);
    expect(await eventsOf(spec.jobId)).toEqual(["job-requested", "policy-decision"]);
  });

  test("nor after a refusal: it stays refused, and the other spec is answered with nothing that is signed", async () => {
    const spec = specOf({ providerDataset: "small" });
    const answer = await answerTo(spec);
    expect(await answerTo(spec)).toBe(answer);
    expect(await offer(spec)).toBe("POLICY_INPUT_FLOOR");
    expect(await offer({ ...spec, providerDataset: "repayments" as JobSpec["providerDataset"] })).toBe(
      "ALREADY_EXISTS",
    );
    expect(await nodes.bureau.store.jobDocument(spec.jobId, "answer")).toBe(answer);
    expect(await eventsOf(spec.jobId)).toEqual(["job-requested", "policy-decision", "refused"]);
  });

  test("two offers at the same time are one job, with one answer", async () => {
    const spec = specOf();
    const [first, second] = await Promise.all([answerTo(spec), answerTo(spec)]);
    expect(first).toBe(second);
    expect(await eventsOf(spec.jobId)).toEqual(["job-requested", "policy-decision"]);
  });

  test("of two different ones at the same time one is a job", async () => {
    const spec = specOf();
    const outcomes = await Promise.all([spec, { ...spec, receiverNonce: "cd".repeat(32) }].map((one) => offer(one)));
    expect(outcomes.toSorted()).toEqual(["ALREADY_EXISTS", "admitted"]);
    expect(await eventsOf(spec.jobId)).toEqual(["job-requested", "policy-decision"]);
  });
});

describe("a job session", () => {
  async function admitted(): Promise<{ spec: JobSpec; digest: Digest }> {
    const spec = specOf();
    const { digest } = signJobSpec(spec, nodes.bank.keyring.keys.jobs);
    const { jobId, provider: peer } = spec;
    await nodes.bank.connected.link.createJob({ jobId, agreementDigest: agreement, peer, jobDigest: digest });
    expect(await offer(spec)).toBe("admitted");
    return { spec, digest };
  }

  async function openJob(jobId: JobId, attempt: number, purpose: Partial<SessionPurpose> = {}): Promise<string> {
    const { peers, meetings } = nodes.bank.connected;
    const base = {
      kind: "job",
      jobDigest: "00".repeat(32),
      attempt,
      parameters: "11".repeat(32),
      plan: "22".repeat(32),
    };
    const claims = { ...base, ...purpose } as Extract<SessionPurpose, { kind: "job" }>;
    try {
      (await meetings.openJob(await peers.require("bureau"), jobId, claims)).close();
      return "open";
    } catch (error) {
      return toEntenteError(error).code;
    }
  }

  /** The purpose of the attempt as the bank's node would sign it. */
  async function truePurpose({ spec, digest }: Awaited<ReturnType<typeof admitted>>) {
    const { sizeClass, nonce, attempt } = await prepare(spec.jobId);
    const shape = jobShape(spec, sizeClass, partitionPlan);
    const plan = (from: Uint8Array) =>
      attemptPlan(shape, jobKeyOf(digest, Uint8Array.fromHex(spec.receiverNonce), from), []);
    const purpose = { jobDigest: digest, parameters: shape.parameters, plan: plan(nonce) };
    return { attempt, purpose, withNonce: (other: Uint8Array) => ({ ...purpose, plan: plan(other) }) };
  }

  test("for another job, plan or job key than the admitted one is not opened, and the job waits", async () => {
    const job = await admitted();
    const { jobId } = job.spec;
    const { attempt, purpose, withNonce } = await truePurpose(job);
    expect(attempt).toBe(1);
    for (const other of [
      { ...purpose, jobDigest: "00".repeat(32) },
      { ...purpose, parameters: "11".repeat(32) },
      { ...purpose, plan: "22".repeat(32) },
      withNonce(new Uint8Array(32)),
    ])
      expect(await openJob(jobId, 1, other)).toBe("SESSION_MISMATCH");
    expect(await nodes.bureau.book.require(jobId)).toMatchObject({ state: "admitted", attempt: 0, reason: undefined });
    // With the true one it is: only then has the peer proved itself, and the attempt begun.
    expect(await openJob(jobId, 1, purpose)).toBe("open");
    await vi.waitFor(async () => {
      expect(await nodes.bureau.book.require(jobId)).toMatchObject({ state: "running", attempt: 1 });
    });
    // The session was closed at once, so another attempt may follow.
    expect((await prepare(jobId)).attempt).toBe(2);
  });

  test.each([2, 6, 4_000_000_000])("with attempt %i, that was not prepared, is not served", async (attempt) => {
    const { spec } = await admitted();
    await prepare(spec.jobId);
    const before = nodes.log.length;
    const { relayId } = await nodes.bank.connected.link.requestSession({
      peer: spec.provider,
      purpose: { kind: "job", jobId: spec.jobId, attempt },
    });
    const isRefused = (line: string) => line.includes("ATTEMPT_REPLAYED");
    await vi.waitFor(() => expect(nodes.log.slice(before).some(isRefused)).toBe(true));
    expect((await nodes.bureau.book.require(spec.jobId)).state).toBe("admitted");
    expect(relayId).toMatch(/^[0-9a-f]{32}$/);
  });

  test("that the coordinator makes up changes nothing, whatever it says of it, and the job runs all the same", async () => {
    const job = await admitted();
    const { jobId } = job.spec;
    const { purpose } = await truePurpose(job);
    const before = nodes.log.length;
    for (const attempt of [1, 2])
      for (const from of ["bank", "telecom", "bureau"]) wakeBureau(wake(from, { kind: "job", jobId, attempt }));
    wakeBureau(wake("bank", { kind: "job", jobId: specOf().jobId, attempt: 1 }));
    wakeBureau(wake("bank", { kind: "control" }));
    const ended = (line: string) => line.includes('"msg":"session ended"');
    await vi.waitFor(() => expect(nodes.log.slice(before).filter(ended)).toHaveLength(8));
    expect(await nodes.bureau.book.require(jobId)).toMatchObject({ state: "admitted", attempt: 0 });
    expect(await openJob(jobId, 1, purpose)).toBe("open");
  });

  test("no more attempts are prepared than a job may have, whatever the peer says it has tried", async () => {
    const { spec } = await admitted();
    expect((await prepare(spec.jobId, { lastAttempt: 4 })).attempt).toBe(5);
    for (const lastAttempt of [5, 6, 0xffff_ffff])
      await expect(prepare(spec.jobId, { lastAttempt })).rejects.toMatchObject({ code: "ATTEMPT_REPLAYED" });
  });

  test("the answers to prepare are always the same, and name no partition that this node has not finished", async () => {
    const { spec } = await admitted();
    const bureauKey = (await nodes.bank.connected.peers.require("bureau")).key("jobs");
    /** But for the statement that the agreement is in force, which is of the moment. */
    const prepared = async (change: Partial<WirePrepareRequest> = {}) => {
      const { inForce, ...rest } = await prepare(spec.jobId, change);
      const { at } = readInForce(inForce, bureauKey, { agreement, by: "bureau" });
      expect(Math.abs(Date.parse(at) - Date.now())).toBeLessThan(60_000);
      return rest;
    };
    const first = await prepared();
    const finished = [
      { partition: 0, attempt: 1 },
      { partition: 1_000_000, attempt: 0 },
    ];
    expect(await prepared({ finished })).toEqual(first);
    expect(first).toMatchObject({ attempt: 1, finished: [], sizeClass: 80 });
  });
});

describe("without a true statement that the agreement is in force, a job is not prepared", () => {
  const said = (change: { agreement?: Digest; by?: string; at?: string } = {}, party: "bank" | "bureau" = "bank") => {
    const statement = { agreement, by: party, at: new Date().toISOString(), ...change };
    return signInForce(statement as Parameters<typeof signInForce>[0], nodes[party].keyring.keys.jobs);
  };
  const minutesAgo = (minutes: number) => new Date(Date.now() - minutes * 60_000).toISOString();

  test.each<[string, () => WirePrepareRequest["inForce"], ErrorCode]>([
    ["of another agreement", () => said({ agreement: "00".repeat(32) as Digest }), "SESSION_MISMATCH"],
    ["of eleven minutes ago", () => said({ at: minutesAgo(11) }), "SESSION_MISMATCH"],
    ["of eleven minutes from now", () => said({ at: minutesAgo(-11) }), "SESSION_MISMATCH"],
    ["that is the bureau's own", () => said({}, "bureau"), "SIGNATURE_INVALID"],
    ["in the bureau's name", () => said({ by: "bureau" }), "SIGNATURE_INVALID"],
    ["by another key", () => ({ ...said(), payload: said({ at: minutesAgo(1) }).payload }), "SIGNATURE_INVALID"],
  ])("%s", async (_what, statement, code) => {
    const spec = specOf();
    expect(await offer(spec)).toBe("admitted");
    await expect(prepare(spec.jobId, { inForce: statement() })).rejects.toMatchObject({ code });
    expect(await nodes.bureau.book.require(spec.jobId)).toMatchObject({ state: "admitted", attempt: 0 });
    expect((await prepare(spec.jobId)).attempt).toBe(1);
  });

  test("nor does the receiver's node run it without the provider's", async () => {
    const honest = ControlClient.prototype.prepare;
    vi.spyOn(ControlClient.prototype, "prepare").mockImplementation(async function (this: ControlClient, request) {
      return { ...(await honest.call(this, request)), inForce: request.inForce };
    });
    const { bank } = await nodes.runAtBank({ agreement });
    expect(bank).toMatchObject({ state: "failed", attempt: 0, reason: { code: "SIGNATURE_INVALID" } });
  });
});

describe("what admitted a job must still hold", () => {
  const floor = 2_000;

  test("a padded size below the agreed floor is refused, by whoever is told it", async () => {
    const strict = await nodes.agree({ ...draft, title: "A higher floor", floors: { input: floor } });
    const data = join(nodes.coordinator.folder, "data");
    const form = { ids: [{ column: "phone", normaliser: "phone-e164" }] } as const;
    const path = await writePeople(join(data, "many.csv"), range(0, floor), REPAYMENTS);
    const [customers, repayments] = await Promise.all(
      [nodes.bank, nodes.bureau].map(async ({ datasets }) => (await datasets.list()).map((item) => item.registration)),
    );
    const pathOf = (list: typeof customers, name: string) => {
      const source = list?.find((item) => item.name === name)?.source;
      return source?.kind === "files" ? source.path : "";
    };
    await nodes.bank.datasets.register({ name: "customers", path, ...form });
    await nodes.bureau.datasets.register({ name: "repayments", path, ...form });
    try {
      // 1,024 rows at most.
      expect(await offer(specOf({ agreement: strict, receiverSizeClass: 80 }))).toBe("POLICY_INPUT_FLOOR");
      expect(await offer(specOf({ agreement: strict, receiverSizeClass: 87 }))).toBe("POLICY_INPUT_FLOOR");
      expect(await offer(specOf({ agreement: strict, receiverSizeClass: 88 }))).toBe("admitted");
      const honest = ControlClient.prototype.prepare;
      vi.spyOn(ControlClient.prototype, "prepare").mockImplementation(async function (this: ControlClient, request) {
        return { ...(await honest.call(this, request)), sizeClass: 80 };
      });
      const { bank } = await nodes.runAtBank({ agreement: strict });
      expect(bank).toMatchObject({ state: "failed", attempt: 0, reason: { code: "POLICY_INPUT_FLOOR" } });
    } finally {
      await nodes.bank.datasets.register({ name: "customers", path: pathOf(customers, "customers"), ...form });
      await nodes.bureau.datasets.register({ name: "repayments", path: pathOf(repayments, "repayments"), ...form });
    }
  });

  test("a nonce that is another than the provider's own ends in the handshake, not in an empty result", async () => {
    const honest = ControlClient.prototype.prepare;
    vi.spyOn(ControlClient.prototype, "prepare").mockImplementation(async function (this: ControlClient, request) {
      return { ...(await honest.call(this, request)), nonce: new Uint8Array(32).fill(3) };
    });
    const { bank } = await nodes.runAtBank({ agreement });
    expect(bank).toMatchObject({ state: "failed", attempt: 0, reason: { code: "SESSION_MISMATCH" } });
    expect((await nodes.bureau.book.require(bank.jobId)).state).toBe("admitted");
  });
});

describe("an agreement in a control session", () => {
  const signedBy = (title: string, ...signers: ("bank" | "bureau")[]) => {
    const parties = [nodes.bank, nodes.bureau].map(({ keyring }) => ({
      name: keyring.party,
      identity: toHex(keyring.identity.publicKey),
    }));
    const made = makeAgreement({ ...draft, title, parties });
    return {
      made,
      envelope: signers.map((name) => signAgreement(made, nodes[name].keyring.identity)).reduce(mergeSignatures),
    };
  };

  async function offered(envelope: Parameters<ControlClient["agreement"]>[0]): Promise<string> {
    return control((client) => client.agreement(envelope)).then(
      () => "taken",
      (error: unknown) => toEntenteError(error).code,
    );
  }

  test("with a changed signature, by another's key, or with one too many, is refused and not stored", async () => {
    const { made, envelope } = signedBy("Tampered", "bank");
    const [signature] = envelope.signatures as [(typeof envelope.signatures)[number]];
    const flipped = { ...signature, sig: signature.sig.with(0, (signature.sig[0] as number) ^ 1) };
    expect(await offered({ ...envelope, signatures: [flipped] })).toBe("SIGNATURE_INVALID");
    expect(await offered({ ...envelope, signatures: [{ ...signature, keyid: "bureau/identity" }] })).toBe(
      "SIGNATURE_INVALID",
    );
    expect(await offered({ ...envelope, signatures: [signature, { ...flipped, keyid: "bureau/identity" }] })).toBe(
      "SIGNATURE_INVALID",
    );
    expect(await offered({ ...envelope, signatures: [signature, { ...flipped, keyid: "bureau/jobs" }] })).toBe(
      "SIGNATURE_INVALID",
    );
    const changed = makeAgreement({ ...made.document, floors: { ...made.document.floors, input: 1 } });
    expect(await offered({ ...envelope, payload: changed.bytes })).toBe("SIGNATURE_INVALID");
    for (const digest of [made.digest, changed.digest])
      expect(await nodes.bureau.store.agreement(digest)).toBeUndefined();
  });

  test("that only the bureau has signed is not the bank's offer", async () => {
    const { made, envelope } = signedBy("Unsigned by the bank", "bureau");
    expect(await offered(envelope)).toBe("AGREEMENT_UNSIGNED");
    expect(await nodes.bureau.store.agreement(made.digest)).toBeUndefined();
  });

  test("with an identity that was not confirmed is refused", async () => {
    const { keyring } = nodes.bank;
    const parties = [
      { name: "bank", identity: toHex(keyring.keys.jobs.publicKey) },
      { name: "bureau", identity: toHex(nodes.bureau.keyring.identity.publicKey) },
    ];
    const made = makeAgreement({ ...draft, parties });
    expect(await offered(signAgreement(made, { ...keyring.keys.jobs, keyId: "bank/identity" }))).toBe(
      "AGREEMENT_INVALID",
    );
  });

  test("that is tampered with in the store is noticed before the next job", async () => {
    const digest = await nodes.agree({ ...draft, title: "Tampered in the store" });
    const record = await nodes.bureau.store.agreement(digest);
    if (record === undefined) throw new Error("not stored");
    const signature = /"sig":"([A-Za-z0-9+/])/.exec(record.envelope)?.[1] as string;
    const envelope = record.envelope.replace(`"sig":"${signature}`, `"sig":"${signature === "A" ? "B" : "A"}`);
    await nodes.bureau.store.putAgreement({ ...record, envelope });
    expect(await offer(specOf({ agreement: digest }))).toBe("SIGNATURE_INVALID");
  });
});

describe("the gate", () => {
  const request = () => ({ agreement });

  async function expectNothingReleased(job: Awaited<ReturnType<TwoNodes["run"]>>["bank"]): Promise<void> {
    expect(job).toMatchObject({ state: "failed", summary: undefined });
    expect(await leftovers("bank")).toEqual(NOTHING);
    const events = (await entries(nodes.bank)).filter(
      ({ statement }) => "jobId" in statement.predicate && statement.predicate.jobId === job.jobId,
    );
    expect(events.map(({ event }) => event)).not.toContain("opened");
    expect(events.map(({ event }) => event)).not.toContain("tags-issued");
    expect(events.at(-1)?.event).toBe("failed");
  }

  test("another key than the receipt names opens nothing", async () => {
    const say = Channel.prototype.say;
    vi.spyOn(Channel.prototype, "say").mockImplementation(function (this: Channel, message) {
      const other = message.kind === "gateKeys" ? { ...message, keys: [new Uint8Array(32).fill(7)] } : message;
      return say.call(this, other);
    });
    const { bank, bureau } = await nodes.run(request());
    expect(bank.reason).toMatchObject({ code: "SEAL_INVALID" });
    expect(bank.isOpened).toBe(false);
    await expectNothingReleased(bank);
    // The sender's own story is true: it released a key. That the receiver says it does not fit is in its log.
    expect(bureau).toMatchObject({ state: "done", isOpened: true });
    const isTold = (line: string) => line.includes("did not say that it has the keys") && line.includes("SEAL_INVALID");
    expect(nodes.log.some(isTold)).toBe(true);
  });

  test("a key that the receipt names, but that sealed nothing, opens nothing", async () => {
    const run = InlineWorker.prototype.run;
    vi.spyOn(InlineWorker.prototype, "run").mockImplementation(function (this: InlineWorker, task, io) {
      const other = task.kind === "provide" ? { ...task, gateKey: new Uint8Array(32).fill(9) } : task;
      return run.call(this, other, io) as ReturnType<typeof run>;
    } as typeof run);
    const { bank } = await nodes.run(request());
    expect(bank.reason).toMatchObject({ code: "SEAL_INVALID" });
    await expectNothingReleased(bank);
  });

  test("two keys, or none, are no gate key", async () => {
    const say = Channel.prototype.say;
    vi.spyOn(Channel.prototype, "say").mockImplementation(function (this: Channel, message) {
      return say.call(
        this,
        message.kind === "gateKeys" ? { ...message, keys: [...message.keys, ...message.keys] } : message,
      );
    });
    const { bank } = await nodes.run(request());
    expect(bank.reason).toMatchObject({ code: "SEAL_INVALID" });
    await expectNothingReleased(bank);
  });

  test("a data file that changes while the job runs ends it at both nodes, at once and with the reason", async () => {
    const data = join(nodes.coordinator.folder, "data", "bureau.csv");
    const before = range(200, 1_200);
    await writePeople(data, before.slice(1), { ...REPAYMENTS, SALARY: () => 1, NOTE: () => "x" });
    const { bank, bureau } = await nodes.run(request());
    expect([bank.reason?.code, bureau.reason?.code]).toEqual(["DATASET_CHANGED", "DATASET_CHANGED"]);
    await writePeople(data, before, { ...REPAYMENTS, SALARY: () => 1, NOTE: () => "x" });
    await expectNothingReleased(bank);
  });

  test("after all that, an honest job succeeds; three at once, too", async () => {
    const { bank, bureau } = await nodes.run(request());
    expect([bank.state, bank.summary?.matched, bureau.state]).toEqual(["done", 800, "done"]);
    const all = await Promise.all([1, 2, 3].map(() => nodes.run(request())));
    expect(all.flatMap((job) => [job.bank.state, job.bureau.state])).toEqual(Array(6).fill("done"));
    expect(bureau.summary).not.toHaveProperty("matched");
    expect(nodes.log.join("")).not.toMatch(/139\d{8}/);
  });
});
