/** The auditor replays policy with the rules themselves, over what the log holds, and names what does not fit. */
import { describe, expect, test } from "vitest";
import type { Agreement } from "../../proto/agreement/agreement.ts";
import { signRevocation } from "../../proto/agreement/revocation.ts";
import { toHex } from "../../proto/encoding/bytes.ts";
import { digestOf } from "../../proto/encoding/sha256.ts";
import { commitTo, type Opening, openingBytes } from "../../proto/evidence/openings.ts";
import type { PredicateInput } from "../../proto/evidence/predicates.ts";
import { statementEntry } from "../../proto/evidence/statements.ts";
import { verifyFolders } from "../../sdk/verify/verify.ts";
import {
  ABOUT_JOB,
  AGREEMENT,
  AT,
  aboutAgreement,
  agreementWith,
  BANK,
  COUNTS,
  decisionOf,
  JOB,
  OPENINGS,
  originOf,
  PARTNER,
  runJob,
  type Script,
  type TestParty,
  testHash,
} from "../support/evidence-world.ts";

async function found(script: Script, requireOpenings = false) {
  const { files, dirs } = await runJob(script);
  const report = await verifyFolders(dirs, { files, requireOpenings });
  const { code, log, index, why } = report.firstProblem ?? {};
  return { verdict: report.verdict, code, log, index, why, report };
}

/** The entries of a job that was charged before, as both nodes record them. */
function earlierRun(agreement: Agreement, at = AT): NonNullable<Script["before"]> {
  const job = { jobId: testHash("earlier").slice(0, 32), jobDigest: testHash("earlier job") };
  const about = [{ name: "job" as const, digest: { sha256: job.jobDigest } }];
  return (party) => {
    const { charge, rules } = decisionOf(party, agreement, at);
    const base = { ...job, agreementDigest: agreement.digest, at };
    const request = {
      ...base,
      operation: "audience" as const,
      output: "list" as const,
      purpose: "test",
      requester: "bank",
    };
    return [
      statementEntry("job-requested", about, request, party.keys.jobs),
      statementEntry("policy-decision", about, { ...base, decision: "allowed", rules, charge }, party.keys.jobs),
    ];
  };
}

describe("budgets", () => {
  const oneADay = agreementWith({ budgets: { runsPerDay: 1 } });

  test("a run beyond them is named, with the rule and its counts", async () => {
    const told = await found({ agreement: oneADay, before: earlierRun(oneADay) });
    expect(told).toMatchObject({ verdict: "tampered", code: "POLICY_BROKEN", log: originOf(BANK), index: 4 });
    expect(told.why).toBe("POLICY_RUNS_DAY forbids it: limit 1, runs 2");
  });

  test("an earlier run of another day is none of that day's", async () => {
    const before = earlierRun(oneADay, "2026-04-29T00:00:00.000Z");
    // Counted in the epoch or not, the record must say so: here it was made as if nothing had run.
    const told = await found({ agreement: oneADay, before });
    expect([told.code, told.why]).toEqual([
      "DECISION_DIFFERS",
      "POLICY_RUNS_EPOCH: limit 20, runs 1 is on record, not limit 20, runs 2",
    ]);
  });

  test("a node that records other counts than its log has is caught", async () => {
    const counted = (decision: PredicateInput<"policy-decision">, party: string) => ({
      ...decision,
      rules: decision.rules.map((rule) =>
        party === "partner" && rule.code === "POLICY_RUNS_DAY"
          ? { ...rule, inputs: { ...rule.inputs, runs: 3 } }
          : rule,
      ),
    });
    expect(await found({ decision: counted })).toMatchObject({
      code: "DECISION_DIFFERS",
      log: originOf(PARTNER),
      index: 2,
    });
  });
});

