/** What is kept of a job with labels: exported typed, recorded, and erased when its time has come. */
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import type { Logger } from "pino";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Access } from "../../party/access/access.ts";
import { handlers } from "../../party/api/handlers.ts";
import type { FileAnswer } from "../../party/api/server.ts";
import { forgetOldResults } from "../../party/jobs/retention.ts";
import { toEntenteError } from "../../proto/errors.ts";
import type { Digest } from "../../proto/ids.ts";
import { demoAgreement, withColumns } from "../support/demo-agreement.ts";
import { phoneOf, range } from "../support/people.ts";
import { ANALYST, auditOf, DAY_MS, eventsOf, requestOf, startWithLists, Times } from "../support/policy-nodes.ts";
import { found, foundInFolder } from "../support/search.ts";
import type { TwoNodes } from "../support/two-nodes.ts";

const RESULT_DAYS = 40;
const SHARED = range(20, 50);
const cityOf = (person: number) => ['"a, b"', "上海", "", "=1+1"][person % 4] as string;
const plainCityOf = (person: number) => ["a, b", "上海", "", "=1+1"][person % 4] as string;
const carOf = (person: number) => ["true", "false", ""][person % 3] as string;
const spendOf = (person: number) => (person % 5 === 0 ? "" : person / 8 - 3);

const times = new Times();
let nodes: TwoNodes;
let titles = 0;

beforeAll(async () => {
  const bureauColumns = { has_car: carOf, city: cityOf, spend: spendOf };
  ({ nodes } = await startWithLists(times, { bureauColumns }));
});
afterAll(() => nodes.close());

function agree(changes: Record<string, unknown> = {}): Promise<Digest> {
  const document = demoAgreement({
    title: `Results ${++titles}`,
    budgets: { runsPerEpoch: 1000, runsPerDay: 1000, scoresPerModelVersion: 1000, modelVersionsPerEpoch: 1000 },
    floors: { input: 10, result: 5, sizeRatio: 1_000 },
    retention: { resultDays: RESULT_DAYS },
    ...changes,
  });
  const labels = [
    { name: "has_car", role: "label", grade: 2, type: "boolean" },
    { name: "city", role: "label", grade: 2, type: "text", maxBytes: 12 },
    { name: "spend", role: "label", grade: 3, type: "number" },
  ];
  return nodes.agree(withColumns(document, labels));
}

async function run(wish: Partial<Parameters<typeof requestOf>[0]> & { agreement: Digest }): Promise<string> {
  const { bank } = await nodes.run(requestOf({ labels: ["city", "has_car", "spend"], ...wish }));
  expect([bank.state, bank.reason]).toEqual(["done", undefined]);
  return bank.jobId;
}

