/** Every command of the operators' runbook, as it stands there, against a bank, a bureau and a coordinator in this process. */
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { type Coordinator, createInvite, initCoordinator, startCoordinator } from "../../coordinator/main.ts";
import { initParty, type RunningParty, startParty } from "../../party/main.ts";
import { main } from "../../sdk/cli/main.ts";
import { EntenteClient } from "../../sdk/client.ts";
import { demoAgreement } from "../support/demo-agreement.ts";
import { REPAYMENTS, range, writePeople } from "../support/people.ts";

const RUNBOOK = await readFile(new URL("../../sdk/guides/runbook.md", import.meta.url), "utf8");
/** Refused here, where nothing is wrong, and the runbook says so. */
const REFUSED = ["entente evidence resume", "entente evidence recover"];

interface Block {
  readonly section: string;
  /** Of a folder whose node does not run. */
  readonly isStopped: boolean;
  readonly lines: readonly string[];
}

function blocks(): Block[] {
  const found: Block[] = [];
  let section = "";
  for (const [, heading, kind, body] of RUNBOOK.matchAll(/^## (.*)$|^```sh( stopped)?\n([\s\S]*?)^```$/gm)) {
    if (heading !== undefined) section = heading;
    else found.push({ section, isStopped: kind !== undefined, lines: (body as string).trim().split("\n") });
  }
  return found;
}

let folder: string;
let hub: Coordinator | undefined;
const nodes = new Map<string, RunningParty>();
const names: Record<string, string> = {};
const before = { cwd: process.cwd(), exitCode: process.exitCode };
const silent = { write: () => {} } as never;

async function startHub(): Promise<void> {
  hub ??= await startCoordinator({ folder: join(folder, "hub"), log: silent });
}

async function startNode(party: string): Promise<void> {
  if (!nodes.has(party)) nodes.set(party, await startParty({ folder: join(folder, party), logTo: silent }));
}

async function client(party: string): Promise<EntenteClient> {
  const token = (await readFile(join(folder, party, "token"), "utf8")).trim();
  return new EntenteClient({ url: (nodes.get(party) as RunningParty).apiUrl, token });
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "entente-runbook-"));
  process.chdir(folder);
  await initCoordinator({ folder: join(folder, "hub"), port: 0, enrolPort: 0 });
  await startHub();
  for (const party of ["bank", "bureau"]) {
    await initParty({ folder: join(folder, party), party, apiPort: 0 });
    await startNode(party);
    const invite = await createInvite({ folder: join(folder, "hub"), party });
    await (await client(party)).call("enrol", { invite: invite.code });
  }
  const [bank, bureau] = [await client("bank"), await client("bureau")];
  const own = { bank: await bank.call("node", {}), bureau: await bureau.call("node", {}) };
  await bank.call("confirmPeer", { party: "bureau", fingerprint: own.bureau.fingerprint });
  await bureau.call("confirmPeer", { party: "bank", fingerprint: own.bank.fingerprint });
  const ids = [{ column: "phone", normaliser: "phone-e164" as const }];
  const data = join(folder, "data");
  const files = [
    await writePeople(join(data, "a.csv"), range(0, 1_000)),
    await writePeople(join(data, "b.csv"), range(300, 1_300), REPAYMENTS),
  ];
  await bank.call("registerDataset", { name: "customers", path: files[0] as string, ids });
  await bureau.call("registerDataset", { name: "repayments", path: files[1] as string, ids });
  const agree = async (changes: Record<string, unknown>) => {
    const { digest } = await bank.call("proposeAgreement", { document: demoAgreement(changes) });
    await bureau.call("signAgreement", { digest: digest as never });
    return digest;
  };
  names.AGREEMENT = await agree({ title: "To be revoked" });
  const { operations } = demoAgreement() as { operations: object[] };
  const approval = { receiver: "every-run", provider: "automatic" };
  const waiting = await agree({ operations: operations.map((operation) => ({ ...operation, approval })) });
  names.WAITING = waiting;
  names.COLLABORATION = (await bank.call("collaborations", {})).collaborations[0]?.collaboration as string;
  names.TOKEN = (await bank.call("createToken", { person: "Wang Li", roles: ["auditor"] } as never)).tokenId;
});
afterAll(async () => {
  process.chdir(before.cwd);
  process.exitCode = before.exitCode;
  vi.restoreAllMocks();
  for (const node of nodes.values()) await node.close();
  await hub?.close();
  await rm(folder, { recursive: true });
});

