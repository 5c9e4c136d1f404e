import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { databaseError } from "../../party/databases/database-error.ts";
import { type DatabaseConfig, Databases } from "../../party/databases/databases.ts";
import { Secret } from "../../proto/keys/secret.ts";
import { nodePorts } from "../../proto/ports/node.ts";
import { failure } from "../support/data-folder.ts";
import { type Postgres, startPostgres } from "../support/postgres.ts";

let folder: string;
let server: Postgres | undefined;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "entente-databases-"));
  server = await startPostgres();
}, 120_000);

afterAll(async () => {
  await server?.stop();
  await rm(folder, { recursive: true, force: true });
});

function databases(config: Record<string, DatabaseConfig>): Databases {
  return new Databases({ files: nodePorts.files, folder, config });
}

describe("a named connection", () => {
  it("reads its URL from a file of the node's folder, at each connection", async ({ skip }) => {
    if (server === undefined) return skip();
    const named = databases({ warehouse: { urlFile: "warehouse.url" } });
    expect((await failure(named.connect("warehouse"))).code).toBe("DATABASE_UNKNOWN");
    await writeFile(join(folder, "warehouse.url"), `${server.url}\n`);
    const client = await named.connect("warehouse");
    expect((await client.query("SELECT 1 AS one")).rows).toEqual([{ one: 1 }]);
    await client.end();
  });

  it("is for one end alone where the operator says so", async ({ skip }) => {
    if (server === undefined) return skip();
    const named = databases({
      crm: { url: new Secret(server.url), use: "feeds" },
      both: { url: new Secret(server.url) },
    });
    const refused = { code: "DATABASE_UNKNOWN", detail: "crm: it is for feeds alone" };
    expect(await failure(named.connect("crm", "datasets"))).toEqual(refused);
    await (await named.connect("crm", "feeds")).end();
    for (const use of ["datasets", "feeds"] as const) await (await named.connect("both", use)).end();
  });

  it("says that a password is wrong, by the SQLSTATE alone", async ({ skip }) => {
    if (server === undefined) return skip();
    const url = server.url.replace(/:[0-9a-f]{32}@/, ":planted-secret@");
    expect(await failure(databases({ a: { url: new Secret(url) } }).connect("a"))).toEqual({
      code: "DATABASE_REFUSED",
      detail: "a: SQLSTATE 28P01",
    });
  });

  it("keeps a server's message, which quotes values, to itself", async ({ skip }) => {
    if (server === undefined) return skip();
    const client = await databases({ a: { url: new Secret(server.url) } }).connect("a");
    const error = await client
      .query("SELECT '13800001234'::int2")
      .catch((thrown: unknown) => databaseError("a", thrown));
    await client.end();
    expect(error).toMatchObject({ code: "DATABASE_REFUSED", detail: "a: SQLSTATE 22003", cause: undefined });
  });
});

it("is unknown under a name that is not configured, or with a URL that is none, which is not quoted", async () => {
  const named = databases({ bad: { url: new Secret("postgresql://user:planted-secret@[bad") } });
  for (const name of ["other", "toString", "bad"]) {
    const { code, detail } = await failure(named.connect(name));
    expect(code).toBe("DATABASE_UNKNOWN");
    expect(detail).toMatch(new RegExp(`^${name}: `));
    expect(detail).not.toContain("planted");
  }
});

it("is unreachable where nothing listens", async () => {
  const named = databases({ gone: { url: new Secret("postgresql://user:planted-secret@127.0.0.1:1/db") } });
  expect(await failure(named.connect("gone"))).toEqual({ code: "DATABASE_UNREACHABLE", detail: "gone: ECONNREFUSED" });
});
