/** The `entente` command: its options, its commands, its exit codes. */
import { Command, CommanderError } from "commander";
import packageFile from "../../package.json" with { type: "json" };
import { EntenteError, toEntenteError } from "../../proto/errors.ts";
import { agreementCommand } from "./agreement.ts";
import { approvalCommand } from "./approval.ts";
import { audienceCommand } from "./audience.ts";
import { auditCommand } from "./audit.ts";
import { budgetCommand } from "./budget.ts";
import { coordinatorCommand } from "./coordinator.ts";
import { datasetCommand } from "./dataset.ts";
import { doctorCommand } from "./doctor.ts";
import { evidenceCommand, keysCommand } from "./evidence.ts";
import { feedCommand } from "./feed.ts";
import { jobCommand } from "./job.ts";
import { modelCommand } from "./model.ts";
import { enrollCommand, nodeCommand } from "./node.ts";
import { optOutCommand } from "./opt-out.ts";
import { Output } from "./output.ts";
import { partyCommand } from "./party.ts";
import { peerCommand } from "./peer.ts";
import { scoreCommand } from "./score.ts";
import { segmentCommand } from "./segment.ts";
import { storeCommand } from "./store.ts";
import { tagsCommand } from "./tags.ts";
import { tokenCommand } from "./token.ts";
import { upCommand } from "./up.ts";

const EXIT_FAILED = 1;
/** EX_USAGE of sysexits.h. */
const EXIT_USAGE = 64;

function program(isJson: boolean): Command {
  const root = new Command("entente")
    .description("Privacy-preserving data collaboration: joint audiences, encrypted scoring, tags, evidence.")
    .option("--node <folder>", "folder of the node to talk to (default: $ENTENTE_NODE, or this folder)")
    .option("--url <url>", "address of the node's API, instead of the one in its folder")
    .option("--token <token>", "token for the API (better: $ENTENTE_TOKEN), instead of the one in its folder")
    .option("--token-file <file>", "file that holds the token")
    .option("--json", "print one JSON document, for programs")
    .version(packageFile.version)
    .configureHelp({ showGlobalOptions: true })
    .addHelpText("after", "\nExit codes: 0 done, 1 error or refused, 2 incomplete evidence, 64 wrong usage.");
  const commands = [
    upCommand(),
    coordinatorCommand(),
    partyCommand(),
    enrollCommand(),
    nodeCommand(),
    peerCommand(),
    datasetCommand(),
    segmentCommand(),
    agreementCommand(),
    audienceCommand(),
    scoreCommand(),
    modelCommand(),
    jobCommand(),
    approvalCommand(),
    budgetCommand(),
    tagsCommand(),
    feedCommand(),
    optOutCommand(),
    auditCommand(),
    evidenceCommand(),
    keysCommand(),
    tokenCommand(),
    storeCommand(),
    doctorCommand(),
  ];
  for (const command of commands) root.addCommand(command);
  for (const command of withDescendants(root)) {
    command.exitOverride();
    command.configureHelp({ showGlobalOptions: true });
    // In JSON mode a usage error is told as a document, at the end.
    if (isJson) command.configureOutput({ writeErr: () => {} });
  }
  return root;
}

function withDescendants(command: Command): Command[] {
  return [command, ...command.commands.flatMap(withDescendants)];
}

/** Runs a command line (without `node` and the script) and sets the process's exit code. */
export async function main(args: readonly string[]): Promise<void> {
  // A reader that has seen enough, as `head`, is no error.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : EXIT_FAILED));
  const isJson = args.includes("--json");
  try {
    await program(isJson).parseAsync(args, { from: "user" });
  } catch (thrown) {
    if (thrown instanceof CommanderError) usage(thrown, isJson);
    else {
      new Output(isJson).failure(publicError(thrown));
      process.exitCode = EXIT_FAILED;
    }
  }
}

function usage(error: CommanderError, isJson: boolean): void {
  // Help and version that were asked for.
  if (error.exitCode === 0) return;
  process.exitCode = EXIT_USAGE;
  if (!isJson) return;
  const what = error.code === "commander.help" ? "no command given" : error.message.replace(/^error: /, "");
  new Output(isJson).failure(new EntenteError("BAD_REQUEST", { detail: what }).toPublic());
}

function publicError(thrown: unknown): ReturnType<EntenteError["toPublic"]> {
  const error = toEntenteError(thrown);
  if (error.code !== "INTERNAL" || error.detail !== undefined || !(error.cause instanceof Error))
    return error.toPublic();
  // Here it is this command that failed, and the person who ran it may see why.
  return { ...error.toPublic(), detail: error.cause.message };
}