/** What must be so for a section, beside everything being well. */
const SETTINGS: Record<string, () => Promise<void>> = {
  "Stuck approval": async () => {
    const lists = { dataset: "customers", peerDataset: "repayments" };
    const request = { operation: "audience", agreement: names.WAITING, ...lists, tag: { key: "joint", value: "yes" } };
    names.JOB = (await (await client("bank")).call("startJob", request as never)).jobId;
  },
};

/** One command of the command line, in this process. */
async function entente(args: readonly string[]): Promise<{ code: number; out: string }> {
  let out = "";
  const take = (chunk: unknown) => {
    out += String(chunk);
    return true;
  };
  const spies = [process.stdout, process.stderr].map((stream) => vi.spyOn(stream, "write").mockImplementation(take));
  process.exitCode = 0;
  try {
    await main(args);
    return { code: Number(process.exitCode), out };
  } finally {
    for (const spy of spies) spy.mockRestore();
    process.exitCode = 0;
  }
}

/** A line of a shell: words, quotes, variables, `$(...)`, and a comment. */
async function wordsOf(line: string): Promise<string[]> {
  let text = line.replace(/\s+#.*$/, "").replaceAll(/\$([A-Z]+)/g, (_, name: string) => names[name] ?? `$${name}`);
  const inner = /\$\((.*?)\)/.exec(text);
  if (inner !== null) {
    const { code, out } = await run(inner[1] as string);
    expect([inner[1], code]).toEqual([inner[1], 0]);
    text = text.replace(inner[0], (/entente1_\S+/.exec(out) as RegExpExecArray)[0]);
  }
  return [...text.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? (plain as string));
}

async function run(line: string): Promise<{ code: number; out: string }> {
  const [program, ...args] = await wordsOf(line);
  expect([line, program]).toEqual([line, "entente"]);
  // What runs until it is stopped runs here already, or is started.
  if (args[0] === "party" && args[1] === "start") await startNode(args.at(-1) as string);
  else if (args[0] === "coordinator" && args[1] === "start") await startHub();
  else return entente(args);
  return { code: 0, out: "" };
}

test.each(blocks())("$section", async ({ section, isStopped, lines }) => {
  if (isStopped) {
    await nodes.get("bank")?.stop();
    nodes.delete("bank");
  } else {
    await startNode("bank");
    const bank = await client("bank");
    await vi.waitFor(async () => expect((await bank.call("node", {})).connected).toBe(true), { timeout: 20_000 });
  }
  await SETTINGS[section]?.();
  for (const line of lines) {
    // A party that was revoked may enrol again when it has noticed.
    if (line.startsWith("entente enroll"))
      await vi.waitFor(
        async () => expect((await (await client("bureau")).call("node", {})).connected).toBe(false),
        20_000,
      );
    const { code, out } = await run(line);
    const isRefused = REFUSED.some((prefix) => line.startsWith(prefix));
    expect([line, code, isRefused || code === 0 ? "" : out]).toEqual([line, isRefused ? 1 : 0, ""]);
  }
});

test("the links and the metrics of the runbook are there", async () => {
  await startNode("bank");
  const headings = [...RUNBOOK.matchAll(/^## (.*)$/gm)].map(([, text]) =>
    (text as string).toLowerCase().replaceAll(" ", "-"),
  );
  const links = [...RUNBOOK.matchAll(/\]\(#([^)]*)\)/g)].map(([, link]) => link as string);
  expect(links.filter((link) => !headings.includes(link))).toEqual([]);
  const metrics = await (await fetch(`${(nodes.get("bank") as RunningParty).opsUrl}/metrics`)).text();
  const named = new Set([...RUNBOOK.matchAll(/entente_[a-z_]+/g)].map(([name]) => name));
  expect(named.size).toBeGreaterThan(8);
  expect([...named].filter((name) => !metrics.includes(`# TYPE ${name} `))).toEqual([]);
  expect(existsSync(join(folder, "bank-restored", "node.json"))).toBe(true);
});
