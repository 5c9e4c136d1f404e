/**
 * Every line of the guide for hosting a partner's node, with nodes of this process in the place of containers; `npm run
 * compose-test` runs the same lines with Docker.
 */
import { chmod, copyFile, mkdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createInvite } from "../../coordinator/main.ts";
import { configureParty, initParty } from "../../party/main.ts";
import { mergePatch } from "../../proto/encoding/merge-patch.ts";
import { ententeHere } from "../support/command-line.ts";
import { demoAgreement } from "../support/demo-agreement.ts";
import { brokenLinks, GuideShell, type Program, readGuide } from "../support/guide.ts";
import { GuideWorld } from "../support/guide-world.ts";
import { REPAYMENTS, range, writePeople } from "../support/people.ts";

const GUIDE = await readGuide("hosting-a-partner-node");
const COMPOSE = await readFile(new URL("../../docker-compose.yml", import.meta.url), "utf8");
const IDS = [{ column: "phone", normaliser: "phone-e164" as const }];

let world: GuideWorld;
let shell: GuideShell;
/** Where this process has what a container has at a path. */
let places: Readonly<Record<string, string>>;

/** What the compose file has the partner's node.json say, on free ports of this machine. */
function settings(): unknown {
  const service = /^ {2}partner:\n([\s\S]*?)\n\n/m.exec(COMPOSE)?.[1] ?? "";
  const said: unknown = JSON.parse(/- --settings\n\s+- '([^']*)'/.exec(service)?.[1] ?? "");
  expect(said).toMatchObject({ dataFolders: ["/files"], api: { hosts: ["partner"] } });
  return mergePatch(said, { api: { host: "127.0.0.1", port: 0 }, ops: { port: 0 }, dataFolders: [places["/files"]] });
}

function here(path: string): string {
  const [place] = Object.keys(places).filter((one) => path === one || path.startsWith(`${one}/`));
  return place === undefined ? path : `${places[place]}${path.slice(place.length)}`;
}

const commandLine: Program = (args) => ententeHere(args.map(here), { env: { ENTENTE_NODE: here("/data") } });

async function up(): Promise<void> {
  const env = await readFile(".env", "utf8");
  expect(env).toContain("COMPOSE_PROFILES=partner\n");
  const party = /^ENTENTE_PARTNER=(.*)$/m.exec(env)?.[1] as string;
  await configureParty({ folder: here("/data"), party, settings: settings() });
  await world.startNode("partner", { inviteFile: here("/run/secrets/partner-invite") });
  await world.untilConnected("partner");
}

const nothing: Program = async () => undefined;

beforeAll(async () => {
  world = await GuideWorld.make();
  await world.initHub();
  await initParty({ folder: "bank", party: "bank", apiPort: 0 });
  await world.startNode("bank");
  const bank = await world.client("bank");
  await bank.call("enrol", { invite: (await createInvite({ folder: "hub", party: "bank" })).code });
  const at = (name: string) => join(world.folder, name);
  places = { "/data": at("partner"), "/files": at("files"), "/backup": at("backup"), "/run/secrets": at("secrets") };
  shell = new GuideShell({
    ...{ "docker build": nothing, "docker compose ps": nothing, "docker compose logs": nothing, chown: nothing },
    "docker compose up": async () => void (await up()),
    "docker compose stop": async () => void (await world.stopNode("partner")),
    "docker compose down": async () => {
      await world.stopNode("partner");
      await rm(here("/data"), { recursive: true });
      return undefined;
    },
    "docker compose exec partner entente": commandLine,
    "docker compose run": async (args) => commandLine(args.slice(args.indexOf("partner") + 1), []),
    "docker compose exec -T partner cat": async ([path = ""]) => ({ stdout: await readFile(here(path), "utf8") }),
    "docker compose exec partner rm": async ([path = ""]) => void (await rm(here(path))),
    "entente peer": async (args) => ententeHere(["--node", "bank", "peer", ...args]),
    "openssl rand": async () => ({ stdout: `${"5a".repeat(32)}\n` }),
    printf: async ([form = "", ...words]) => ({
      stdout: words.reduce((text, word) => text.replace("%s", word), form).replaceAll("\\n", "\n"),
    }),
    cp: async ([from = "", to = ""]) => void (await copyFile(from, to)),
    chmod: async ([mode = "", ...paths]) =>
      void (await Promise.all(paths.map((path) => chmod(path, Number.parseInt(mode, 8))))),
    mkdir: async (args) => void (await mkdir(args.at(-1) as string, args[0] === "-m" ? { mode: 0o700 } : {})),
  });
  shell.names.PWD = world.folder;
  shell.names.INVITE = (await bank.call("invite", { party: "bureau" })).code;
  shell.names.PEOPLE = await writePeople(at("of-the-bureau.csv"), range(300, 1_300), REPAYMENTS);
});
afterAll(() => world.close());

