/** Marked ids, features and weights go through an audience and a score; then everything that the run wrote is searched. */
import { appendFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import type { CoordinatorLink } from "../../party/coordinator-link/link.ts";
import { Channel } from "../../party/session/channel.ts";
import { collaborationOf } from "../../proto/agreement/identity.ts";
import { agree, demoAgreement, generous, registerBoth, runJob } from "../support/demo-agreement.ts";
import { range, writePeople } from "../support/people.ts";
import { found, foundInFolder, idNeedles, numberNeedles, tablesWithout } from "../support/search.ts";
import { cli, cliJson, PARTIES, Trio } from "../support/trio.ts";
import { TwoNodes } from "../support/two-nodes.ts";

const PEOPLE = { bank: range(77_730_000, 77_731_100), bureau: range(77_730_500, 77_731_600) };
/** Of the bank alone, shared, of the bureau alone, and one that is set aside as a duplicate. */
const MARKED_IDS = ["13977730007", "13977730600", "13977731099", "13977731588", "13977730501"];
const OWN_FEATURE = 27182.875;
const PARTNER_FEATURE = 31337.125;
const WEIGHTS = { own: 0.7182818284, partner: 0.3141592653, intercept: -1.2020569031 };
const MODEL = {
  format: "entente-linear/1",
  name: "marked",
  version: "1",
  kind: "logistic-regression",
  link: "logit",
  intercept: WEIGHTS.intercept,
  features: [
    {
      party: "own",
      column: "limit",
      weight: WEIGHTS.own,
      standardise: { mean: 20_000, sd: 10_000 },
      clip: [-4, 4],
      missing: 0,
    },
    {
      party: "partner",
      column: "PAY_0",
      weight: WEIGHTS.partner,
      standardise: { mean: 20_000, sd: 10_000 },
      clip: [-4, 4],
      missing: 0,
    },
  ],
  tiers: [
    { tier: "A", maxProbability: 0.5 },
    { tier: "B", maxProbability: 1 },
  ],
  tagKey: "risk:marked",
};

const IDS = MARKED_IDS.flatMap(idNeedles);
const FEATURES = [OWN_FEATURE, PARTNER_FEATURE].flatMap(numberNeedles);
const SECRETS = Object.values(WEIGHTS).flatMap(numberNeedles);
const EVERYTHING = [...IDS, ...FEATURES, ...SECRETS];

async function writeData(folder: string): Promise<{ bank: string; bureau: string }> {
  const bank = await writePeople(join(folder, "bank.csv"), PEOPLE.bank, { limit: () => OWN_FEATURE, note: () => "n" });
  const bureau = await writePeople(join(folder, "bureau.csv"), PEOPLE.bureau, { PAY_0: () => PARTNER_FEATURE });
  await appendFile(bureau, `13977730501,${PARTNER_FEATURE}\n139777,${PARTNER_FEATURE}\n13977730502,13977730600\n`);
  return { bank, bureau };
}

const AUDIENCE = { operation: "audience", tag: { key: "marketing:marked", value: "yes" } } as const;
const SCORE = { operation: "score", tag: { key: "risk:marked" }, model: MODEL } as const;

test("the search finds what is there: a check that cannot fail proves nothing", () => {
  for (const needle of EVERYTHING) {
    expect(found(Buffer.concat([Buffer.from("before"), needle.bytes, Buffer.from("after")]), [needle])).toHaveLength(1);
    const base64 = Buffer.concat([Buffer.from("0123456789abcdef"), needle.bytes]).toString("base64");
    expect(found(Buffer.from(`{"payload":"${base64}"}`), [needle])).toHaveLength(1);
  }
  expect(found(Buffer.from("13977730008"), EVERYTHING)).toEqual([]);
});

describe("three processes", () => {
  let trio: Trio;
  beforeAll(async () => {
    trio = await Trio.start();
    await registerBoth(trio, await writeData(join(trio.folder, "data")));
    const agreement = await agree(trio, demoAgreement(generous()));
    for (const request of [AUDIENCE, SCORE]) {
      const job = await runJob(trio, { ...request, agreement });
      expect(job).toMatchObject({ state: "done", summary: { matched: 600 } });
      await (await trio.client("bureau")).waitForJob(job.jobId, { pollMs: 20 });
    }
    // Mistakes are logged, too: what they were about must not be.
    const text = { ...MODEL, features: [{ ...MODEL.features[0], column: "note" }, MODEL.features[1]] };
    await expect(runJob(trio, { ...SCORE, model: text, agreement })).rejects.toMatchObject({
      code: "DATASET_COLUMN_TYPE",
    });
    const path = ["--file", join(trio.folder, "data", "bank.csv"), "--id-column", "13977730600"];
    await cli("--node", trio.dir("bank"), "dataset", "register", "x", ...path, "--normaliser", "opaque");
    for (const party of PARTIES) {
      const out = join(trio.folder, `audit-${party}`);
      const collaboration = collaborationOf(["bank", "bureau"]);
      await cliJson("--node", trio.dir(party), "audit", "export", "--collaboration", collaboration, "--out", out);
    }
    await trio.halt();
  });
  afterAll(() => trio.stop());

  test("no log, evidence, database, spool or exported file holds a marked value", async () => {
    // Where they belong: the owners' own files, what was set aside of them, and the bank's tags.
    const belongs = (path: string) =>
      path.startsWith("data/") || path.includes("/quarantine/") || /^bank\/node\.db/.test(path);
    expect(await foundInFolder(trio.folder, EVERYTHING, belongs)).toEqual({});
    expect(found(tablesWithout(join(trio.dir("bank"), "node.db"), "tag"), EVERYTHING)).toEqual([]);
  });

  test("where they belong, they are", async () => {
    const hits = await foundInFolder(trio.folder, EVERYTHING);
    expect(Object.keys(hits).sort()).toEqual([
      "bank/node.db",
      "bureau/quarantine/repayments.jsonl",
      "data/bank.csv",
      "data/bureau.csv",
    ]);
    expect(hits["bureau/quarantine/repayments.jsonl"]).toEqual(["13977730501"]);
  });
});

describe("what travels", () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  test("neither the relay's bytes nor the frames inside the session hold a marked value", async () => {
    const relayed: Buffer[] = [];
    const frames: Buffer[] = [];
    const send = Channel.prototype.send;
    vi.spyOn(Channel.prototype, "send").mockImplementation(function (this: Channel, frame) {
      frames.push(Buffer.from(frame.body));
      return send.call(this, frame);
    });
    const wrap = (link: CoordinatorLink): CoordinatorLink => ({
      ...link,
      async connectRelay(relayId) {
        const stream = await link.connectRelay(relayId);
        const write = stream._write;
        stream._write = (chunk: Buffer, encoding, done) => {
          relayed.push(Buffer.from(chunk));
          write.call(stream, chunk, encoding, done);
        };
        return stream;
      },
    });
    const nodes = await TwoNodes.start({ bank: { wrap }, bureau: { wrap } });
    try {
      await nodes.register(await writeData(join(nodes.coordinator.folder, "data")));
      const agreement = await nodes.agree();
      let bytes = 0;
      for (const request of [AUDIENCE, SCORE]) {
        const tag = { ...request.tag, expiresInDays: 30 };
        const { bank } = await nodes.run({ ...request, tag, agreement });
        expect(bank).toMatchObject({ state: "done", summary: { matched: 600 } });
        bytes += (bank.summary?.bytesSent ?? 0) + (bank.summary?.bytesReceived ?? 0);
      }
      const { bytes: counted } = nodes.coordinator.running.counters();
      expect(Buffer.concat(relayed).length).toBe(counted);
      expect(counted).toBeGreaterThan(bytes);
      expect(Buffer.concat(frames).length).toBeGreaterThan(bytes / 2);
      expect(found(Buffer.concat(relayed), EVERYTHING)).toEqual([]);
      expect(found(Buffer.concat(frames), EVERYTHING)).toEqual([]);
      // The most talkative log level of both nodes.
      expect(found(Buffer.from(nodes.log.join("")), EVERYTHING)).toEqual([]);
      expect(nodes.log.length).toBeGreaterThan(0);
    } finally {
      await nodes.close();
    }
  });
});