describe("the record of a decision", () => {
  type Change = (decision: PredicateInput<"policy-decision">) => Partial<PredicateInput<"policy-decision">>;
  test.each<[string, Change, string]>([
    ["that leaves a rule out", ({ rules }) => ({ rules: rules.slice(1) }), "DECISION_DIFFERS"],
    ["that has them in another order", ({ rules }) => ({ rules: rules.toReversed() }), "DECISION_DIFFERS"],
    [
      "that allows what a rule forbade",
      ({ rules }) => ({ rules: rules.map((rule, i) => (i === 9 ? { ...rule, outcome: "failed" as const } : rule)) }),
      "DECISION_DIFFERS",
    ],
    ["that refuses without a reason", () => ({ decision: "refused" as const, charge: null }), "DECISION_DIFFERS"],
    ["that charges nothing", () => ({ charge: null }), "DECISION_DIFFERS"],
    [
      "that names another list than the receipt",
      ({ rules }) => ({
        rules: rules.map((rule) => ({
          ...rule,
          inputs: { ...rule.inputs, ...("ownRowsUpTo" in rule.inputs ? { ownRowsUpTo: 2048 } : {}) },
        })),
      }),
      "DECISION_DIFFERS",
    ],
    [
      "that charges another output",
      ({ charge }) => ({ charge: charge && { ...charge, output: "match-rate" as const } }),
      "DECISION_DIFFERS",
    ],
    [
      "that charges other data sets",
      ({ charge }) => ({ charge: charge && { ...charge, providerDataset: "salaries" } }),
      "POLICY_BROKEN",
    ],
  ])("%s is tampering", async (_, change, code) => {
    const told = await found({ decision: (decision) => ({ ...decision, ...change(decision) }) });
    expect([told.verdict, told.code, told.log]).toEqual(["tampered", code, originOf(BANK)]);
  });

  test("a purpose that was not agreed on, though both nodes say it was", async () => {
    const under = agreementWith({ purposes: [{ id: "other", text: "Other", legalBasis: "None" }] });
    const decision = (of: PredicateInput<"policy-decision">) => ({
      ...of,
      rules: of.rules.map((rule) => ({ ...rule, outcome: "passed" as const })),
    });
    const told = await found({ agreement: under, decision });
    expect([told.code, told.why]).toEqual(["POLICY_BROKEN", "POLICY_PURPOSE forbids it: no count"]);
  });

  test("two parties that charged different runs contradict each other", async () => {
    const charged = (decision: PredicateInput<"policy-decision">, party: string) => ({
      ...decision,
      charge: decision.charge && { ...decision.charge, ...(party === "bank" ? { modelVersion: testHash("m") } : {}) },
    });
    const { report } = await found({ decision: charged });
    expect(report.problems.map(({ code, why }) => [code, why])).toContainEqual([
      "LOGS_DISAGREE",
      "the parties charged another modelVersion",
    ]);
  });
});

describe("approvals", () => {
  const asks = agreementWith({}, { approval: { provider: "every-run" } });
  const approval = (decision: "approved" | "declined") => (party: TestParty) => {
    if (party !== PARTNER) return [];
    const base = { ...JOB, at: AT };
    const { charge: _, rules } = decisionOf(PARTNER, asks);
    const request = { ...base, agreementDigest: asks.digest, operation: "audience" as const, output: "list" as const };
    const waits = { ...base, agreementDigest: asks.digest, decision: "approval-needed" as const, rules, charge: null };
    const said = {
      ...base,
      decision,
      approver: OPENINGS.partner.approver.commitment,
      leakStatementDigest: testHash("leak"),
    };
    return [
      statementEntry("job-requested", ABOUT_JOB, { ...request, purpose: "test", requester: "bank" }, party.keys.jobs),
      statementEntry("policy-decision", ABOUT_JOB, waits, party.keys.jobs),
      statementEntry("approval", ABOUT_JOB, said, party.keys.jobs),
    ];
  };

  test("a run without the one that the agreement demands is named", async () => {
    expect(await found({ agreement: asks })).toMatchObject({
      ...{ verdict: "tampered", code: "APPROVAL_MISSING", log: originOf(PARTNER), index: 2 },
      why: "the agreement demands it of the provider",
    });
    expect(await found({ agreement: asks, before: approval("declined") })).toMatchObject({ code: "APPROVAL_MISSING" });
  });

  test("with it the job verifies", async () => {
    expect((await found({ agreement: asks, before: approval("approved") }, true)).report.problems).toEqual([]);
  });

  test("an approval of nothing that was waiting is out of order", async () => {
    const early: Script["before"] = (party) => approval("approved")(party).slice(2);
    expect(await found({ agreement: asks, before: early })).toMatchObject({ code: "ORDER_BROKEN", index: 1 });
  });
});

