import { mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Handlers } from "../../party/api/server.ts";
import { initParty, type RunningParty, renewToken, startParty } from "../../party/main.ts";
import { EntenteError } from "../../proto/errors.ts";
import { ROLES } from "../../proto/http/route.ts";
import type { RouteInput } from "../../proto/http/routes.ts";
import { EntenteClient } from "../../sdk/client.ts";
import { type Ended, ententeHere, type RunOptions } from "../support/command-line.ts";
import { STUB_NODE_INFO, STUB_TOKEN, type StubNode, startStubNode } from "../support/stub-node.ts";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "entente-cli-"));
});
afterEach(() => rm(folder, { recursive: true }));

/** Runs a command in the test's folder. */
function run(args: readonly string[], options: RunOptions = {}): Promise<Ended> {
  return ententeHere(args, { cwd: folder, ...options });
}

describe("over a stub", () => {
  let node: StubNode;
  afterEach(() => node.close());

  async function start(handlers: Partial<Handlers>): Promise<void> {
    node = await startStubNode(handlers);
    await writeFile(join(folder, "api.json"), JSON.stringify({ url: node.url }));
    await writeFile(join(folder, "token"), `${STUB_TOKEN}\n`);
  }

  const TOKEN = `ent_${"12".repeat(32)}`;
  const made = {
    tokenId: "0b".repeat(8),
    person: "Wang Li",
    roles: ["analyst" as const],
    state: "active" as const,
    createdAt: "2026-05-01T00:00:00.000Z",
    createdBy: "setup",
    expiresAt: "2026-05-31T00:00:00.000Z",
    revokedAt: null,
    lastUsedOn: null,
  };
  const create = ["token", "create", "--person", "Wang Li", "--role", "analyst"];

  test("create shows the token alone on stdout, once", async () => {
    const seen: RouteInput<"createToken">[] = [];
    await start({
      createToken: async (input) => {
        seen.push(input);
        return { ...made, token: TOKEN };
      },
    });
    const { code, stdout, stderr } = await run([...create, "--role", "steward", "--expires-days", "30"]);
    expect([code, stdout]).toEqual([0, `${TOKEN}\n`]);
    expect(stderr).toContain("0b0b0b0b0b0b0b0b of Wang Li");
    expect(stderr).not.toContain(TOKEN);
    expect(seen).toEqual([{ person: "Wang Li", roles: ["analyst", "steward"], expiresInDays: 30 }]);
  });

  test("create --out writes a new file of its owner's alone, and shows the token nowhere", async () => {
    await start({ createToken: async () => ({ ...made, token: TOKEN }) });
    const ended = await run([...create, "--out", "wang-li.token", "--json"]);
    const file = join(folder, "wang-li.token");
    expect([ended.code, JSON.parse(ended.stdout)]).toEqual([0, { ...made, file }]);
    expect(ended.stdout + ended.stderr).not.toContain(TOKEN);
    expect([await readFile(file, "utf8"), (await stat(file)).mode & 0o777]).toEqual([`${TOKEN}\n`, 0o600]);
  });

  test("create --out goes into nothing that is there, and asks for no token then; a refusal leaves no file", async () => {
    let calls = 0;
    await start({
      createToken: async () => {
        calls++;
        throw new EntenteError("NOT_ALLOWED");
      },
    });
    await writeFile(join(folder, "taken"), "before");
    await symlink(join(folder, "elsewhere"), join(folder, "link"));
    for (const out of ["taken", "link"]) {
      const { code, stderr } = await run([...create, "--out", out]);
      expect([code, stderr.includes("ALREADY_EXISTS")]).toEqual([1, true]);
    }
    expect([calls, await readFile(join(folder, "taken"), "utf8")]).toEqual([0, "before"]);
    expect((await run([...create, "--out", "new"])).stderr).toContain("NOT_ALLOWED");
    expect((await readdir(folder)).sort()).toEqual(["api.json", "link", "taken", "token"]);
  });

  test("list, revoke and denials", async () => {
    const denial = { at: "2026-05-01T10:07:00.000Z", tokenId: made.tokenId, person: "Wang Li", route: "tags" };
    const stranger = { at: denial.at, tokenId: null, person: null, route: null, code: "TOKEN_MISSING", count: 3 };
    await start({
      tokens: async () => ({ tokens: [made, { ...made, state: "revoked", lastUsedOn: "2026-05-02" }] }),
      revokeToken: async ({ tokenId }) => ({ ...made, tokenId, state: "revoked", revokedAt: made.createdAt }),
      denials: async () => ({ denials: [{ ...denial, code: "NOT_ALLOWED", count: 1 }, stranger] }),
    });
    expect((await run(["token", "list"])).stdout).toBe(
      [
        "id                state    person   roles    expires     last used",
        "0b0b0b0b0b0b0b0b  active   Wang Li  analyst  2026-05-31  never",
        "0b0b0b0b0b0b0b0b  revoked  Wang Li  analyst  2026-05-31  2026-05-02",
        "",
      ].join("\n"),
    );
    expect((await run(["token", "revoke", "1f".repeat(8)])).stdout).toMatch(/id +1f1f[\s\S]+state +revoked/);
    expect((await run(["token", "denials"])).stdout).toBe(
      [
        "minute (UTC)      times  code           asked for  person   token",
        "2026-05-01 10:07  1      NOT_ALLOWED    tags       Wang Li  0b0b0b0b0b0b0b0b",
        "2026-05-01 10:07  3      TOKEN_MISSING  -          -        -",
        "",
      ].join("\n"),
    );
  });

  test("--token, --token-file, ENTENTE_TOKEN and the folder's: the first that is given counts", async () => {
    await start({ node: async () => STUB_NODE_INFO });
    await writeFile(join(folder, "good"), `${STUB_TOKEN}\n`);
    await writeFile(join(folder, "bad"), "ent_bad\n");
    await writeFile(join(folder, "empty"), "\n");
    const bad = { ENTENTE_TOKEN: "ent_bad" };
    expect((await run(["node"], { env: bad })).code).toBe(1);
    expect((await run(["--token-file", "good", "node"], { env: bad })).code).toBe(0);
    expect((await run(["--token", STUB_TOKEN, "--token-file", "bad", "node"], { env: bad })).code).toBe(0);
    const empty = await run(["--token-file", "empty", "node"]);
    expect([empty.code, empty.stderr.includes(`no token in ${join(folder, "empty")}`)]).toEqual([1, true]);
  });

  test("a role that there is not is wrong usage", async () => {
    await start({});
    const role = await run(["token", "create", "--person", "Wang Li", "--role", "admin"]);
    expect([role.code, role.stderr.includes("analyst, steward, auditor, operator")]).toEqual([64, true]);
  });
});

