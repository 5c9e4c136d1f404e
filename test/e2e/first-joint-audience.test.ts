/** Every command of the guide to a first joint audience, as it stands there: what the bank types, and what the bureau does. */
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { isErrorCode } from "../../proto/errors.ts";
import { type Ended, entente, ententeHere } from "../support/command-line.ts";
import { brokenLinks, GuideShell, type Program, readGuide } from "../support/guide.ts";
import { GuideWorld } from "../support/guide-world.ts";
import { phoneOf, range, writePeople } from "../support/people.ts";

const GUIDE = await readGuide("first-joint-audience");
const CUSTOMERS = range(0, 3_000);
const MEMBERS = range(1_000, 4_000);
const ageOf = (person: number) => 18 + (person % 60);
/** As the guide has it: of age, known to both, not opted out. */
const FOUND = CUSTOMERS.filter((person) => ageOf(person) >= 30 && MEMBERS.includes(person) && person !== 7);

let world: GuideWorld;
let shell: GuideShell;
/** What goes on while the bureau decides. */
let running: Promise<Ended> | undefined;

/** The same, on a port that nobody has. */
const onFreePorts =
  (words: readonly string[], ...flags: readonly string[]): Program =>
  (args) =>
    ententeHere([...words, ...args, ...flags]);

beforeAll(async () => {
  world = await GuideWorld.make();
  shell = new GuideShell({
    ...world.programs,
    "entente init": onFreePorts(["init"], "--api-port", "0"),
    "entente coordinator init": onFreePorts(["coordinator", "init"], "--port", "0", "--enrol-port", "0"),
  });
  await writePeople(join(world.folder, "customers.csv"), CUSTOMERS, { age: ageOf });
  await writePeople(join(world.folder, "members.csv"), MEMBERS);
});
afterAll(() => world.close());

/** What a reader takes from what one command prints into another. */
const TAKEN: readonly (readonly [command: string, name: string, where: RegExp])[] = [
  ["entente peer invite", "CODE", /^(entente1_\S+)$/m],
  ["entente node --node bureau", "FINGERPRINT", /^fingerprint +(\S+)$/m],
  ["entente agreement propose", "AGREEMENT", /^digest +([0-9a-f]{64})$/m],
];

async function untilAsked(): Promise<string> {
  const bureau = await world.client("bureau");
  for (;;) {
    const [approval] = (await bureau.call("approvals", {})).approvals;
    if (approval !== undefined) return approval.job.jobId;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

test.each(GUIDE.blocks.map((block, i) => ({ ...block, name: `${i + 1} ${block.section} ${block.words.join(" ")}` })))(
  "$name",
  async ({ words, lines }) => {
    for (const line of lines) {
      if (words.includes("meanwhile")) {
        const args = line.replace("$AGREEMENT", shell.names.AGREEMENT as string).split(" ");
        running = entente(args.slice(1), { cwd: world.folder });
        shell.names.JOB = await Promise.race([untilAsked(), running.then(({ stderr }) => Promise.reject(stderr))]);
        continue;
      }
      const { stdout } = await shell.expect(line);
      for (const [command, name, where] of TAKEN)
        if (line.startsWith(command)) shell.names[name] = where.exec(stdout)?.[1] as string;
      // A node that enrols by itself, or has just enrolled, needs a moment.
      if (/^entente (enroll|party start.*--invite-file)/.test(line))
        await world.untilConnected(line.includes("bureau") ? "bureau" : "bank");
      if (line.startsWith("entente approval approve")) expect(await running).toMatchObject({ code: 0 });
    }
  },
);

test("the people found are those whom both know, and of whom the guide speaks", async () => {
  const exported = await readFile(join(world.folder, "joint.csv"), "utf8");
  const people = exported.split("\n").flatMap((line) => /\+86\d+/.exec(line) ?? []);
  expect(people.sort()).toEqual(FOUND.map((person) => `+86${phoneOf(person)}`).sort());
  expect((await running)?.stdout).toMatch(new RegExp(`^matched +${FOUND.length}$`, "m"));
});

test("its links lead somewhere, and the codes of its table are errors", () => {
  expect(brokenLinks(GUIDE)).toEqual([]);
  const files = [...GUIDE.text.matchAll(/\]\(([a-z-]+\.md)\)/g)].map(([, file]) => file as string);
  expect(files.length).toBeGreaterThan(2);
  expect(files.filter((file) => !existsSync(new URL(`../../sdk/guides/${file}`, import.meta.url)))).toEqual([]);
  const codes = [...GUIDE.text.matchAll(/`([A-Z]+_[A-Z_]+)`/g)].map(([, code]) => code as string);
  expect(codes.length).toBeGreaterThan(4);
  expect(codes.filter((code) => !isErrorCode(code))).toEqual([]);
});
