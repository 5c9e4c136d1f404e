import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Postgres, startPostgres } from "../support/postgres.ts";

let server: Postgres | undefined;
beforeAll(async () => {
  server = await startPostgres();
}, 300_000);
afterAll(async () => {
  await server?.stop();
});

test("the tests' server answers, keeps UTF-8, and asks for a password", async (context) => {
  if (server === undefined) return context.skip();
  await server.query("CREATE TABLE people (id bigint PRIMARY KEY, name text)");
  await server.query("INSERT INTO people VALUES ($1, $2)", [1, "王芳 'x'"]);
  expect(await server.query("SELECT id, name FROM people")).toEqual([{ id: "1", name: "王芳 'x'" }]);
  const other = new URL(server.url);
  other.password = "wrong";
  const client = new pg.Client({ connectionString: other.href });
  await expect(client.connect()).rejects.toMatchObject({ code: "28P01" });
});
