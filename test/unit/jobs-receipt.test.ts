import { afterEach, describe, expect, test } from "vitest";
import { acceptReceipt, type OwnPart, proposeReceipt, type ReceiptFacts } from "../../party/jobs/receipt.ts";
import type { Channel } from "../../party/session/channel.ts";
import type { JobSpec } from "../../proto/agreement/job-spec.ts";
import type { SessionMessage } from "../../proto/codec/session-messages.ts";
import { canonicalJson, type Json, parseCanonicalJson } from "../../proto/encoding/canonical-json.ts";
import { type Envelope, envelope } from "../../proto/encoding/dsse.ts";
import { type ErrorCode, toEntenteError } from "../../proto/errors.ts";
import type { TreeHead } from "../../proto/evidence/checkpoint.ts";
import type { Predicate } from "../../proto/evidence/predicates.ts";
import { parseStatement, STATEMENT_PAYLOAD_TYPE } from "../../proto/evidence/statements.ts";
import type { Digest, JobId } from "../../proto/ids.ts";
import { channelPair, sessionParty } from "../support/channel-pair.ts";
import { PURPOSE } from "../support/demo-agreement.ts";
import { AGREEMENT, AT, PARTNER, testHash } from "../support/evidence-world.ts";

const [bureau, bank] = [await sessionParty("bureau"), await sessionParty("bank")];
const open: Channel[] = [];
afterEach(() => {
  for (const channel of open.splice(0)) channel.close();
});

const FACTS: ReceiptFacts = {
  spec: {
    format: "entente-job/1",
    jobId: "0b".repeat(16) as JobId,
    agreement: testHash("agreement") as Digest,
    operation: "audience",
    output: "list",
    purpose: PURPOSE,
    protocol: "psi-dh",
    alignment: "hidden",
    receiver: bank.name,
    provider: bureau.name,
    receiverDataset: "customers" as JobSpec["receiverDataset"],
    providerDataset: "repayments" as JobSpec["providerDataset"],
    receiverVersion: testHash("receiver version"),
    tagDays: 30,
    receiverSizeClass: 88,
    normalisers: ["opaque"],
    receiverNonce: testHash("nonce"),
    createdAt: AT,
  },
  agreement: AGREEMENT,
  jobDigest: testHash("job"),
  parametersDigest: testHash("parameters"),
  protocolVersion: 1,
  senderSizeClass: 90,
  providerVersion: testHash("provider version"),
  attempts: [{ attempt: 1, exporter: testHash("exporter"), transcriptHash: testHash("transcript"), partitions: [0] }],
};
const OWN = {
  bank: {
    inputCommitment: Uint8Array.fromHex(testHash("in bank")),
    lastCosigned: undefined,
    sketchCommitment: undefined,
  },
  bureau: {
    inputCommitment: Uint8Array.fromHex(testHash("in bureau")),
    sketchCommitment: undefined,
    lastCosigned: { origin: `bureau/${AGREEMENT.collaboration}/2026`, size: 7, root: testHash("root") },
  },
};
const CLAIMS = { finishedAt: AT, gateKeyHashes: [testHash("gate")] };

/** Heads that each side has cosigned of the other's log. */
const COSIGNED = { bank: [OWN.bureau.lastCosigned], bureau: [] as TreeHead[] };
const NOW_MS = Date.parse(AT);

async function channels() {
  const pair = await channelPair(bureau, bank);
  open.push(...pair);
  return pair;
}

const side = (party: typeof bank, peer: typeof bank, channel: Channel, facts: ReceiptFacts) => ({
  channel,
  facts,
  own: OWN[party.name as "bank" | "bureau"] as OwnPart,
  jobsKey: party.keys.jobs,
  peer: peer.peer,
  clock: { nowMs: () => NOW_MS, monotonicMs: () => 0 },
  timeoutMs: 1_000,
  ...{ sinceMs: NOW_MS, proposed: undefined as Envelope | undefined, keep: async () => {} },
  hasCosigned: async (head: TreeHead) => {
    const known: readonly TreeHead[] = COSIGNED[party.name as "bank" | "bureau"];
    return known.some(({ origin, size, root }) => origin === head.origin && size === head.size && root === head.root);
  },
});
type Side = ReturnType<typeof side>;

