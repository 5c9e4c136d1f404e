import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Tokens } from "../../party/access/tokens.ts";
import { openSqliteStore } from "../../party/store/sqlite.ts";
import type { Store } from "../../party/store/store.ts";
import { nodePorts } from "../../proto/ports/node.ts";

const DAY_MS = 86_400_000;
const START_MS = Date.parse("2026-05-01T10:00:00.000Z");

let folder: string;
let store: Store;
let nowMs: number;
let tokens: Tokens;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "entente-tokens-"));
  store = openSqliteStore(join(folder, "node.db"));
  nowMs = START_MS;
  tokens = new Tokens({ store, random: nodePorts.random, nowMs: () => nowMs });
});
afterEach(async () => {
  await store.close();
  await rm(folder, { recursive: true });
});

const wish = { person: "Wang Li", roles: ["steward", "analyst", "analyst"], expiresInDays: 30 } as const;
const STRANGER = { refused: "TOKEN_MISSING", holder: undefined };

test("a token is 32 random bytes, and names its holder with the roles in their order, each once", async () => {
  const made = await tokens.create(wish, "Zhao");
  expect(made).toEqual({
    token: expect.stringMatching(/^ent_[0-9a-f]{64}$/),
    tokenId: expect.stringMatching(/^[0-9a-f]{16}$/),
    person: "Wang Li",
    roles: ["analyst", "steward"],
    state: "active",
    createdAt: "2026-05-01T10:00:00.000Z",
    createdBy: "Zhao",
    expiresAt: "2026-05-31T10:00:00.000Z",
    revokedAt: null,
    lastUsedOn: null,
  });
  const { tokenId, person, roles } = made;
  expect(await tokens.identify(made.token)).toEqual({ caller: { tokenId, person, roles } });
  const second = await tokens.create(wish, "Zhao");
  expect([second.token === made.token, second.tokenId === tokenId]).toEqual([false, false]);
});

test("no file of the store holds a token", async () => {
  const { token } = await tokens.create(wish, null);
  const files = await Promise.all((await readdir(folder)).map((name) => readFile(join(folder, name))));
  expect(files.some((file) => file.includes("Wang Li"))).toBe(true);
  for (const file of files) {
    expect(file.includes(token.slice(4))).toBe(false);
    expect(file.includes(Buffer.from(token.slice(4), "hex"))).toBe(false);
  }
});

test("what is no issued token is nobody's", async () => {
  const { token } = await tokens.create(wish, null);
  const other = `${token.slice(0, -1)}${token.endsWith("0") ? "1" : "0"}`;
  for (const presented of [undefined, "", "ent_", other, token.slice(4), `${token}0`, ` ${token}`, `${token}\n`])
    expect(await tokens.identify(presented)).toEqual(STRANGER);
  const [record] = await store.tokens();
  expect(await tokens.identify(record?.hash)).toEqual(STRANGER);
  expect(await tokens.identify(`ent_${record?.hash}`)).toEqual(STRANGER);
});

test("without a token's form nothing is looked up; a store that gives the wrong record convinces nobody", async () => {
  const { token } = await tokens.create(wish, null);
  const [record] = await store.tokens();
  let lookUps = 0;
  const tokenByHash = async () => {
    lookUps++;
    return { ...record, hash: "00".repeat(32) };
  };
  const misled = new Tokens({ store: { tokenByHash } as never, random: nodePorts.random, nowMs: () => nowMs });
  expect([await misled.identify("ent_x"), lookUps]).toEqual([STRANGER, 0]);
  expect([await misled.identify(token), lookUps]).toEqual([STRANGER, 1]);
});

describe("a token ends", () => {
  test("at its time, to the millisecond", async () => {
    const { token, tokenId } = await tokens.create(wish, null);
    nowMs = START_MS + 30 * DAY_MS - 1;
    expect(await tokens.identify(token)).toMatchObject({ caller: { tokenId } });
    nowMs++;
    expect(await tokens.identify(token)).toMatchObject({ refused: "TOKEN_EXPIRED", holder: { tokenId } });
    expect((await tokens.list()).map(({ state }) => state)).toEqual(["expired"]);
  });

  test("with its revocation, at once and for good, whatever the clock says", async () => {
    const { token, tokenId } = await tokens.create(wish, null);
    const another = await tokens.create(wish, null);
    expect(await tokens.revoke(tokenId)).toMatchObject({ state: "revoked", revokedAt: "2026-05-01T10:00:00.000Z" });
    for (nowMs of [START_MS, START_MS - 400 * DAY_MS, START_MS + DAY_MS])
      expect(await tokens.identify(token)).toMatchObject({ refused: "TOKEN_EXPIRED", holder: { person: "Wang Li" } });
    expect(await tokens.revoke(tokenId)).toMatchObject({ revokedAt: "2026-05-01T10:00:00.000Z" });
    expect(await tokens.identify(another.token)).toHaveProperty("caller");
    await expect(tokens.revoke("00".repeat(8))).rejects.toMatchObject({ code: "NOT_FOUND", detail: "token" });
  });
});

test("the last use is kept by the day, with one write a day, and not of a token that was refused", async () => {
  const { token, tokenId } = await tokens.create(wish, null);
  const days: string[] = [];
  const setTokenUse = store.setTokenUse.bind(store);
  store.setTokenUse = async (id, day) => {
    days.push(day);
    await setTokenUse(id, day);
  };
  for (nowMs of [START_MS, START_MS + 1, START_MS + DAY_MS, START_MS + DAY_MS + 1]) await tokens.identify(token);
  await tokens.revoke(tokenId);
  nowMs = START_MS + 2 * DAY_MS;
  await tokens.identify(token);
  expect(days).toEqual(["2026-05-01", "2026-05-02"]);
  expect((await tokens.list())[0]?.lastUsedOn).toBe("2026-05-02");
});

test("one person has one spelling, so that nobody becomes two by writing the name another way", async () => {
  for (const person of ["Wang Li", "WANG LI", "Ｗａｎｇ Ｌｉ", "王丽", "Wang Lin"])
    await tokens.create({ ...wish, person }, null);
  expect((await tokens.list()).map(({ person }) => person)).toEqual([
    "Wang Li",
    "Wang Li",
    "Wang Li",
    "王丽",
    "Wang Lin",
  ]);
});
