/** What people and peers do wrong, against three real processes: a typed code, a text, an exit code, and nothing left. */
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { initParty, startParty } from "../../party/main.ts";
import type { IdColumn } from "../../proto/agreement/fields.ts";
import { collaborationOf } from "../../proto/agreement/identity.ts";
import { CATALOGUE, type EntenteError, type ErrorCode } from "../../proto/errors.ts";
import { readBundle } from "../../proto/evidence/bundle.ts";
import type { RouteRequest } from "../../proto/http/routes.ts";
import { EntenteClient, type Job, type JsonRouteName } from "../../sdk/client.ts";
import { RISK_MODEL } from "../support/credit.ts";
import { agree, demoAgreement, generous, registerBoth, runJob } from "../support/demo-agreement.ts";
import { type Leftovers, leftoversIn, NOTHING_LEFT } from "../support/node-folder.ts";
import { phoneOf, REPAYMENTS, range, writePeople } from "../support/people.ts";
import { answerOf, cli, cliJson, type PartyName, Trio } from "../support/trio.ts";

let trio: Trio;
let data: string;
/** Tags that successful jobs of this file have issued to the bank. */
let issued = 0;

beforeAll(async () => {
  trio = await Trio.start({ confirm: false });
  data = join(trio.folder, "data");
});
afterAll(() => trio.stop());
afterEach(async () => {
  for (const party of ["bank", "bureau"] as const) {
    // The provider destroys its secrets after it has answered: give it the moment that takes.
    const tags = party === "bank" ? issued : 0;
    await expect.poll(() => leftoversIn(trio.dir(party))).toEqual({ ...NOTHING_LEFT, tags } satisfies Leftovers);
  }
});

/** Runs a command that must fail: its code, with the text and the exit code that go with it checked. */
async function refused(folder: string, ...args: string[]): Promise<ErrorCode> {
  const { code: exit, stdout, stderr } = await cli("--node", folder, ...args, "--json");
  expect({ exit, stderr }).toEqual({ exit: 1, stderr: "" });
  return checked(answerOf(stdout)).code;
}

function checked(answer: unknown): { code: ErrorCode } {
  const { error } = answer as { error: { code: ErrorCode; message: string; who: string } };
  expect(error).toMatchObject({ message: CATALOGUE[error.code].text, who: CATALOGUE[error.code].who });
  return error;
}

/** The same through the API, for the many cases: its status is checked, too. */
async function denied<N extends JsonRouteName>(folder: string, name: N, request: RouteRequest<N>): Promise<ErrorCode> {
  const { url } = JSON.parse(await readFile(join(folder, "api.json"), "utf8")) as { url: string };
  const token = (await readFile(join(folder, "token"), "utf8")).trim();
  let seen: Response | undefined;
  const spy = async (target: string, init: RequestInit) => {
    seen = await fetch(target, init);
    return seen.clone();
  };
  const client = new EntenteClient({ url, token, fetch: spy });
  const outcome = await client.call(name, request).then(
    () => "accepted",
    (error: EntenteError) => error.code,
  );
  if (seen === undefined) throw new Error("no answer");
  const { code } = checked(await seen.json());
  expect([outcome, seen.status]).toEqual([code, CATALOGUE[code].http]);
  return code;
}

function audience(agreement: string, dataset = "customers", peerDataset = "repayments") {
  const tag = { key: "marketing:joint", value: "yes" };
  return { operation: "audience" as const, agreement, dataset, peerDataset, tag };
}

function audienceLine(agreement: string): string[] {
  const names = ["--agreement", agreement, "--dataset", "customers", "--peer-dataset", "repayments"];
  return ["audience", "run", ...names, "--tag", "marketing:joint=yes"];
}

async function jobsAt(party: PartyName): Promise<readonly Job[]> {
  return (await (await trio.client(party)).call("jobs", {})).jobs;
}