/** As the nodes do: whoever finds a fault tells the other. */
async function orFail<T>(channel: Channel, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    await channel.fail(toEntenteError(error));
    throw error;
  }
}

async function exchange(
  change: { bureau?: Partial<ReceiptFacts>; bank?: Partial<ReceiptFacts>; claims?: object } = {},
  sides: { bureau?: Partial<Side>; bank?: Partial<Side> } = {},
) {
  const [sender, receiver] = await channels();
  const claims = { ...CLAIMS, ...change.claims };
  return Promise.allSettled([
    orFail(
      sender,
      proposeReceipt({ ...side(bureau, bank, sender, { ...FACTS, ...change.bureau }), ...sides.bureau, claims }),
    ),
    orFail(receiver, acceptReceipt({ ...side(bank, bureau, receiver, { ...FACTS, ...change.bank }), ...sides.bank })),
  ]);
}

function codes(results: readonly PromiseSettledResult<unknown>[]): (ErrorCode | "signed")[] {
  return results.map((result) => (result.status === "fulfilled" ? "signed" : toEntenteError(result.reason).code));
}

/** What both have signed. */
async function predicateOf(...input: Parameters<typeof exchange>): Promise<Predicate<"receipt">> {
  const [sender] = await exchange(...input);
  if (sender.status !== "fulfilled") throw sender.reason;
  const { event, statement } = parseStatement(sender.value.entry);
  if (event !== "receipt") throw new Error(event);
  return statement.predicate;
}

test("both hold the same entry, signed by both, with each side's own part", async () => {
  const [sender, receiver] = await exchange();
  if (sender.status !== "fulfilled" || receiver.status !== "fulfilled") throw new Error("no receipt");
  expect(sender.value.entry).toEqual(receiver.value.entry);
  expect(receiver.value.gateKeyHashes).toEqual(CLAIMS.gateKeyHashes);
  const { event, statement, envelope: signed } = parseStatement(sender.value.entry);
  expect(event).toBe("receipt");
  expect(signed.signatures.map(({ keyid }) => keyid)).toEqual(["bank/jobs", "bureau/jobs"]);
  expect(statement.predicate).toMatchObject({
    parties: { receiver: "bank", sender: "bureau" },
    inputCommitments: { receiver: testHash("in bank"), sender: testHash("in bureau") },
    lastCosigned: { receiver: null, sender: OWN.bureau.lastCosigned },
    sizeClasses: { receiver: 88, sender: 90 },
    output: "list",
    modelVersion: null,
    datasetVersions: { receiver: testHash("receiver version"), sender: testHash("provider version") },
    sketchCommitment: null,
    attempts: [{ ...FACTS.attempts[0], gateKeyHash: testHash("gate") }],
  });
});

