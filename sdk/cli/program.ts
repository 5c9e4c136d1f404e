/** All commands, by what a person is about. */
import { Command } from "commander";
import packageFile from "../../package.json" with { type: "json" };
import { agreementCommand } from "./agreement.ts";
import { approvalCommand } from "./approval.ts";
import { audienceCommand } from "./audience.ts";
import { auditCommand } from "./audit.ts";
import { budgetCommand } from "./budget.ts";
import { example } from "./context.ts";
import { coordinatorCommand } from "./coordinator.ts";
import { datasetCommand } from "./dataset.ts";
import { doctorCommand } from "./doctor.ts";
import { evidenceCommand, keysCommand } from "./evidence.ts";
import { EXIT } from "./exit-code.ts";
import { feedCommand } from "./feed.ts";
import { teach, withDescendants } from "./help.ts";
import { initCommand } from "./init.ts";
import { jobCommand } from "./job.ts";
import { modelCommand } from "./model.ts";
import { enrollCommand, nodeCommand } from "./node.ts";
import { optOutCommand } from "./opt-out.ts";
import { partyCommand } from "./party.ts";
import { peerCommand } from "./peer.ts";
import { releasedCommand } from "./released.ts";
import { scoreCommand } from "./score.ts";
import { segmentCommand } from "./segment.ts";
import { storeCommand } from "./store.ts";
import { tagsCommand } from "./tags.ts";
import { tokenCommand } from "./token.ts";
import { upCommand } from "./up.ts";

const EXIT_CODES = `\nExit codes: ${EXIT.done} done, ${EXIT.failed} error or refused, ${EXIT.incomplete} incomplete evidence, ${EXIT.usage} wrong usage.`;

function groups(): Readonly<Record<string, readonly Command[]>> {
  return {
    "Begin:": [upCommand(), initCommand(), enrollCommand(), nodeCommand(), doctorCommand()],
    "Own data:": [datasetCommand(), segmentCommand(), optOutCommand()],
    "With a partner:": [peerCommand(), agreementCommand(), approvalCommand(), budgetCommand(), releasedCommand()],
    "Jobs and what comes of them:": [
      ...[audienceCommand(), scoreCommand(), modelCommand(), jobCommand()],
      ...[tagsCommand(), feedCommand()],
    ],
    "Evidence:": [auditCommand(), evidenceCommand()],
    "Operating:": [partyCommand(), coordinatorCommand(), tokenCommand(), keysCommand(), storeCommand()],
  };
}

/** Not yet parsed. A usage error throws CommanderError. */
export function ententeProgram(): Command {
  const root = new Command("entente")
    .description("Privacy-preserving data collaboration: joint audiences, encrypted scoring, tags, evidence.")
    .option("--node <folder>", "folder of the node to talk to (default: $ENTENTE_NODE, or this folder)")
    .option("--url <url>", "address of the node's API, instead of the one in its folder")
    .option("--token <token>", "token for the API (better: $ENTENTE_TOKEN), instead of the one in its folder")
    .option("--token-file <file>", "file that holds the token")
    .option("--json", "print one JSON document, for programs")
    .version(packageFile.version)
    .addHelpText(
      "after",
      example(
        "entente up --sample                 # a bank, a bureau and their data on this machine, to try things out",
        "entente audience run --help         # what a command takes, and an example",
        "entente job list --node bank",
      ),
    )
    .addHelpText("after", EXIT_CODES);
  for (const [heading, commands] of Object.entries(groups()))
    for (const command of commands) root.addCommand(command.helpGroup(heading));
  for (const command of withDescendants(root)) command.exitOverride();
  teach(root);
  return root;
}
