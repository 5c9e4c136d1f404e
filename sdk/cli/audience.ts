/** `entente audience`: find the shared customers and tag them. */
import { Command, InvalidArgumentError } from "commander";
import { example, parseDays } from "./context.ts";
import { runJob } from "./follow.ts";

interface Tag {
  readonly key: string;
  readonly value: string;
}

interface RunFlags {
  readonly agreement: string;
  readonly dataset: string;
  readonly peerDataset: string;
  readonly tag: Tag;
  readonly expiresDays?: number;
}

function parseTag(text: string): Tag {
  const [, key, value] = /^([^=]+)=(.+)$/.exec(text) ?? [];
  if (key === undefined || value === undefined) throw new InvalidArgumentError("A tag is KEY=VALUE.");
  return { key, value };
}

export function audienceCommand(): Command {
  const group = new Command("audience").description("joint audiences");
  group
    .command("run")
    .description("find the people whom both parties know, and issue a tag for each")
    .requiredOption("--agreement <digest>", "agreement that allows it")
    .requiredOption("--dataset <name>", "own dataset")
    .requiredOption("--peer-dataset <name>", "the peer's dataset")
    .requiredOption("--tag <key=value>", "tag to issue", parseTag)
    .option("--expires-days <n>", "days until the tags expire", parseDays)
    .addHelpText(
      "after",
      example(
        "entente audience run --agreement 5f0c... --dataset customers --peer-dataset subscribers \\",
        "    --tag marketing:joint-audience=spring --expires-days 30",
      ),
    )
    .action(async ({ tag, expiresDays, ...what }: RunFlags, command: Command) => {
      const expiry = expiresDays === undefined ? {} : { expiresInDays: expiresDays };
      await runJob({ operation: "audience", ...what, tag: { ...tag, ...expiry } }, command);
    });
  return group;
}