const [ATTEMPT] = FACTS.attempts as [ReceiptFacts["attempts"][number]];
describe("nodes that saw different things do not sign", () => {
  test.each<[string, Partial<ReceiptFacts>]>([
    ["job", { jobDigest: testHash("another job") }],
    ["parameters", { parametersDigest: testHash("other parameters") }],
    ["protocol version", { protocolVersion: 2 }],
    ["size class", { senderSizeClass: 91 }],
    ["version of the provider's dataset", { providerVersion: testHash("another version") }],
    ["version of the receiver's dataset", { spec: { ...FACTS.spec, receiverVersion: testHash("another version") } }],
    ["agreement", { spec: { ...FACTS.spec, agreement: testHash("another") as Digest } }],
    ["exporter", { attempts: [{ ...ATTEMPT, exporter: testHash("another") }] }],
    ["transcript", { attempts: [{ ...ATTEMPT, transcriptHash: testHash("another") }] }],
    ["attempt number", { attempts: [{ ...ATTEMPT, attempt: 2 }] }],
    ["partitions", { attempts: [{ ...ATTEMPT, partitions: [0, 1] }] }],
  ])("another %s", async (_what, facts) => {
    expect(codes(await exchange({ bureau: facts }))).toEqual(["RECEIPT_MISMATCH", "RECEIPT_MISMATCH"]);
    expect(codes(await exchange({ bank: facts }))).toEqual(["RECEIPT_MISMATCH", "RECEIPT_MISMATCH"]);
  });

  /** A score of the model version with this commitment. */
  const scored = (output: "score" | "tier", version: string): ReceiptFacts => {
    const column = { kind: "number" as const, column: "PAY_0", clip: [-2, 8] as [number, number], missing: 0 };
    const view = { format: "entente-model-view/1", kind: "linear", commitment: testHash(version) } as const;
    const model = { ...view, columns: [column] };
    return { ...FACTS, spec: { ...FACTS.spec, operation: "score", output, model } };
  };

  test.each<[string, ReceiptFacts]>([
    ["output", scored("tier", "model")],
    ["model version", scored("score", "another model")],
  ])("another %s of a score", async (_what, facts) => {
    const score = scored("score", "model");
    expect(codes(await exchange({ bureau: facts, bank: score }))).toEqual(["RECEIPT_MISMATCH", "RECEIPT_MISMATCH"]);
    expect(codes(await exchange({ bureau: score, bank: facts }))).toEqual(["RECEIPT_MISMATCH", "RECEIPT_MISMATCH"]);
    expect(await predicateOf({ bureau: score, bank: score })).toMatchObject({
      operation: "score",
      output: "score",
      modelVersion: testHash("model"),
      sketchCommitment: null,
    });
  });

  test("a gate key hash for every attempt, no more", async () => {
    const two = { attempts: [ATTEMPT, { ...ATTEMPT, attempt: 2, partitions: [1] }] };
    const claims = { gateKeyHashes: [testHash("gate"), testHash("gate 2")] };
    expect(codes(await exchange({ bureau: two, claims }))).toEqual(["RECEIPT_MISMATCH", "RECEIPT_MISMATCH"]);
    expect(codes(await exchange({ bureau: two, bank: two, claims }))).toEqual(["signed", "signed"]);
  });
});

/** The sender's true proposal after a change, re-signed by the bureau or by whoever. */
async function receiverHears(
  change: (message: Extract<SessionMessage, { kind: "receiptSignature" }>) => SessionMessage,
  facts = FACTS,
  bankSide: Partial<Side> = {},
) {
  const [sender, receiver] = await channels();
  const say = sender.say.bind(sender);
  sender.say = (message) => say(message.kind === "receiptSignature" ? change(message) : message);
  const results = await Promise.allSettled([
    orFail(sender, proposeReceipt({ ...side(bureau, bank, sender, facts), claims: CLAIMS })),
    orFail(receiver, acceptReceipt({ ...side(bank, bureau, receiver, facts), ...bankSide })),
  ]);
  return codes(results);
}

const resigned = (payload: Json | Uint8Array, key = bureau.keys.jobs): SessionMessage => ({
  kind: "receiptSignature",
  envelope: envelope(STATEMENT_PAYLOAD_TYPE, payload instanceof Uint8Array ? payload : canonicalJson(payload), key),
});
type Claimed = { predicate: Record<string, Json> };

describe("a sender that lies", () => {
  test.each<[string, (claimed: Claimed) => Json, ErrorCode]>([
    [
      "about its receiver's commitment",
      ({ predicate, ...rest }) => ({
        ...rest,
        predicate: { ...predicate, inputCommitments: { receiver: testHash("x"), sender: testHash("y") } },
      }),
      "RECEIPT_MISMATCH",
    ],
    [
      "about the receiver's log",
      ({ predicate, ...rest }) => ({
        ...rest,
        predicate: { ...predicate, lastCosigned: { receiver: OWN.bureau.lastCosigned, sender: null } },
      }),
      "RECEIPT_MISMATCH",
    ],
    [
      "with a field of its own",
      ({ predicate, ...rest }) => ({ ...rest, predicate: { ...predicate, note: "x" } }),
      "RECEIPT_MISMATCH",
    ],
    ["with no predicate", ({ predicate: _, ...rest }) => rest, "RECEIPT_MISMATCH"],
    [
      "with attempts that are none",
      ({ predicate, ...rest }) => ({ ...rest, predicate: { ...predicate, attempts: 7 } }),
      "RECEIPT_MISMATCH",
    ],
    [
      "with commitments that are none",
      ({ predicate, ...rest }) => ({ ...rest, predicate: { ...predicate, inputCommitments: null } }),
      "RECEIPT_MISMATCH",
    ],
    ["with null", () => null, "RECEIPT_MISMATCH"],
    [
      "with another event",
      ({ predicate: _, ...rest }) => ({
        ...rest,
        predicateType: "https://entente.dev/evidence/withheld/v1",
        predicate: { jobId: FACTS.spec.jobId, receiptDigest: testHash("r"), code: "INTERNAL", at: AT },
      }),
      "RECEIPT_MISMATCH",
    ],
  ])("%s", async (_what, change, code) => {
    const heard = await receiverHears(({ envelope: { payload } }) =>
      resigned(change(parseCanonicalJson(payload) as unknown as Claimed)),
    );
    expect(heard).toEqual([code, code]);
  });

  test("about who signed", async () => {
    const stranger = PARTNER.keys.jobs;
    expect((await receiverHears(({ envelope: { payload } }) => resigned(payload, stranger)))[1]).toBe(
      "SIGNATURE_INVALID",
    );
    expect(
      (await receiverHears(({ envelope: { payload } }) => resigned(payload, { ...stranger, keyId: "bureau/jobs" })))[1],
    ).toBe("SIGNATURE_INVALID");
    const twice = await receiverHears(({ envelope: signed }) => {
      const [signature] = signed.signatures;
      if (signature === undefined) throw new Error("unsigned");
      return {
        kind: "receiptSignature",
        envelope: { ...signed, signatures: [{ ...signature, keyid: "bank/jobs" }, signature] },
      };
    });
    expect(twice[1]).toBe("SIGNATURE_INVALID");
  });
});