describe("the end of an agreement", () => {
  const revocation = signRevocation({ agreement: AGREEMENT.digest, by: BANK.name, at: AT }, BANK.keys.identity);
  const revoked = (party: TestParty) =>
    statementEntry(
      "agreement-revoked",
      aboutAgreement(AGREEMENT),
      { agreementDigest: AGREEMENT.digest, by: "bank", revocationDigest: digestOf(revocation.payload), at: AT },
      party.keys.jobs,
    );
  const withdrawn = (party: TestParty) =>
    statementEntry(
      "tags-withdrawn",
      aboutAgreement(AGREEMENT),
      { agreementDigest: AGREEMENT.digest, tagsCommitment: testHash("withdrawn"), at: AT },
      party.keys.jobs,
    );

  test("after the job it changes nothing", async () => {
    const afterwards = (party: TestParty) => [revoked(party), withdrawn(party)];
    const told = await found({ afterwards, revocations: [revocation] });
    expect(told.report.problems).toEqual([]);
    expect(told.report.commitments.notOpened.map(({ kind }) => kind)).toEqual(["withdrawn", "withdrawn"]);
  });

  test.each<[string, Script]>([
    ["before the decision", { before: (party) => [revoked(party), withdrawn(party)] }],
    ["before the receipt", { meanwhile: (party) => [revoked(party), withdrawn(party)] }],
  ])("%s nothing runs any more", async (_, script) => {
    const told = await found({ ...script, revocations: [revocation] });
    expect([told.verdict, told.code]).toEqual(["tampered", "AGREEMENT_ENDED"]);
  });

  test("without its document, or without the withdrawal, the folders are incomplete", async () => {
    expect(await found({ afterwards: (party) => [revoked(party), withdrawn(party)] })).toMatchObject({
      ...{ verdict: "incomplete", code: "REVOCATION_MISSING" },
    });
    expect(await found({ afterwards: (party) => [revoked(party)], revocations: [revocation] })).toMatchObject({
      ...{ verdict: "incomplete", code: "WITHDRAWAL_MISSING" },
    });
    expect(await found({ afterwards: (party) => [withdrawn(party)] })).toMatchObject({ code: "ORDER_BROKEN" });
  });

  test("a revocation that the named party did not sign is none", async () => {
    const forged = signRevocation({ agreement: AGREEMENT.digest, by: PARTNER.name, at: AT }, BANK.keys.identity);
    expect(await found({ revocations: [forged] })).toMatchObject({ verdict: "tampered", code: "REVOCATION_INVALID" });
  });

  test("a job under a version that was superseded in the same log", async () => {
    const next = agreementWith({ version: 2, supersedes: AGREEMENT.digest });
    const before: Script["before"] = (party) => {
      const signers = ["bank/identity", "partner/identity"];
      const signed = { agreementDigest: next.digest, supersedes: AGREEMENT.digest, signers, at: AT };
      return [statementEntry("agreement-signed", aboutAgreement(next), signed, party.keys.jobs)];
    };
    const { report } = await found({ before });
    const codes = report.problems.map(({ code }) => code);
    expect(codes).toContain("AGREEMENT_ENDED");
    // The newer version itself is not in these folders.
    expect(codes).toContain("AGREEMENT_MISSING");
  });
});

