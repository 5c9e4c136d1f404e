/** `entente score`: score the shared customers with an encrypted model. */
import { Command } from "commander";
import { example, readJsonFile } from "./context.ts";
import { runJob } from "./follow.ts";

interface RunFlags {
  readonly agreement: string;
  readonly dataset: string;
  readonly peerDataset: string;
  readonly model: string;
  readonly tag: string;
}

export function scoreCommand(): Command {
  const group = new Command("score").description("encrypted scoring");
  group
    .command("run")
    .description("score the people whom both parties know, and issue a tag by score tier for each")
    .requiredOption("--agreement <digest>", "agreement that allows it")
    .requiredOption("--dataset <name>", "own dataset")
    .requiredOption("--peer-dataset <name>", "the peer's dataset")
    .requiredOption("--model <file>", "model document (JSON); it leaves this node encrypted only")
    .requiredOption("--tag <key>", "key of the tag to issue")
    .addHelpText(
      "after",
      example(
        "entente score run --agreement 5f0c... --dataset customers --peer-dataset taxpayers \\",
        "    --model scorecard.json --tag risk:credit",
      ),
    )
    .action(async ({ model: file, tag, ...what }: RunFlags, command: Command) => {
      const model = await readJsonFile(file, "MODEL_INVALID");
      await runJob({ operation: "score", ...what, model, tag: { key: tag } }, command);
    });
  return group;
}