/** What happens elsewhere before a section's lines. */
const ELSEWHERE: Readonly<Record<string, () => Promise<void>>> = {
  "Read the fingerprint out": async () => {
    shell.names.FINGERPRINT = (await (await world.client("partner")).call("node", {})).fingerprint;
  },
  "Sign what you agree to": async () => {
    const bank = await world.client("bank");
    const path = await writePeople(join(world.folder, "data", "customers.csv"), range(0, 1_000));
    await bank.call("registerDataset", { name: "customers", path, ids: IDS });
    const approval = { receiver: "automatic", provider: "every-run" };
    const { operations } = demoAgreement() as { operations: object[] };
    const document = demoAgreement({ operations: operations.map((operation) => ({ ...operation, approval })) });
    shell.names.AGREEMENT = (await bank.call("proposeAgreement", { document })).digest;
  },
};

let done = new Set<string>();
// The bank's containers have no counterpart in this process.
const BLOCKS = GUIDE.blocks.filter(({ words }) => !words.includes("bank-machine"));
test.each(BLOCKS)("$section: $lines.0", async ({ section, lines }) => {
  if (!done.has(section)) await ELSEWHERE[section]?.();
  done = done.add(section);
  for (const line of lines) {
    if (line.includes("approval list")) await ask();
    await shell.expect(line);
  }
  if (lines.some((line) => line.includes("approval approve"))) {
    const job = await (await world.client("bank")).waitForJob(shell.names.JOB as string, { pollMs: 50 });
    expect([job.state, job.withheld]).toEqual(["done", false]);
  }
});

async function ask(): Promise<void> {
  const lists = { dataset: "customers", peerDataset: "repayments" };
  const { AGREEMENT: agreement } = shell.names;
  const request = { operation: "audience", agreement, ...lists, tag: { key: "joint", value: "yes" } };
  shell.names.JOB = (await (await world.client("bank")).call("startJob", request as never)).jobId;
  const partner = await world.client("partner");
  for (let i = 0; i < 400 && (await partner.call("approvals", {})).approvals.length === 0; i++)
    await new Promise((resolve) => setTimeout(resolve, 20));
}

test("its links lead somewhere, and the node that was put back is the one that it was", async () => {
  expect(brokenLinks(GUIDE)).toEqual([]);
  expect((await (await world.client("partner")).call("node", {})).fingerprint).toBe(shell.names.FINGERPRINT);
});

test("the compose file lets no container write, rise or be reached beyond what it says", () => {
  const [, said = ""] = /^services:\n([\s\S]*?)^networks:/m.exec(COMPOSE) ?? [];
  const services = [...said.matchAll(/^ {2}(\w+):\n((?: {4}.*\n|\n)+)/gm)].map(([, name, text]) => ({ name, text }));
  expect(services.map(({ name }) => name)).toEqual(["partner", "bank", "postgres", "coordinator"]);
  const confined = [
    "read_only: true",
    "cap_drop: [ALL]",
    '"no-new-privileges:true"',
    "mem_limit:",
    "cpus:",
    "pids_limit:",
  ];
  const common = /^x-entente:[\s\S]*?\n\n/m.exec(COMPOSE)?.[0] ?? "";
  for (const { name, text = "" } of services) {
    const all = text.includes("<<: *entente") ? common + text : text;
    expect([name, confined.filter((words) => !all.includes(words))]).toEqual([name, []]);
    expect(all).toMatch(/^ {2,4}user: (?!.*root|"?0)/m);
    expect([name, /\n {4}ports:/.test(text)]).toEqual([name, name === "bank" || name === "coordinator"]);
    // Secrets are files; nothing secret is in an environment.
    expect(text).not.toMatch(/ENTENTE_KEY:|PASSWORD:/);
  }
  expect(COMPOSE).toMatch(/ports: \["127\.0\.0\.1:\$\{ENTENTE_BANK_PORT:-7430\}:7430"\]/);
});