/** The file, or the code of why there is none. */
async function exported(jobId: string, format: "csv" | "parquet" = "csv", more: object = {}): Promise<Buffer> {
  const routes = handlers(nodes.bank, {} as Access, {} as Logger, "0");
  const answer = await routes.exportResult(
    { jobId, format, ...more } as never,
    { person: ANALYST } as never,
    {} as never,
  );
  const chunks: Uint8Array[] = [];
  for await (const chunk of (answer as FileAnswer).stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const refusalOf = (jobId: string) =>
  exported(jobId).then(
    () => "exported",
    (error: unknown) => toEntenteError(error).code,
  );

const cell = (text: string) => (/[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
const subjectOf = (person: number) => `+86${phoneOf(person)}`;

const NEEDLES = [{ name: "a label", bytes: Buffer.from("上海") }];

/** Of everything that lies on the bank's disk: where a person's label can be read. */
async function traces(): Promise<string[]> {
  return Object.keys(await foundInFolder(nodes.folder("bank"), NEEDLES));
}

describe("a result", () => {
  let jobId: string;
  beforeAll(async () => {
    jobId = await run({ agreement: await agree() });
  });

  test("comes as CSV, one row a person that matched", async () => {
    const [head, ...rows] = (await exported(jobId)).toString().trimEnd().split("\r\n");
    expect(head).toBe("subject,label_city,label_has_car,label_spend");
    const expected = SHARED.map((person) =>
      [subjectOf(person), cell(plainCityOf(person)), carOf(person), spendOf(person)].join(","),
    );
    expect(rows.sort()).toEqual(expected.sort());
  });

  test("comes as CSV for a spreadsheet: no text of the partner's is run, and subjects and numbers are as they are", async () => {
    const [, ...rows] = (await exported(jobId, "csv", { forSpreadsheet: "yes" })).toString().trimEnd().split("\r\n");
    const shown = (text: string) => cell(text.startsWith("=") ? `'${text}` : text);
    const expected = SHARED.map((person) =>
      [subjectOf(person), shown(plainCityOf(person)), carOf(person), spendOf(person)].join(","),
    );
    expect(expected.some((row) => row.includes(",'=1+1,")) && expected.some((row) => row.includes(",-"))).toBe(true);
    expect(rows.sort()).toEqual(expected.sort());
  });

  test("comes as Parquet, typed", async () => {
    const path = join(nodes.coordinator.folder, "result.parquet");
    await writeFile(path, await exported(jobId, "parquet"));
    const connection = await (await DuckDBInstance.create(":memory:")).connect();
    const reader = await connection.runAndReadAll(`FROM '${path}' ORDER BY subject`);
    expect(Object.fromEntries(reader.columnNames().map((name, i) => [name, String(reader.columnTypes()[i])]))).toEqual({
      subject: "VARCHAR",
      label_city: "VARCHAR",
      label_has_car: "BOOLEAN",
      label_spend: "DOUBLE",
    });
    expect(reader.getRows()).toEqual(
      SHARED.map((person) => [
        subjectOf(person),
        plainCityOf(person) || null,
        { true: true, false: false }[carOf(person)] ?? null,
        spendOf(person) === "" ? null : spendOf(person),
      ]),
    );
  });

  test("is recorded each time it leaves, and an auditor finds the entries in order", async () => {
    const before = (await eventsOf(nodes.bank, jobId)).filter((event) => event === "result-exported").length;
    await exported(jobId);
    const events = await eventsOf(nodes.bank, jobId);
    expect(events.filter((event) => event === "result-exported")).toHaveLength(before + 1);
    expect((await auditOf([nodes.bank, nodes.bureau])).verdict).toBe("verified");
  });

  test("lies on the disk encrypted only, also after a restart", async () => {
    expect(await traces()).toEqual([]);
    await nodes.restart("bank");
    expect(found(await exported(jobId), NEEDLES)).toEqual(["a label"]);
    expect(await traces()).toEqual([]);
  });
});

test.each([
  ["score", "A,0.5,"],
  ["tier", "A,,"],
])("of a score it shows what the output %s leaves", async (output, shown) => {
  const feature = { party: "partner", column: "PAY_0", weight: 1, clip: [-8, 8], missing: 0 };
  const model = {
    ...{ format: "entente-linear/1", name: "points", version: "1", tagKey: "risk:points", kind: "linear-regression" },
    ...{ link: "identity", intercept: 0.5, features: [feature], tiers: [{ tier: "A", minScore: 0.25 }, { tier: "B" }] },
  };
  const { operations } = demoAgreement({}, "psi-vole") as { operations: { operation: string }[] };
  const agreement = await agree({
    operations: operations.map((item) => (item.operation === "score" ? { ...item, outputs: [output] } : item)),
  });
  const tag = { key: "risk:points", expiresInDays: 3 };
  const jobId = await run({ agreement, operation: "score", output, model, tag, labels: ["has_car"] } as never);
  const [head, ...rows] = (await exported(jobId)).toString().trimEnd().split("\r\n");
  expect(head).toBe("subject,tier,score,label_has_car");
  // The worker of these tests adds nothing to the intercept.
  expect(rows.sort()).toEqual(SHARED.map((person) => `${subjectOf(person)},${shown}${carOf(person)}`));
});

test("who opts out afterwards is in no file any more, and who does so before is in no result", async () => {
  const agreement = await agree();
  const [before, after] = [SHARED[3] as number, SHARED[4] as number];
  const people = async (jobId: string) =>
    (await exported(jobId))
      .toString()
      .trimEnd()
      .split("\r\n")
      .slice(1)
      .map((line) => line.split(",")[0])
      .sort();
  const { optOuts } = nodes.bank;
  const first = await run({ agreement, labels: ["has_car"] });
  expect(await people(first)).toEqual(SHARED.map(subjectOf));
  await optOuts.add("phone-e164", [subjectOf(before)], ANALYST);
  expect(await people(first)).toEqual(SHARED.filter((person) => person !== before).map(subjectOf));
  const second = await run({ agreement, labels: ["has_car"] });
  await optOuts.add("phone-e164", [subjectOf(after)], ANALYST);
  await optOuts.remove("phone-e164", [subjectOf(before)]);
  expect(await people(first)).toEqual(SHARED.filter((person) => person !== after).map(subjectOf));
  expect(await people(second)).toEqual(SHARED.filter((person) => person !== before && person !== after).map(subjectOf));
  await optOuts.remove("phone-e164", [subjectOf(after)]);
});

test("a revocation withdraws the results under it, and no others", async () => {
  const [revoked, kept] = [await agree(), await agree()];
  const [gone, there] = [await run({ agreement: revoked }), await run({ agreement: kept })];
  await nodes.bureau.connected.revocations.revoke(revoked, undefined);
  for (let tries = 0; tries < 200 && (await nodes.bank.connected.results.has(gone)); tries++)
    await new Promise((done) => setTimeout(done, 10));
  expect(await refusalOf(gone)).toBe("NOT_FOUND");
  expect(await refusalOf(there)).toBe("exported");
});

describe("there is no result", () => {
  test("of a job without labels, of one that was withheld, and at the provider", async () => {
    const agreement = await agree();
    const { bank: plain } = await nodes.run(requestOf({ agreement }));
    expect(await refusalOf(plain.jobId)).toBe("NOT_FOUND");
    const floor = await agree({ floors: { input: 10, result: 31, sizeRatio: 1_000 } });
    const { bank } = await nodes.run(requestOf({ agreement: floor, labels: ["city"] }));
    expect(bank.withheld).toBe(true);
    expect(await refusalOf(bank.jobId)).toBe("NOT_FOUND");
    expect(await readdir(join(nodes.folder("bank"), "results")).catch(() => [])).not.toContain(bank.jobId);
    expect(await nodes.bureau.connected.results.has(plain.jobId)).toBe(false);
  });

  test("that was changed on the disk: it is refused, not shown", async () => {
    const jobId = await run({ agreement: await agree() });
    const { files } = nodes.bank.ports;
    const path = join(nodes.folder("bank"), "results", jobId, "0.sealed");
    const sealed = (await files.read(path)) as Uint8Array;
    sealed[40] = (sealed[40] as number) ^ 1;
    await files.writeDurable(path, sealed);
    expect(await refusalOf(jobId)).toBe("STORAGE_FAILED");
    await files.remove(path);
    expect(await refusalOf(jobId)).toBe("STORAGE_FAILED");
  });
});

// Last: a node's clock does not go back.
test("a result is erased when the agreement says so, and not before", async () => {
  const jobId = await run({ agreement: await agree() });
  times.both((RESULT_DAYS - 1) * DAY_MS);
  await forgetOldResults(nodes.bank.connected);
  expect(await nodes.bank.connected.results.has(jobId)).toBe(true);
  times.both((RESULT_DAYS + 1) * DAY_MS);
  await forgetOldResults(nodes.bank.connected);
  expect(await refusalOf(jobId)).toBe("NOT_FOUND");
  expect(await readdir(join(nodes.folder("bank"), "results"))).not.toContain(jobId);
});
