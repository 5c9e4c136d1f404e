/** `entente up`: coordinator, bank and bureau on this machine, to look around in. */
import { relative, resolve } from "node:path";
import { Command } from "commander";
import { EntenteError } from "../../proto/errors.ts";
import { example, onStopSignals, outputOf } from "./context.ts";
import { freePorts } from "./free-port.ts";
import { LocalTrio, PARTIES, type PartyName } from "./local-trio.ts";
import { fields, type Output } from "./output.ts";
import { setUpSample } from "./sample.ts";

interface UpFlags {
  readonly dir: string;
  readonly sample?: true;
}

const DEFAULT_FOLDER = "entente-local";
/** Where each is looked for first: coordinator, its enrolment, the bank, the bureau. */
const USUAL_PORTS = [7420, 7421, 7430, 7431] as const;

/** Runs this same command, in a process of its own. */
function command(name: string, dir: string): string[] {
  return [process.argv[1] as string, name === "hub" ? "coordinator" : "party", "start", "--dir", dir, "--json"];
}

async function isRunning(trio: LocalTrio): Promise<boolean> {
  try {
    await (await trio.client("bank")).call("node", {});
    return true;
  } catch {
    return false;
  }
}

/** As what a person calls this program: `npx` runs it from a checkout, where no shell finds it by its name. */
function calledAs(): string {
  return process.env.npm_command === "exec" ? "npx --no-install entente" : "entente";
}

async function answer(trio: LocalTrio, output: Output, hasSample: boolean): Promise<void> {
  const links = await Promise.all(PARTIES.map(async (party) => [party, await trio.signInLink(party)] as const));
  const of = Object.fromEntries(links) as Record<PartyName, string>;
  const folder = relative(".", trio.folder) || ".";
  const next = hasSample
    ? "In the bank's: 'Build an audience', a tag, 'Dry run', 'Run this job'. In the bureau's you see what that told it. 'Score' takes a model file, such as test/data/models/default-risk.json."
    : "Nothing is registered yet: 'entente up --sample' brings data and a signed agreement; sdk/guides/first-joint-audience.md goes step by step.";
  output.answer(
    { folder: trio.folder, consoles: of },
    `${fields({ "the bank's console": of.bank, "the bureau's console": of.bureau })}\n\n${next}
On the command line: ${calledAs()} job list --node ${folder}/bank`,
  );
}

/** Ends all three when this process is asked to, or when one of them ends by itself. */
async function untilStopped(trio: LocalTrio): Promise<void> {
  const asked = Promise.withResolvers<"asked">();
  onStopSignals(
    () => asked.resolve("asked"),
    () => void trio.halt("SIGKILL").then(() => process.exit()),
  );
  const first = await Promise.race([asked.promise, trio.firstEnd()]);
  const why = first === "asked" ? undefined : await trio.logTail(first);
  await trio.halt();
  if (why !== undefined)
    throw new EntenteError("INTERNAL", { detail: `a process has ended; the end of its log:\n${why}` });
}

async function up({ dir, sample }: UpFlags, self: Command): Promise<void> {
  const output = outputOf(self);
  const [main, enrol, bank, bureau] = (await freePorts(USUAL_PORTS)) as [number, number, number, number];
  const trio = new LocalTrio({
    folder: resolve(dir),
    ports: { main, enrol, bank, bureau },
    command,
    isDetached: true,
  });
  const wasRunning = await isRunning(trio);
  try {
    if (!wasRunning) {
      output.note("Starting a coordinator, a bank and a bureau ...");
      await trio.start();
    }
    if (sample === true) {
      output.note("Registering the sample data, and signing an agreement ...");
      const [bank, bureau] = [await trio.client("bank"), await trio.client("bureau")];
      await setUpSample({ bank, bureau }, Date.now());
    }
  } catch (error) {
    await trio.halt();
    throw error;
  }
  await answer(trio, output, sample === true);
  if (wasRunning) return output.note("They were running already.");
  output.note(`Ctrl-C stops all three; '${calledAs()} up' goes on with ${dir}; to begin anew, delete that folder.`);
  await untilStopped(trio);
}

export function upCommand(): Command {
  return new Command("up")
    .description("run a coordinator, a bank and a bureau on this machine, enrolled and confirmed, to try things out")
    .option("--dir <folder>", "folder that they live in; made when it is not there", DEFAULT_FOLDER)
    .option("--sample", "with the sample data registered, and an agreement that both have signed")
    .addHelpText("after", example("entente up --sample"))
    .addHelpText(
      "after",
      "\nIt prints a link into each console that signs you in: for this machine, and your eyes only.",
    )
    .action((flags: UpFlags, self: Command) => up(flags, self));
}