const BOTH_REFUSE = ["RECEIPT_MISMATCH", "RECEIPT_MISMATCH"];

describe("the sketch of the receiver's list", () => {
  const rate = { spec: { ...FACTS.spec, output: "match-rate", tagDays: null } } as const;
  const both = { bureau: rate, bank: rate };
  const sketch = Uint8Array.fromHex(testHash("sketch"));
  const withSketch = (party: "bank" | "bureau") => ({ own: { ...OWN[party], sketchCommitment: sketch } });

  test("is committed to in the receipt of a match rate", async () => {
    expect(await predicateOf(both, { bank: withSketch("bank") })).toMatchObject({
      output: "match-rate",
      sketchCommitment: testHash("sketch"),
    });
  });

  test("of a match rate without it, or a list with it, the sender signs no receipt", async () => {
    expect(codes(await exchange(both))).toEqual(BOTH_REFUSE);
    expect(codes(await exchange({}, { bank: withSketch("bank") }))).toEqual(BOTH_REFUSE);
  });

  test("is the receiver's alone: what the sender has of its own stands nowhere", async () => {
    const sides = { bank: withSketch("bank"), bureau: withSketch("bureau") };
    expect(await predicateOf(both, sides)).toEqual(await predicateOf(both, { bank: withSketch("bank") }));
    expect(await predicateOf({}, { bureau: withSketch("bureau") })).toMatchObject({ sketchCommitment: null });
  });

  test("that the sender changes or leaves out, the receiver does not sign", async () => {
    for (const sketchCommitment of [testHash("another sketch"), null]) {
      const change = (message: Extract<SessionMessage, { kind: "receiptSignature" }>) => {
        const claimed = parseCanonicalJson(message.envelope.payload) as unknown as Claimed;
        return resigned({ ...claimed, predicate: { ...claimed.predicate, sketchCommitment } });
      };
      const sides = [{ ...FACTS, ...rate }, withSketch("bank")] as const;
      expect(await receiverHears(change, ...sides)).toEqual(BOTH_REFUSE);
      expect(await receiverHears((message) => message, ...sides)).toEqual(["signed", "signed"]);
    }
  });
});

