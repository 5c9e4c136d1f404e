/** `entente model`: what an agreement says of a model without showing it. */
import { Command } from "commander";
import * as z from "zod";
import { EntenteError } from "../../proto/errors.ts";
import { tiersSchema } from "../../proto/model/header.ts";
import { clientOf, example, outputOf, readJsonFile } from "./context.ts";

const withTiers = z.object({ tiers: tiersSchema });

export function modelCommand(): Command {
  const group = new Command("model").description("scoring models of this party");
  group
    .command("commit-tiers")
    .description("commit to a model's tier bounds, for 'tiers' of an agreement; the node keeps what opens it")
    .requiredOption("--model <file>", "model document (JSON); only its tiers go to the node")
    .addHelpText("after", example("entente model commit-tiers --model scorecard.json"))
    .action(async ({ model: file }: { readonly model: string }, command: Command) => {
      const parsed = withTiers.safeParse(await readJsonFile(file, "MODEL_INVALID"));
      if (!parsed.success)
        throw new EntenteError("MODEL_INVALID", { detail: parsed.error.issues[0]?.path.join(".") || "tiers" });
      const answer = await (await clientOf(command)).call("commitTiers", { tiers: parsed.data.tiers });
      outputOf(command).answer(answer, answer.commitment);
    });
  return group;
}
