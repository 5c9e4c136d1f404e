/** An audience of people who are in several files of GB18030 at one node, and in a PostgreSQL database at the other. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Digest } from "../../proto/ids.ts";
import { Secret } from "../../proto/keys/secret.ts";
import { demoAgreement, generous } from "../support/demo-agreement.ts";
import { phoneOf, REPAYMENTS, range } from "../support/people.ts";
import { type Postgres, startPostgres } from "../support/postgres.ts";
import { TwoNodes } from "../support/two-nodes.ts";

const FORM = { ids: [{ column: "phone", normaliser: "phone-e164" }] } as const;
const GB18030_NAME = Buffer.of(0xd6, 0xd0, 0x94, 0x39, 0xfc, 0x36);

let server: Postgres | undefined;
let nodes: TwoNodes;
let agreement: Digest;

async function writeParts(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const part of [0, 1, 2]) {
    const rows = range(part * 500, part * 500 + 500).map((person) =>
      Buffer.concat([Buffer.from(`${phoneOf(person)};`), GB18030_NAME, Buffer.from(`;${person % 7}\n`)]),
    );
    await writeFile(join(folder, `part-${part}.csv`), Buffer.concat([Buffer.from("phone;name;limit\n"), ...rows]));
  }
}

beforeAll(async () => {
  server = await startPostgres();
  if (server === undefined) return;
  const columns = Object.entries(REPAYMENTS);
  const rows = range(1_000, 2_500).map(
    (person) => `('${phoneOf(person)}', ${columns.map(([, value]) => value(person)).join(", ")})`,
  );
  await server.query(
    `CREATE TABLE repayments (phone text PRIMARY KEY, ${columns.map(([name]) => `"${name}" int`).join(", ")});
     INSERT INTO repayments VALUES ${rows.join(", ")}`,
  );
  nodes = await TwoNodes.start({ bureau: { databases: { warehouse: { url: new Secret(server.url) } } } });
  const folder = join(nodes.coordinator.folder, "data", "customers");
  await writeParts(folder);
  await nodes.bank.datasets.register({ name: "customers", path: folder, ...FORM });
  const postgres = { database: "warehouse", table: "repayments" };
  await nodes.bureau.datasets.register({ name: "repayments", postgres, ...FORM });
  agreement = await nodes.agree(demoAgreement(generous()));
}, 120_000);

afterAll(async () => {
  await nodes?.close();
  await server?.stop();
});

test("finds those in both, by a filter too, and leaves no secret of the database in a log", async ({ skip }) => {
  if (server === undefined) return skip();
  const all = await nodes.run({ agreement });
  expect([all.bank.state, all.bureau.state]).toEqual(["done", "done"]);
  expect(all.bank.summary).toMatchObject({ matched: 500 });
  const some = await nodes.run({ agreement, filter: "\"limit\" < 6 and name = '中😀'" });
  expect(some.bank.summary).toMatchObject({ matched: range(1_000, 1_500).filter((person) => person % 7 < 6).length });
  expect(nodes.log.join("")).not.toContain(new URL(server.url).password);
});

test("ends in DATASET_CHANGED at the node whose table changed, and goes on when that is undone", async ({ skip }) => {
  if (server === undefined) return skip();
  await server.query('UPDATE repayments SET "PAY_0" = "PAY_0" + 100');
  const { bank } = await nodes.runAtBank({ agreement });
  expect(bank).toMatchObject({ state: "failed", reason: { code: expect.any(String) } });
  expect(nodes.log.join("")).toContain("DATASET_CHANGED");
  await server.query('UPDATE repayments SET "PAY_0" = "PAY_0" - 100');
  expect((await nodes.run({ agreement })).bank.summary).toMatchObject({ matched: 500 });
});
