/** `entente score`: score the shared customers with an encrypted model. */
import { Command, Option } from "commander";
import { OUTPUTS_OF } from "../../proto/agreement/fields.ts";
import { example, readJsonFile } from "./context.ts";
import { runJob } from "./follow.ts";
import { type RunFlags, runFields, type TagFlags, tagFields, withRunOptions, withTagOptions } from "./run-options.ts";

interface ScoreFlags extends RunFlags, TagFlags {
  readonly model: string;
  readonly tag?: string;
  readonly audience?: string;
  readonly output?: (typeof OUTPUTS_OF.score)[number];
}

export function scoreCommand(): Command {
  const group = new Command("score").description("scores of shared people by an encrypted model");
  withTagOptions(withRunOptions(group.command("run")))
    .description("score the people whom both parties know, and issue tags for them")
    .requiredOption("--model <file>", "model document (JSON); it leaves this node encrypted only")
    .option("--tag <key>", "key of a tag that everybody gets to whom no rule issues that key: the tier, or 'scored'")
    .addOption(
      new Option("--output <output>", "what to keep of the scores (default: the agreement's first)").choices(
        OUTPUTS_OF.score,
      ),
    )
    .option(
      "--audience <job>",
      "score the people of this earlier audience, where the agreement lets the peer know them",
    )
    .addHelpText(
      "after",
      example(
        "entente score run --agreement 5f0c... --dataset customers --peer-dataset taxpayers \\",
        "    --model scorecard.json --tag risk:credit --rule 'tier = C and balance > 50000 -> risk:review' \\",
        "    --label has_car --rule 'tier = A and has_car -> auto-loan:hot'",
      ),
    )
    .action(async ({ model: file, tag: key, output, audience, ...flags }: ScoreFlags, command: Command) => {
      const tags = await tagFields(flags, key === undefined ? undefined : { key }, command);
      const model = await readJsonFile(file, "MODEL_INVALID");
      const over = audience === undefined ? {} : { audience };
      const shown = output === undefined ? {} : { output };
      await runJob(
        { operation: "score", ...(await runFields(flags, command)), ...shown, ...over, model, ...tags },
        flags,
        command,
      );
    });
  return group;
}
