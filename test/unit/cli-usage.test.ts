import { copyFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import packageFile from "../../package.json" with { type: "json" };
import { CATALOGUE, EntenteError } from "../../proto/errors.ts";
import { isColourful } from "../../sdk/cli/output.ts";
import { ententeProgram } from "../../sdk/cli/program.ts";
import { COMMAND, ententeHere, runNode } from "../support/command-line.ts";

let empty: string;

beforeAll(async () => {
  empty = await mkdtemp(join(tmpdir(), "entente-cli-"));
});
afterAll(() => rm(empty, { recursive: true }));

describe("wrong usage exits with 64 and says why on stderr", () => {
  test.each([
    ["an unknown command", ["bogus"], "unknown command 'bogus'"],
    ["a command group alone", ["tags"], "Commands:"],
    ["a missing option", ["tags", "export", "--format", "csv"], "required option '--out <file>' not specified"],
    ["a missing argument", ["enroll"], "missing required argument 'invite'"],
    ["too many arguments", ["job", "show", "a", "b"], "too many arguments"],
    ["an option of the wrong form", ["init", "--dir", "d", "--party", "p", "--api-port", "70000"], "0 to 65535"],
    [
      "a tag without a value",
      ["audience", "run", "--agreement", "a", "--dataset", "b", "--peer-dataset", "c", "--tag", "k"],
      "KEY=VALUE",
    ],
    [
      "a run that issues nothing",
      ["score", "run", "--agreement", "a", "--dataset", "b", "--peer-dataset", "c", "--model", "m"],
      "--tag, --rule or --rules",
    ],
    ["no terminal to confirm on", ["peer", "confirm", "bureau"], "--fingerprint"],
    ["an export folder that is none", ["audit", "verify", "no-such-folder"], "there is no no-such-folder"],
  ])("%s", async (_, args, why) => {
    const { code, stdout, stderr } = await ententeHere(args, { cwd: empty });
    expect([code, stdout]).toEqual([64, ""]);
    expect(stderr).toContain(why);
  });

  test("with --json, as one document on stdout", async () => {
    const { code, stdout, stderr } = await ententeHere(["tags", "export", "--json", "--format", "csv"], { cwd: empty });
    expect([code, stderr]).toEqual([64, ""]);
    expect(JSON.parse(stdout)).toEqual({
      error: new EntenteError("BAD_REQUEST", { detail: "required option '--out <file>' not specified" }).toPublic(),
    });
  });
});

describe("help", () => {
  test("of the command and of each group names what there is", async () => {
    const { code, stdout } = await ententeHere(["--help"]);
    expect(code).toBe(0);
    const groups = [...stdout.matchAll(/^ {2}([a-z][a-z-]*)(?:\|[a-z]+)? /gm)].map(([, name]) => name);
    expect(groups).toEqual([...ententeProgram().commands.map((command) => command.name()), "help"]);
    expect(groups.length).toBeGreaterThan(20);
  });

  test("of a command shows its options, those of all commands, and an example", async () => {
    const { code, stdout } = await ententeHere(["help", "tags"]);
    expect([code, stdout.includes("export")]).toEqual([0, true]);
    const one = await ententeHere(["audit", "verify", "--help"]);
    expect(one.stdout).toMatch(/--trust[\s\S]+--json[\s\S]+\$ entente audit verify[\s\S]+2 incomplete/);
  });

  test("--version", async () => {
    expect((await ententeHere(["--version"])).stdout).toBe(`${packageFile.version}\n`);
  });
});

describe("a node that is not there", () => {
  test("no api.json in the folder", async () => {
    const { code, stdout, stderr } = await ententeHere(["node"], { cwd: empty });
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toContain(`error NODE_UNREACHABLE: ${CATALOGUE.NODE_UNREACHABLE.text}`);
    expect(stderr).toContain(`why: no file 'api.json' in ${empty}`);
    expect(stderr).toContain("who must act: the operator of this node");
    expect(stderr).not.toContain("\x1b");
  });

  test("nothing listens; --json", async () => {
    const { code, stdout } = await ententeHere(["job", "list", "--json", "--url", "http://127.0.0.1:9"], {
      env: { ENTENTE_TOKEN: "t" },
    });
    expect(code).toBe(1);
    const detail = "no connection to http://127.0.0.1:9";
    expect(JSON.parse(stdout)).toEqual({ error: new EntenteError("NODE_UNREACHABLE", { detail }).toPublic() });
  });

  test("no token", async () => {
    const { code, stderr } = await ententeHere(["node", "--url", "http://127.0.0.1:9"], { cwd: empty });
    expect(code).toBe(1);
    expect(stderr).toContain("TOKEN_MISSING");
  });
});

describe("an older Node", () => {
  const older = 'data:text/javascript,Object.defineProperty(process.versions,"node",{value:"20.19.0"})';

  test("hands over to the one of the checkout", async () => {
    const { code, stdout } = await runNode(["--import", older, COMMAND, "--version"]);
    expect([code, stdout]).toEqual([0, `${packageFile.version}\n`]);
    expect((await runNode(["--import", older, COMMAND, "bogus"])).code).toBe(64);
  });

  test("is refused with the way out when there is no other", async () => {
    await copyFile(COMMAND, join(empty, "entente.mjs"));
    const { code, stderr } = await runNode(["--import", older, join(empty, "entente.mjs"), "--version"]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/needs Node 26 or newer[\s\S]+npm install/);
  });
});

test.each([
  ["a terminal", { isTTY: true }, { TERM: "xterm" }, true],
  ["a terminal whose owner wants none", { isTTY: true }, { TERM: "xterm", NO_COLOR: "1" }, false],
  ["a terminal with an empty NO_COLOR", { isTTY: true }, { NO_COLOR: "" }, true],
  ["a terminal that has none", { isTTY: true }, { TERM: "dumb" }, false],
  ["a pipe", {}, { TERM: "xterm" }, false],
])("colours on %s", (_, stream, env, is) => {
  expect(isColourful(stream, env)).toBe(is);
});