describe("at a node", () => {
  let node: RunningParty;
  const log: string[] = [];

  beforeEach(async () => {
    log.length = 0;
    await initParty({ folder, party: "bank", apiPort: 0 });
    node = await startParty({ folder, logTo: { write: (line: string) => void log.push(line) } });
  });
  afterEach(() => node.close());

  const first = async () => (await readFile(join(folder, "token"), "utf8")).trim();
  const client = (token: string) => new EntenteClient({ url: node.apiUrl, token });

  test("from the first token to personal ones", async () => {
    expect((await stat(join(folder, "token"))).mode & 0o777).toBe(0o600);
    const setup = client(await first());
    const { tokens } = await setup.call("tokens", {});
    expect(tokens).toMatchObject([{ person: "setup", roles: ROLES, createdBy: null, state: "active" }]);
    const [{ tokenId, createdAt, expiresAt }] = tokens as [(typeof tokens)[number]];
    expect(Date.parse(expiresAt) - Date.parse(createdAt)).toBe(90 * 86_400_000);
    const wang = await setup.call("createToken", { person: " Wang  Li", roles: ["operator"] });
    const zhao = await setup.call("createToken", { person: "Zhao", roles: ["analyst"], expiresInDays: 1 });
    const operator = client(wang.token);
    expect(await operator.call("revokeToken", { tokenId })).toMatchObject({ state: "revoked" });
    await expect(setup.call("node", {})).rejects.toMatchObject({ code: "TOKEN_EXPIRED" });
    expect((await client(zhao.token).call("node", {})).party).toBe("bank");
    await expect(client(zhao.token).call("tokens", {})).rejects.toMatchObject({ code: "NOT_ALLOWED" });
    expect((await operator.call("denials", {})).denials).toMatchObject([
      { person: "Zhao", route: "tokens", code: "NOT_ALLOWED", count: 1 },
      { person: "setup", route: null, code: "TOKEN_EXPIRED", count: 1 },
    ]);
    const events = log.map((line) => JSON.parse(line)).filter(({ msg }) => String(msg).startsWith("token "));
    expect(events.map(({ msg, person, by }) => [msg, person, by.person])).toEqual([
      ["token created", "Wang Li", "setup"],
      ["token created", "Zhao", "setup"],
      ["token revoked", "setup", "Wang Li"],
    ]);
    for (const secret of [await first(), wang.token, zhao.token]) expect(log.join("")).not.toContain(secret.slice(4));
  });

  test("a first token that was lost is replaced by whoever can write the folder, while the node runs", async () => {
    const before = await first();
    await client(before).call("createToken", { person: "Zhao", roles: ["analyst"] });
    const { code, stdout } = await run(["party", "renew-token", "--dir", ".", "--json"]);
    expect([code, JSON.parse(stdout)]).toEqual([0, { file: join(folder, "token") }]);
    expect((await stat(join(folder, "token"))).mode & 0o777).toBe(0o600);
    expect((await client(await first()).call("tokens", {})).tokens).toMatchObject([
      { person: "setup", state: "revoked" },
      { person: "Zhao", state: "active" },
      { person: "setup", state: "active", createdBy: null },
    ]);
    await expect(client(before).call("node", {})).rejects.toMatchObject({ code: "TOKEN_EXPIRED" });
    await expect(renewToken({ folder: join(folder, "none") })).rejects.toMatchObject({ code: "NOT_FOUND" });
  });

  test("denials that were counted outlive the node", async () => {
    for (let i = 0; i < 3; i++) await fetch(`${node.apiUrl}/v1/node`);
    await node.close();
    node = await startParty({ folder, logTo: { write: () => {} } });
    const { denials } = await client(await first()).call("denials", {});
    expect(denials).toMatchObject([{ code: "TOKEN_MISSING", count: 3 }]);
  });
});