describe("what one side says of the other's past and of the time", () => {
  const { collaboration } = AGREEMENT;
  const head = OWN.bureau.lastCosigned;
  const bankHead = { origin: `bank/${collaboration}/2026`, size: 3, root: testHash("bank root") };
  const own = (party: "bank" | "bureau", lastCosigned: TreeHead) => ({ own: { ...OWN[party], lastCosigned } });

  test.each<[string, TreeHead]>([
    ["of a size that never was cosigned", { ...head, size: 8 }],
    ["of another root", { ...head, root: testHash("fork") }],
    ["of another year", { ...head, origin: `bureau/${collaboration}/2027` }],
    ["of another collaboration", { ...head, origin: `bureau/${"00".repeat(16)}/2026` }],
    ["of the receiver's own log", { ...head, origin: `bank/${collaboration}/2026` }],
  ])("the receiver does not sign that it cosigned a head %s", async (_what, claimed) => {
    expect(codes(await exchange({}, { bureau: own("bureau", claimed) }))).toEqual(BOTH_REFUSE);
  });

  test("nor one that it did cosign, but for another log than the sender's", async () => {
    const others = { ...head, origin: `bank/${collaboration}/2026` };
    const knowsAll = { hasCosigned: async () => true };
    expect(codes(await exchange({}, { bureau: own("bureau", others), bank: knowsAll }))).toEqual(BOTH_REFUSE);
  });

  test("the sender does not sign that it cosigned a head of the receiver's that it never saw", async () => {
    expect(codes(await exchange({}, { bank: own("bank", bankHead) }))).toEqual(BOTH_REFUSE);
    const knows = { hasCosigned: async ({ root }: TreeHead) => root === bankHead.root };
    expect(codes(await exchange({}, { bank: own("bank", bankHead), bureau: knows }))).toEqual(["signed", "signed"]);
    const another = { ...bankHead, origin: `bureau/${collaboration}/2026` };
    expect(codes(await exchange({}, { bank: own("bank", another), bureau: knows }))).toEqual(BOTH_REFUSE);
  });

  test.each([
    [-600_001, BOTH_REFUSE],
    [-600_000, ["signed", "signed"]],
    [600_000, ["signed", "signed"]],
    [600_001, BOTH_REFUSE],
  ])("the receiver signs a time within ten minutes of its own: %i ms", async (differenceMs, expected) => {
    const finishedAt = new Date(NOW_MS + differenceMs).toISOString();
    expect(codes(await exchange({ claims: { finishedAt } }))).toEqual(expected);
  });

  test.each([
    ["validUntil", -1],
    ["validFrom", 1],
  ] as const)("and none outside the agreement: %s", async (field, byMs) => {
    const limit = { [field]: new Date(NOW_MS + byMs).toISOString() };
    const agreement = { ...AGREEMENT, document: { ...AGREEMENT.document, ...limit } };
    expect(codes(await exchange({ bank: { agreement } }))).toEqual(BOTH_REFUSE);
    const inside = { [field]: new Date(NOW_MS - byMs).toISOString() };
    const wider = { ...AGREEMENT, document: { ...AGREEMENT.document, ...inside } };
    expect(codes(await exchange({ bank: { agreement: wider } }))).toEqual(["signed", "signed"]);
  });
});

describe("a receiver that lies", () => {
  async function senderHears(
    change: (message: Extract<SessionMessage, { kind: "receiptSignature" }>) => SessionMessage,
  ) {
    const [sender, receiver] = await channels();
    const say = receiver.say.bind(receiver);
    receiver.say = (message) => say(message.kind === "receiptSignature" ? change(message) : message);
    const [outcome] = await Promise.allSettled([
      proposeReceipt({ ...side(bureau, bank, sender, FACTS), claims: CLAIMS }),
      acceptReceipt(side(bank, bureau, receiver, FACTS)),
    ]);
    return codes([outcome])[0];
  }

  test("by signing something else, or as somebody else, gets no receipt", async () => {
    const other = (payload: Uint8Array) => {
      const claimed = parseCanonicalJson(payload) as unknown as Claimed;
      return { ...claimed, predicate: { ...claimed.predicate, finishedAt: "2026-05-02T00:00:00.000Z" } };
    };
    expect(await senderHears(({ envelope: { payload } }) => resigned(other(payload), bank.keys.jobs))).toBe(
      "RECEIPT_MISMATCH",
    );
    expect(await senderHears(({ envelope: { payload } }) => resigned(payload, bureau.keys.jobs))).toBe(
      "SIGNATURE_INVALID",
    );
    expect(await senderHears(({ envelope: { payload } }) => resigned(payload, bank.keys.log))).toBe(
      "SIGNATURE_INVALID",
    );
  });

  test("by saying nothing, runs into the deadline", async () => {
    const [sender] = await channels();
    const input = { ...side(bureau, bank, sender, FACTS), claims: CLAIMS, timeoutMs: 50 };
    await expect(proposeReceipt(input)).rejects.toMatchObject({ code: "PEER_TIMEOUT" });
  });
});