describe("sizes", () => {
  const opening = (kind: "input" | "output" | "tags", value: object): Opening => {
    const salt = new Uint8Array(32).fill(7);
    const commitment = toHex(commitTo(kind, value as never, salt));
    return { kind, commitment, opened: { salt, value: openingBytes(kind, value as never) } };
  };
  const rows = (count: number) =>
    opening("input", { datasetVersion: testHash("v"), rows: count, digest: testHash("d") });
  const matched = (count: number) => opening("output", { matched: count, digest: testHash("d") });
  const inputs = (receiver: Opening): NonNullable<Script["receipt"]> => ({
    inputCommitments: { receiver: receiver.commitment, sender: OPENINGS.partner.input.commitment },
  });
  const also =
    (added: Opening): NonNullable<Script["openings"]> =>
    (own, party) =>
      party === "bank" ? [...own.filter(({ kind }) => kind !== added.kind), added] : own;

  test("an opened list below the floor", async () => {
    const few = rows(999);
    expect(await found({ receipt: inputs(few), openings: also(few) })).toMatchObject({
      ...{ code: "FLOOR_BROKEN", log: originOf(BANK), why: "999 people went in, the floor is 1000" },
    });
  });

  test("an opened list of another size class than the receipt's", async () => {
    const many = rows(5000);
    expect(await found({ receipt: inputs(many), openings: also(many) })).toMatchObject({ code: "OPENING_INVALID" });
  });

  test("a class that proves a list below the floor, opened or not", async () => {
    const floors = agreementWith({ floors: { input: 4097 } });
    const decision = (of: PredicateInput<"policy-decision">) => ({
      ...of,
      rules: of.rules.map((rule) => ({ ...rule, outcome: "passed" as const })),
    });
    const told = await found({ agreement: floors, decision, without: ["openings"] });
    expect(told).toMatchObject({ code: "FLOOR_BROKEN", index: 2 });
    expect(told.why).toContain("POLICY_INPUT_FLOOR");
  });

  test("an opened result below the floor", async () => {
    const few = matched(99);
    const told = await found({ opened: { outputCommitment: few.commitment }, openings: also(few) });
    expect(told).toMatchObject({ code: "FLOOR_BROKEN", why: "99 people came out, the floor is 100" });
  });

  test("more people out than in", async () => {
    const all = matched(1001);
    expect(await found({ opened: { outputCommitment: all.commitment }, openings: also(all) })).toMatchObject({
      ...{ code: "OPENING_INVALID", why: `1001 people came out, ${COUNTS.bank} went in` },
    });
  });

  test("tags that live longer than was decided", async () => {
    const opened = { tags: { commitment: OPENINGS.bank.tags.commitment, expiresAt: "2026-06-01T00:00:00.000Z" } };
    expect(await found({ opened })).toMatchObject({ code: "POLICY_BROKEN", why: "tags live longer than 30 days" });
  });
});

