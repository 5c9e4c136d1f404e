import { mkdtemp, readdir, rm } from "node:fs/promises";
import { createServer, connect as dial, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { DatasetRegistration } from "../../party/data/dataset.ts";
import { parseFilter } from "../../party/data/filter.ts";
import type { InspectInput } from "../../party/data/inspect.ts";
import { textAt } from "../../party/data/packed-text.ts";
import { prepareInput } from "../../party/data/prepare.ts";
import { readDataset } from "../../party/data/read.ts";
import type { SourceAccess } from "../../party/data/source.ts";
import { Databases } from "../../party/databases/databases.ts";
import { Secret } from "../../proto/keys/secret.ts";
import { nodePorts } from "../../proto/ports/node.ts";
import { dataFolder, failure } from "../support/data-folder.ts";
import { type Postgres, startPostgres } from "../support/postgres.ts";

const A = "13800138000";
const B = "13900139000";
const C = "15012345678";

let server: Postgres | undefined;
let pipeFolder: string;

beforeAll(async () => {
  server = await startPostgres();
  pipeFolder = await mkdtemp(join(tmpdir(), "entente-pipes-"));
}, 120_000);

afterAll(async () => {
  // Nothing stays of the pipes, whatever failed above.
  expect(await readdir(pipeFolder)).toEqual([]);
  await rm(pipeFolder, { recursive: true });
  await server?.stop();
});

function accessTo(url: string): SourceAccess {
  const databases = new Databases({
    files: nodePorts.files,
    folder: "/",
    config: { warehouse: { url: new Secret(url) } },
  });
  return { databases, pipeFolder };
}

type Source = { readonly table?: string; readonly query?: string };

async function register(
  source: Source,
  options: Partial<InspectInput> = {},
): Promise<{ registration: DatasetRegistration; access: SourceAccess; quarantine: readonly object[] }> {
  await using folder = await dataFolder();
  const access = accessTo((server as Postgres).url);
  const request = { path: undefined, postgres: { database: "warehouse", ...source } };
  const registration = await folder.inspect("", { ...request, access, ...options });
  return { registration, access, quarantine: await folder.quarantine() };
}

async function rowsOf(
  registration: DatasetRegistration,
  access: SourceAccess,
  { columns = [], filter }: { columns?: readonly string[]; filter?: string } = {},
): Promise<unknown[][]> {
  const selection = filter === undefined ? undefined : await parseFilter(registration, filter);
  const found: unknown[][] = [];
  const asked = { columns: columns.map((name) => ({ name })), access, ...(selection && { selection }) };
  for await (const { count, ids, features } of readDataset(registration, asked))
    for (let i = 0; i < count; i++) found.push([textAt(ids, i).slice(3), ...features.map((values) => values[i])]);
  return found;
}

describe("a table of PostgreSQL", () => {
  it("is read in the order of its key, with its types, quoted as it comes", async ({ skip }) => {
    if (server === undefined) return skip();
    await server.query(`CREATE SCHEMA "My data"; CREATE TABLE "My data"."T ""1""" (
        k int PRIMARY KEY, phone text, "na me" varchar, n numeric(10,2), big bigint, ok boolean, f real, day date, born timestamptz);
      INSERT INTO "My data"."T ""1""" VALUES
        (3, '${C}', E'x,"y"\\nz\\r', 1.50, 9007199254740993, true, 'NaN', '2026-01-31', '2026-01-31 08:00+08'),
        (1, '${A}', '中文', NULL, NULL, NULL, 0.1, NULL, NULL),
        (2, 'bad', '', 2, 1, false, 1, NULL, NULL),
        (4, '+86 ${A}', '\\.', 3, 2, false, 'Infinity', NULL, NULL),
        (5, NULL, '', 2, 1, false, 1, NULL, NULL)`);
    await server.query(`ALTER ROLE entente SET DateStyle = 'German'; ALTER ROLE entente SET extra_float_digits = 0`);
    const { registration, access, quarantine } = await register({ table: 'My data.T "1"' });
    expect(registration).toMatchObject({
      format: "postgres",
      rows: 5,
      accepted: 2,
      duplicates: 0,
      rejectedByReason: { "id-characters": 1, "id-empty": 1, "number-invalid": 1 },
      source: {
        database: "warehouse",
        from: { table: { schema: "My data", name: 'T "1"' }, orderedBy: ["k"] },
      },
    });
    expect(registration.columns.map(({ type }) => type).join(" ")).toBe(
      "number id text number number number number other other",
    );
    expect(registration.lines).toBeUndefined();
    // The header is line 1, and the first row has a line end in quotes only in the third record.
    expect(quarantine).toMatchObject([
      { line: 3, reason: "id-characters", id: "bad" },
      { line: 6, reason: "number-invalid", column: "f" },
      { line: 7, reason: "id-empty" },
    ]);
    expect(JSON.stringify(registration)).not.toContain("postgresql://");
    expect(await rowsOf(registration, access, { columns: ["k", "n", "ok", "f"] })).toEqual([
      [A, 1, Number.NaN, Number.NaN, expect.closeTo(0.1, 6)],
      [C, 3, 1.5, 1, Number.NaN],
    ]);
    const passed = async (filter: string) => (await rowsOf(registration, access, { filter })).map(([id]) => id);
    expect(await passed(`"na me" = '中文'`)).toEqual([A]);
    expect(await passed("ok and n > 1 and year(day) = 2026 and born = TIMESTAMP '2026-01-31 00:00'")).toEqual([C]);
    const input = await prepareInput(registration, {
      ...{ jobKey: new Uint8Array(32), columns: [{ name: "n" }], partitions: 2, withSubjects: true, access },
    });
    expect(input.count).toBe(2);
    await input.destroy();
  });

  it("is DATASET_CHANGED after any change of its rows or columns, and itself again when that is undone", async ({
    skip,
  }) => {
    if (server === undefined) return skip();
    await server.query(
      `CREATE TABLE changing (phone text, n int); INSERT INTO changing VALUES ('${A}', 1), ('${B}', 2)`,
    );
    const { registration, access } = await register({ table: "changing" });
    expect(registration.source).toMatchObject({ from: { table: { schema: "public" }, orderedBy: [] } });
    const code = async () => (await failure(rowsOf(registration, access))).code;
    expect(await code()).toBe("none");
    await server.query(`INSERT INTO changing VALUES ('${C}', 3)`);
    expect(await code()).toBe("DATASET_CHANGED");
    await server.query(`DELETE FROM changing WHERE n = 3`);
    expect(await code()).toBe("none");
    await server.query("ALTER TABLE changing ADD COLUMN later text");
    expect(await code()).toBe("none");
    await server.query("ALTER TABLE changing RENAME COLUMN n TO m");
    expect(await code()).toBe("DATASET_CHANGED");
    await server.query("DROP TABLE changing");
    expect(await code()).toBe("DATASET_CHANGED");
  });

  it("is refused by name when it is not there, and by SQLSTATE when the user may not read it", async ({ skip }) => {
    if (server === undefined) return skip();
    expect(await failure(register({ table: "no such" }))).toEqual({
      code: "NOT_FOUND",
      detail: "table no such in warehouse",
    });
    expect((await failure(register({ table: "a.b.c" }))).code).toBe("BAD_REQUEST");
    await server.query("CREATE TABLE doubles (phone float8); CREATE TABLE empty (phone text)");
    expect((await failure(register({ table: "doubles" }))).code).toBe("DATASET_COLUMN_TYPE");
    expect((await failure(register({ table: "empty" }))).code).toBe("DATASET_EMPTY");
    expect((await failure(register({ table: "pg_catalog.pg_statistic_ext_data" }))).code).toBe(
      "DATASET_COLUMN_UNKNOWN",
    );
    await server.query("CREATE ROLE reader LOGIN PASSWORD 'reader'; CREATE TABLE hidden AS SELECT '1' AS phone");
    const access = accessTo(server.url.replace(/\/\/entente:\w+@/, "//reader:reader@"));
    expect(await failure(register({ table: "hidden" }, { access }))).toEqual({
      code: "DATABASE_REFUSED",
      detail: "warehouse: SQLSTATE 42501",
    });
  });
});

describe("a query of PostgreSQL", () => {
  it("is taken as it is written, in its own order", async ({ skip }) => {
    if (server === undefined) return skip();
    await server.query(
      `CREATE TABLE people AS SELECT (13800000000 + i)::text AS phone, i AS n FROM generate_series(0, 99) i`,
    );
    const query = `WITH p AS (SELECT * FROM people) -- all of them
      SELECT phone, n * 2 AS twice FROM p WHERE n < 3 ORDER BY n DESC; -- the last first`;
    const { registration, access } = await register({ query: query.replace("; -- the last first", " ;\n ") });
    expect(await rowsOf(registration, access, { columns: ["twice"] })).toEqual([
      ["13800000002", 4],
      ["13800000001", 2],
      ["13800000000", 0],
    ]);
    await server.query("UPDATE people SET n = n + 1");
    expect((await failure(rowsOf(registration, access))).code).toBe("DATASET_CHANGED");
    for (const text of ["VALUES ('1')", "TABLE people"])
      expect((await failure(register({ query: text }))).code).toMatch(/^(none|DATASET_COLUMN_UNKNOWN)$/);
  });

  it("cannot be anything but one query that only reads", async ({ skip }) => {
    if (server === undefined) return skip();
    await server.query("CREATE TABLE kept AS SELECT '13800138000' AS phone; CREATE SEQUENCE counted");
    const texts = [
      "SELECT phone FROM kept; DROP TABLE kept",
      "SELECT phone FROM kept) TO STDOUT; DROP TABLE kept; --",
      "SELECT phone FROM kept) TO PROGRAM 'touch /tmp/entente-was-here' --",
      "SELECT 1) AS a, (SELECT phone FROM kept",
      "SELECT phone FROM kept) TO PROGRAM 'true' /*",
      "DELETE FROM kept RETURNING phone",
      "WITH gone AS (DELETE FROM kept RETURNING phone) SELECT * FROM gone",
      "INSERT INTO kept VALUES ('1') RETURNING phone",
      "DROP TABLE kept",
      "COMMIT",
      "COPY kept TO STDOUT",
      "SELECT nextval('counted')::text AS phone",
      "SELECT phone INTO stolen FROM kept",
      "SELECT $1::text AS phone",
      "",
      ";",
      "/* nothing",
    ];
    for (const query of texts) {
      const { code, detail } = await failure(register({ query }));
      expect([query, code]).toEqual([query, "DATABASE_REFUSED"]);
      expect(detail).toMatch(/^warehouse: SQLSTATE \w{5}$/);
    }
    expect(await server.query("SELECT phone FROM kept")).toHaveLength(1);
    expect(await server.query("SELECT 1 FROM pg_class WHERE relname = 'stolen'")).toEqual([]);
    expect(await server.query("SELECT is_called FROM counted")).toEqual([{ is_called: false }]);
  });

  it("that gives its rows otherwise each time is refused", async ({ skip }) => {
    if (server === undefined) return skip();
    const query = "SELECT (13800000000 + i)::text AS phone, random() AS r FROM generate_series(0, 9) i";
    expect(await failure(register({ query }))).toMatchObject({ code: "DATASET_CHANGED" });
  });
});

/** Stands between node and server; `cut` ends all connections as a server that dies does. */
async function proxyTo(url: string): Promise<{ url: string; cutAfter(bytes: number): void; close(): void }> {
  const target = new URL(url);
  const sockets = new Set<Socket>();
  let limit = Number.POSITIVE_INFINITY;
  const proxy: Server = createServer((client) => {
    const upstream = dial(Number(target.port), target.hostname);
    let seen = 0;
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on("error", () => {});
    }
    client.pipe(upstream);
    upstream.on("data", (chunk) => {
      seen += chunk.length;
      if (seen <= limit) client.write(chunk);
      else for (const socket of [client, upstream]) socket.destroy();
    });
  });
  await new Promise<void>((listening) => proxy.listen(0, "127.0.0.1", listening));
  const through = new URL(url);
  through.port = String((proxy.address() as { port: number }).port);
  return {
    url: through.href,
    cutAfter(bytes) {
      limit = bytes;
    },
    close() {
      for (const socket of sockets) socket.destroy();
      proxy.close();
    },
  };
}