describe("before anybody is confirmed", () => {
  test("the requester's own node refuses an unconfirmed peer", async () => {
    const file = join(trio.folder, "draft.json");
    await writeFile(file, JSON.stringify(demoAgreement()));
    expect(await refused(trio.dir("bank"), "agreement", "propose", file)).toBe("PEER_UNCONFIRMED");
    for (const party of ["bureau", "telecom"])
      expect(await denied(trio.dir("bank"), "peerDatasets", { party })).toBe("PEER_UNCONFIRMED");
    expect((await (await trio.client("bank")).call("agreements", {})).agreements).toEqual([]);
  });

  test("a wrong fingerprint is not confirmed, a damaged one not even compared", async () => {
    const { fingerprint } = await (await trio.client("bureau")).call("node", {});
    const wrong = fingerprint.replace(/^./, (digit) => (digit === "0" ? "1" : "0"));
    const typed = ["--fingerprint", wrong];
    expect(await refused(trio.dir("bank"), "peer", "confirm", "bureau", ...typed)).toBe("FINGERPRINT_MISMATCH");
    const confirm = (party: string, text: string) =>
      denied(trio.dir("bank"), "confirmPeer", { party, fingerprint: text });
    expect(await confirm("bureau", "1234")).toBe("BAD_REQUEST");
    expect(await confirm("telecom", fingerprint)).toBe("PEER_UNKNOWN");
    const { peers } = await (await trio.client("bank")).call("peers", {});
    expect(peers).toMatchObject([{ party: "bureau", confirmed: false }]);
  });

  test("one side's confirmation is not enough: the other side's node hangs up, and this one says why", async () => {
    const { fingerprint } = await (await trio.client("bureau")).call("node", {});
    const bank = await trio.client("bank");
    await bank.call("confirmPeer", { party: "bureau", fingerprint });
    expect(await refused(trio.dir("bank"), "peer", "datasets", "bureau")).toBe("PEER_REFUSED_IDENTITY");
    await trio.confirmBoth();
    expect(await bank.call("peerDatasets", { party: "bureau" })).toEqual({ datasets: [] });
  });
});

describe("invites", () => {
  test("damaged, for another party, or used before: the node stays as it was", async () => {
    const { code } = await cliJson<{ code: string }>("coordinator", "invite", "telecom", "--dir", trio.dir("hub"));
    const folders = ["telecom", "telecom-again"].map((name) => join(trio.folder, name));
    const nodes = [];
    for (const folder of folders) {
      await initParty({ folder, party: "telecom", apiPort: 0 });
      nodes.push(await startParty({ folder, logTo: { write: () => {} } }));
    }
    const [first, second] = folders as [string, string];
    try {
      const middle = code.length >> 1;
      const damaged = code.slice(0, middle) + (code[middle] === "A" ? "B" : "A") + code.slice(middle + 1);
      expect(await refused(first, "enroll", damaged)).toBe("INVITE_INVALID");
      const forCustoms = (await (await trio.client("bank")).call("invite", { party: "customs" })).code;
      for (const invite of [code.slice(0, -4), "hello", forCustoms])
        expect(await denied(first, "enrol", { invite })).toBe("INVITE_INVALID");
      expect(await denied(first, "peers", {})).toBe("NOT_ENROLLED");
      expect(await readdir(first)).not.toContain("enrolment.json");
      await cliJson("--node", first, "enroll", code);
      expect(await refused(second, "enroll", code)).toBe("INVITE_USED");
      expect(await readdir(second)).not.toContain("enrolment.json");
      expect(await denied(first, "enrol", { invite: code })).toBe("ALREADY_EXISTS");
    } finally {
      for (const node of nodes) await node.close();
    }
  });
});

describe("tokens", () => {
  test("missing or wrong: 401 with the code, whatever is asked", async () => {
    expect(await refused(trio.dir("bank"), "--token", "0".repeat(64), "job", "list")).toBe("TOKEN_MISSING");
    const { url } = JSON.parse(await readFile(join(trio.dir("bank"), "api.json"), "utf8")) as { url: string };
    const theirs = (await readFile(join(trio.dir("bureau"), "token"), "utf8")).trim();
    for (const headers of [{}, { authorization: "Bearer " }, { authorization: `Bearer ${theirs}` }]) {
      const response = await fetch(`${url}/v1/jobs`, { method: "POST", headers, body: "{}" });
      expect(response.status).toBe(401);
      expect(await response.json()).toMatchObject({ error: { code: "TOKEN_MISSING" } });
    }
    const node = join(trio.folder, "no-such-node");
    expect(await refused(node, "job", "list")).toBe("NODE_UNREACHABLE");
  });
});