describe("openings", () => {
  test("what is committed and not opened is told, and is incomplete where that is demanded", async () => {
    const { verdict, report } = await found({ without: ["openings"] });
    expect(verdict).toBe("verified");
    expect(report.commitments.notOpened.map(({ log, index, kind }) => [log, index, kind])).toEqual([
      [originOf(BANK), 5, "input"],
      [originOf(BANK), 6, "output"],
      [originOf(BANK), 6, "tags"],
      [originOf(PARTNER), 5, "input"],
    ]);
    expect(report.summary.jobs[0]).toMatchObject({ rows: { receiver: null, sender: null }, cameOut: null });
    expect(await found({ without: ["openings"] }, true)).toMatchObject({
      ...{ verdict: "incomplete", code: "NOT_OPENED", log: originOf(BANK), index: 5, why: "input" },
    });
  });

  test("one that says itself that it cannot be opened is the same", async () => {
    const closed: Script["openings"] = (own) => own.map((opening) => ({ ...opening, opened: null }));
    expect((await found({ openings: closed })).verdict).toBe("verified");
    expect((await found({ openings: closed }, true)).code).toBe("NOT_OPENED");
  });

  test.each<[string, (opening: Opening) => Opening]>([
    ["another salt", (of) => ({ ...of, opened: of.opened && { ...of.opened, salt: new Uint8Array(32) } })],
    [
      "another value",
      (of) => ({ ...of, opened: of.opened && { ...of.opened, value: openingBytes("approver", { person: "Nobody" }) } }),
    ],
    ["another kind", (of) => ({ ...of, kind: of.kind === "tags" ? "withdrawn" : "tags" })],
    ["of a commitment that no entry has", (of) => ({ ...OPENINGS.bank.approver, kind: of.kind })],
  ])("%s is tampering", async (_, change) => {
    const openings: Script["openings"] = (own, party) => (party === "bank" ? own.slice(0, 1).map(change) : own);
    expect(await found({ openings })).toMatchObject({ verdict: "tampered", code: "OPENING_INVALID" });
  });

  test("a true opening of a commitment that no entry of its party has", async () => {
    const openings: Script["openings"] = (own, party) => (party === "bank" ? [...own, OPENINGS.bank.approver] : own);
    expect(await found({ openings })).toMatchObject({ why: "of no commitment in its party's log" });
  });
});

describe("times", () => {
  const failed = (at: string) => (party: TestParty) =>
    party === BANK
      ? [statementEntry("failed", ABOUT_JOB, { jobId: JOB.jobId, attempt: 1, code: "PEER_GONE", at }, BANK.keys.jobs)]
      : [];

  test("an entry dated back beyond the cosignature before it is caught", async () => {
    const told = await found({ afterwards: failed("2026-04-30T20:00:00.000Z") });
    expect(told).toMatchObject({ verdict: "tampered", code: "TIME_BROKEN", log: originOf(BANK), index: 7 });
    expect(told.why).toBe(
      "it says 2026-04-30T20:00:00.000Z, but what stands before it was cosigned at 2026-05-01T00:00:00.000Z",
    );
  });

  test("one dated ahead of the cosignature over it, too", async () => {
    expect(await found({ meanwhile: failed("2026-05-01T02:00:00.000Z") })).toMatchObject({
      code: "TIME_BROKEN",
      index: 3,
    });
  });

  test("clocks that are minutes apart are no lie", async () => {
    expect((await found({ afterwards: failed("2026-04-30T23:50:00.000Z") })).verdict).toBe("verified");
  });
});

test("a job that is offered again after its receipt may be refused, and never allowed again", async () => {
  const again = (decision: "allowed" | "refused") => (party: TestParty) => {
    if (party !== PARTNER) return [];
    const { agreementDigest, rules, charge } = decisionOf(PARTNER);
    const base = { ...JOB, agreementDigest, at: AT };
    const request = {
      ...base,
      operation: "audience" as const,
      output: "list" as const,
      purpose: "test",
      requester: "bank",
    };
    const told =
      decision === "allowed"
        ? { ...base, decision, rules, charge }
        : {
            ...{ ...base, decision, charge: null },
            rules: rules.map((rule) => ({
              ...rule,
              outcome: rule.code === "POLICY_RUNS_DAY" ? ("failed" as const) : rule.outcome,
            })),
          };
    return [
      statementEntry("job-requested", ABOUT_JOB, request, party.keys.jobs),
      statementEntry("policy-decision", ABOUT_JOB, told, party.keys.jobs),
    ];
  };
  expect((await found({ afterwards: again("refused") })).verdict).toBe("verified");
  expect(await found({ afterwards: again("allowed") })).toMatchObject({ code: "ORDER_BROKEN", index: 8 });
});