describe("a server that goes away", () => {
  const rows = 60_000;

  it("in the middle of COPY is an error, never a short dataset, for registration as for a job", async ({ skip }) => {
    if (server === undefined) return skip();
    await server.query(
      `CREATE TABLE large AS SELECT (13800000000 + i)::text AS phone, i AS n FROM generate_series(1, ${rows}) i`,
    );
    const { registration } = await register({ table: "large" });
    expect(registration.accepted).toBe(rows);
    const proxy = await proxyTo(server.url);
    const cut = accessTo(proxy.url);
    expect(await rowsOf(registration, cut)).toHaveLength(rows);
    for (const bytes of [300, 30_000, 500_000, 1_200_000]) {
      proxy.cutAfter(bytes);
      expect([bytes, (await failure(rowsOf(registration, cut))).code]).toEqual([bytes, "DATABASE_UNREACHABLE"]);
    }
    proxy.cutAfter(500_000);
    expect((await failure(register({ table: "large" }, { access: cut }))).code).toBe("DATABASE_UNREACHABLE");
    proxy.close();
    expect((await failure(rowsOf(registration, cut))).code).toBe("DATABASE_UNREACHABLE");
  });

  it("because its operator ends the session is an error too", async ({ skip }) => {
    if (server === undefined) return skip();
    const query =
      "SELECT (13800000000 + i)::text AS phone, pg_sleep(0.02)::text AS waited FROM generate_series(1, 40) i";
    const { registration, access } = await register({ query });
    expect(registration.accepted).toBe(40);
    const reading = failure(rowsOf(registration, access));
    const terminate = `SELECT pg_terminate_backend(pid) AS done FROM pg_stat_activity
      WHERE application_name = 'entente' AND query LIKE 'COPY%' AND state = 'active'`;
    let ended: { done: boolean }[] = [];
    for (let attempt = 0; attempt < 200 && ended.length === 0; attempt++) {
      await new Promise((later) => setTimeout(later, 10));
      ended = await server.query(terminate);
    }
    expect(ended).toEqual([{ done: true }]);
    expect(await reading).toEqual({ code: "DATABASE_UNREACHABLE", detail: "warehouse: SQLSTATE 57P01" });
  });

  it("is let go by a reader that stops early, or fails, and may be read again", async ({ skip }) => {
    if (server === undefined) return skip();
    const { registration, access } = await register({ table: "large" });
    for await (const { count } of readDataset(registration, { columns: [], access })) if (count > 0) break;
    const limits = { memoryLimitMb: 1, threads: 1 };
    expect((await failure(readDataset(registration, { columns: [], access, limits }).next())).code).toBe("OVERLOADED");
    expect(await rowsOf(registration, access)).toHaveLength(rows);
    for (let attempt = 0; ; attempt++) {
      const [open] = await server.query<{ n: string }>(
        "SELECT count(*) AS n FROM pg_stat_activity WHERE application_name = 'entente'",
      );
      if (open?.n === "0") break;
      expect(attempt).toBeLessThan(50);
      await new Promise((later) => setTimeout(later, 100));
    }
  });
});