describe("data files", () => {
  const register = (file: string, idColumn = "phone") => {
    const ids: IdColumn[] = [{ column: idColumn, normaliser: "phone-e164" }];
    const form = { name: "customers", ids } as const;
    return denied(trio.dir("bank"), "registerDataset", { ...form, path: join(data, file) });
  };

  test("that are not what they should be are not registered", async () => {
    await writePeople(join(data, "good.csv"), range(0, 20));
    await writeFile(join(data, "empty.csv"), "");
    await writeFile(join(data, "header.csv"), "phone,limit\n");
    await writeFile(join(data, "picture.csv"), Buffer.from("89504e470d0a1a0a0000000d49484452", "hex"));
    await writeFile(join(data, "text.parquet"), "phone,limit\n13900000000,1\n");
    await writeFile(join(data, "list.xlsx"), "PK");
    await writeFile(join(data, "blank.csv"), `phone,limit\n${" ,1\n".repeat(1_200)}`);
    await writeFile(join(data, "words.csv"), `phone,limit\n${"unknown,1\n".repeat(20)}`);
    expect(await register("good.csv", "msisdn")).toBe("DATASET_COLUMN_UNKNOWN");
    expect(await register("empty.csv")).toBe("DATASET_EMPTY");
    expect(await register("header.csv")).toBe("DATASET_EMPTY");
    expect(await register("picture.csv")).toBe("DATASET_FORMAT");
    expect(await register("text.parquet")).toBe("DATASET_FORMAT");
    expect(await register("list.xlsx")).toBe("DATASET_FORMAT");
    expect(await register("absent.csv")).toBe("DATASET_FILE_MISSING");
    expect((await readdir(join(trio.dir("bank"), "quarantine")).catch(() => [])).length).toBe(0);
    const line = ["customers", "--file", join(data, "blank.csv"), "--id-column", "phone", "--normaliser", "phone-e164"];
    expect(await refused(trio.dir("bank"), "dataset", "register", ...line)).toBe("DATASET_ID_EMPTY");
    expect(await register("words.csv")).toBe("DATASET_ID_EMPTY");
    // The reasons are there for the owner; no half-written file is.
    expect(await readdir(join(trio.dir("bank"), "quarantine"))).toEqual(["customers.jsonl"]);
    expect((await (await trio.client("bank")).call("datasets", {})).datasets).toEqual([]);
  });
});

async function register(bank: readonly number[], bureau: readonly number[]): Promise<void> {
  await registerBoth(trio, {
    bank: await writePeople(join(data, "bank.csv"), bank, { limit: (person) => person % 7 }),
    bureau: await writePeople(join(data, "bureau.csv"), bureau, REPAYMENTS),
  });
}

