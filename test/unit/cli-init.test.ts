/** `entente init`: a node's folder from a person's answers, or from flags. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { afterEach, beforeEach, expect, test } from "vitest";
import { formatInvite } from "../../proto/codec/invite.ts";
import { partyId } from "../../proto/ids.ts";
import { Prompt } from "../../sdk/cli/ask.ts";
import { freePorts } from "../../sdk/cli/free-port.ts";
import { fromPerson } from "../../sdk/cli/init.ts";
import { ententeHere } from "../support/command-line.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "entente-init-"));
});
afterEach(() => rm(folder, { recursive: true }));

const INVITE = formatInvite({
  endpoint: { host: "hub.example.cn", port: 7421 },
  caFingerprint: "ab".repeat(32),
  secret: new Uint8Array(32).fill(7),
  party: partyId("telecom"),
});

/** What is shown to a person who types these lines, and what comes of it. */
async function typing(lines: readonly string[], flags: Parameters<typeof fromPerson>[0] = {}) {
  const [input, output] = [new PassThrough(), new PassThrough()];
  let shown = "";
  output.on("data", (chunk) => (shown += chunk));
  const prompt = new Prompt({ input, output });
  input.end(lines.map((line) => `${line}\n`).join(""));
  try {
    return { answers: await fromPerson(flags, prompt), shown };
  } catch (error) {
    return { error: (error as { code: string }).code, shown };
  } finally {
    prompt.close();
  }
}

test("asks little, and again for what cannot be", async () => {
  const dir = join(folder, "node");
  const { answers, shown } = await typing(["", "Telecom!", "telecom", dir, "99999", "7555", "/nowhere", folder]);
  expect(answers).toEqual({ party: "telecom", dir, apiPort: 7555, dataFolders: [folder] });
  expect(shown).toContain("A name is 2 to 32 small letters");
  expect(shown).toContain("A port is a number");
  expect(shown).toContain("There is no folder /nowhere.");
  expect(shown.match(/Port of its console/g)).toHaveLength(2);
});

test("an invite has the name; the rest may be as usual", async () => {
  const { answers, shown } = await typing(["entente1_nonsense", INVITE, "", "", ""]);
  expect(answers).toMatchObject({ party: "telecom", dir: "telecom", dataFolders: [], invite: INVITE });
  expect(shown).not.toContain("Your organisation's name");
});

test("nothing is made when the answers end", async () => {
  expect((await typing(["", "telecom"])).error).toBe("CANCELLED");
});

test("asks nothing with flags, and says what to type next", async () => {
  const dir = join(folder, "bank");
  const line = ["init", "--party", "bank", "--dir", dir, "--api-port", "7999", "--data-folder", folder, "--json"];
  const made = await ententeHere(line);
  expect(made.code).toBe(0);
  expect(JSON.parse(made.stdout)).toMatchObject({ party: "bank", dir, apiPort: 7999 });
  const config = JSON.parse(await readFile(join(dir, "node.json"), "utf8"));
  expect(config).toMatchObject({ party: "bank", api: { port: 7999 }, dataFolders: [folder] });
  const again = await ententeHere(line);
  expect([again.code, JSON.parse(again.stdout).error.code]).toEqual([1, "ALREADY_EXISTS"]);
  const invited = await ententeHere(["init", "--invite", INVITE, "--dir", "t"], { cwd: folder });
  expect(invited.stdout).toMatch(/^ {2}entente party start --dir t --invite-file t\/invite$/m);
  expect(await readFile(join(folder, "t", "invite"), "utf8")).toBe(`${INVITE}\n`);
  const other = await ententeHere(["init", "--invite", INVITE, "--party", "bank", "--dir", join(folder, "x")]);
  expect([other.code, other.stderr.includes("INVITE_INVALID")]).toEqual([1, true]);
  const nobody = await ententeHere(["init"], { cwd: folder });
  expect([nobody.code, nobody.stderr.includes("--party <name>")]).toEqual([64, true]);
});

test("ports that are taken are passed over, and none is given twice", async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  const [first, second] = await freePorts([port, port]);
  expect(first).toBeGreaterThan(port);
  expect(second).toBeGreaterThan(first as number);
  await new Promise((resolve) => server.close(resolve));
});