describe("jobs", () => {
  let agreement: string;
  beforeAll(async () => {
    agreement = await agree(trio, demoAgreement(generous()));
  });

  test("999 rows against a floor of 1,000: at home before anything is asked, at the peer's by its own node", async () => {
    await register(range(0, 999), range(0, 1_000));
    expect(await refused(trio.dir("bank"), ...audienceLine(agreement))).toBe("POLICY_INPUT_FLOOR");
    expect([await jobsAt("bank"), await jobsAt("bureau")]).toEqual([[], []]);
    await register(range(0, 1_000), range(0, 999));
    const { code, stdout } = await cli("--node", trio.dir("bank"), ...audienceLine(agreement), "--json");
    expect(code).toBe(1);
    expect(answerOf(stdout)).toMatchObject({
      error: { code: "POLICY_INPUT_FLOOR", detail: "said by bureau" },
      job: { state: "refused", reason: { code: "POLICY_INPUT_FLOOR", by: "peer" }, peerRows: null, summary: null },
    });
    const people = await cli("--node", trio.dir("bank"), ...audienceLine(agreement));
    expect(people.code).toBe(1);
    expect(people.stderr).toContain(`error POLICY_INPUT_FLOOR: ${CATALOGUE.POLICY_INPUT_FLOOR.text}`);
    expect(people.stderr).toContain("why: said by bureau");
    expect((await jobsAt("bureau")).map(({ state, reason }) => [state, reason?.by])).toEqual(
      Array(2).fill(["refused", "own"]),
    );
  });

  test("blanks and duplicates do not count towards the floor; exactly 1,000 people are enough", async () => {
    const lines = range(0, 1_000).map(phoneOf);
    await writeFile(join(data, "bank.csv"), ["phone", ...lines.slice(0, 999), lines[0], "x,", ""].join("\n"));
    await registerBoth(trio, { bank: join(data, "bank.csv"), bureau: join(data, "bureau.csv") });
    expect(await denied(trio.dir("bank"), "startJob", audience(agreement))).toBe("POLICY_INPUT_FLOOR");
    await register(range(0, 1_000), range(900, 1_900));
    const job = await cliJson<Job>("--node", trio.dir("bank"), ...audienceLine(agreement));
    issued += 100;
    expect(job).toMatchObject({ state: "done", withheld: false, summary: { matched: 100, tags: { yes: 100 } } });
  });

  test("outside the agreement, at home", async () => {
    const before = (await jobsAt("bank")).length;
    const bank = trio.dir("bank");
    const model = (change: object) => {
      const score = { ...audience(agreement), operation: "score" as const, tag: { key: "risk:default" } };
      return denied(bank, "startJob", { ...score, model: { ...RISK_MODEL, ...change } });
    };
    const [feature] = RISK_MODEL.features;
    expect(await model({ features: [{ ...feature, party: "own", column: "NO_SUCH" }] })).toBe("DATASET_COLUMN_UNKNOWN");
    expect(await model({ features: [{ ...feature, party: "own", column: "phone" }] })).toBe("DATASET_COLUMN_TYPE");
    expect(await model({ features: [{ ...feature, party: "partner", column: "SALARY" }] })).toBe("POLICY_DATASET");
    expect(await model({ features: [] })).toBe("MODEL_INVALID");
    expect(await model({ kind: "neural" })).toBe("MODEL_INVALID");
    expect(await denied(bank, "startJob", audience(agreement, "customers", "salaries"))).toBe("POLICY_DATASET");
    expect(await denied(bank, "startJob", audience(agreement, "absent"))).toBe("NOT_FOUND");
    expect(await denied(bank, "startJob", audience("00".repeat(32)))).toBe("AGREEMENT_UNKNOWN");
    // The provider of this agreement may not ask.
    expect(await denied(trio.dir("bureau"), "startJob", audience(agreement, "repayments", "customers"))).toBe(
      "POLICY_OPERATION",
    );
    expect(await jobsAt("bank")).toHaveLength(before);
  });

  test("under an agreement that has ended", async () => {
    const ended = await agree(trio, demoAgreement({ validUntil: "2021-01-01T00:00:00.000Z" }));
    expect(await refused(trio.dir("bank"), ...audienceLine(ended))).toBe("AGREEMENT_EXPIRED");
    const shown = await cliJson<{ state: string }>("--node", trio.dir("bank"), "agreement", "show", ended);
    expect(shown.state).toBe("expired");
  });

  test("under one that the peer has not signed, or whose signature is not the peer's", async () => {
    const bank = await trio.client("bank");
    const { digest } = await bank.call("proposeAgreement", { document: demoAgreement({ title: "Half" }) });
    expect(await denied(trio.dir("bank"), "startJob", audience(digest))).toBe("AGREEMENT_UNSIGNED");
    const db = new DatabaseSync(join(trio.dir("bank"), "node.db"));
    try {
      const { envelope } = db.prepare("SELECT envelope FROM agreement WHERE digest = ?").get(agreement) as {
        envelope: string;
      };
      const put = db.prepare("UPDATE agreement SET envelope = ? WHERE digest = ?");
      put.run(
        envelope.replace(/"sig":"(.)/, (_, first) => `"sig":"${first === "A" ? "B" : "A"}`),
        agreement,
      );
      expect(await denied(trio.dir("bank"), "startJob", audience(agreement))).toBe("SIGNATURE_INVALID");
      put.run(envelope, agreement);
    } finally {
      db.close();
    }
  });

  test("a document that is no agreement", async () => {
    const file = join(trio.folder, "draft.json");
    await writeFile(file, "{");
    const bank = trio.dir("bank");
    expect(await refused(bank, "agreement", "propose", file)).toBe("AGREEMENT_INVALID");
    const document = demoAgreement({ floors: { input: 0 } });
    expect(await denied(bank, "proposeAgreement", { document })).toBe("AGREEMENT_INVALID");
    expect(await denied(bank, "signAgreement", { digest: "00".repeat(32) })).toBe("AGREEMENT_UNKNOWN");
  });
});

describe("a result below the floor", () => {
  /** What differs between any two jobs, whatever they found. Bytes grow by the hashes of the logs' proofs. */
  const VARIES =
    /"(jobId|updatedAt|at|time|seconds|bytesSent|bytesReceived|requestId|agreement)":("[^"]*"|[\d.]+)|\b[0-9a-f]{32,}\b/g;

  async function logOf(party: PartyName): Promise<string> {
    return readFile(join(trio.folder, `${party}.log`), "utf8");
  }

  /** Runs a job and returns all that it left for people to see at both sides, without what always differs. */
  async function seen(agreement: string): Promise<{ job: Job; trace: string }> {
    const before = { bank: (await logOf("bank")).length, bureau: (await logOf("bureau")).length };
    const job = await runJob(trio, { operation: "audience", agreement, tag: { key: "marketing:few", value: "yes" } });
    const bureau = await trio.client("bureau");
    const theirs = await bureau.waitForJob(job.jobId, { pollMs: 20 });
    const own = await cli("--node", trio.dir("bank"), "job", "show", job.jobId);
    const logs = (
      await Promise.all((["bank", "bureau"] as const).map(async (party) => (await logOf(party)).slice(before[party])))
    )
      .join("")
      .split("\n")
      .filter((line) => line.includes(job.jobId))
      .join("\n");
    const people = own.stdout.replaceAll(/(took|updated|sent|received) .*/g, "");
    return {
      job,
      trace: [JSON.stringify(job), JSON.stringify(theirs), people, logs].join("\n").replaceAll(VARIES, ""),
    };
  }

  test("is withheld, and neither API, command line, log nor evidence tells 99 from none", async () => {
    const agreement = await agree(trio, demoAgreement({ ...generous(), title: "With the usual floor" }));
    await register(range(0, 1_000), range(901, 1_901));
    const few = await seen(agreement);
    await register(range(0, 1_000), range(1_000, 2_000));
    const none = await seen(agreement);
    for (const { job } of [few, none]) expect(job).toMatchObject({ state: "done", withheld: true, reason: null });
    expect(few.job.summary).not.toHaveProperty("matched");
    expect(few.job.summary).not.toHaveProperty("tags");
    expect(few.trace).toBe(none.trace);
    expect(few.trace).toContain(CATALOGUE.POLICY_RESULT_FLOOR.text);
    expect((await (await trio.client("bank")).call("tags", {})).tags.map((tag) => tag.key)).toEqual([
      "marketing:joint",
    ]);
    const events = await evidenceOf("bank");
    for (const { job } of [few, none]) {
      const last = events.filter((predicate) => predicate.jobId === job.jobId).at(-1);
      expect(Object.keys(last ?? {}).sort()).toEqual(["at", "code", "jobId", "receiptDigest"]);
      expect(last?.code).toBe("POLICY_RESULT_FLOOR");
    }
  });

  test("none at all is a result where the agreement has no floor", async () => {
    const agreement = await agree(trio, demoAgreement({ ...generous(), floors: { result: 0 } }));
    const { job } = await seen(agreement);
    expect(job).toMatchObject({ state: "done", withheld: false, reason: null, summary: { matched: 0, tags: {} } });
  });

  async function evidenceOf(party: PartyName): Promise<Record<string, unknown>[]> {
    const collaboration = collaborationOf(["bank", "bureau"]);
    const files = await readBundle(await (await trio.client(party)).download("auditBundle", { collaboration }));
    const bundles = [...files].filter(([path]) => path.includes(`/tile/entries/`) && path.includes(party));
    const text = bundles.map(([, bytes]) => Buffer.from(bytes).toString("latin1")).join("");
    return [...text.matchAll(/"payload":"([A-Za-z0-9+/=]+)"/g)].map(([, payload]) => {
      const { predicate } = JSON.parse(Buffer.from(payload as string, "base64").toString()) as {
        predicate: Record<string, unknown>;
      };
      return predicate;
    });
  }
});

test("after all that, the evidence verifies", async () => {
  const collaboration = collaborationOf(["bank", "bureau"]);
  const folders = [];
  for (const party of ["bank", "bureau"] as const) {
    const out = join(trio.folder, `audit-${party}`);
    await cliJson("--node", trio.dir(party), "audit", "export", "--collaboration", collaboration, "--out", out);
    folders.push(out);
  }
  expect(await cliJson("audit", "verify", ...folders)).toMatchObject({ verdict: "verified" });
});
