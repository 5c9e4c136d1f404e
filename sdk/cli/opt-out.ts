/** `entente opt-out`: who takes part in nothing. */
import { text as readStream } from "node:stream/consumers";
import { Command } from "commander";
import { clientOf, example, outputOf, readNamedFile } from "./context.ts";
import { fields, table } from "./output.ts";

interface FormFlags {
  readonly form: string;
}

const FORM = "the ids' normaliser as the datasets have it; of several columns joined by +";
/** Ids in one request. */
const BATCH = 10_000;

/** One id a line, the parts of an id of several columns with tabs between; blank lines are nothing. */
async function readIds(file: string): Promise<string[]> {
  const text = file === "-" ? await readStream(process.stdin) : await readNamedFile(file, "BAD_REQUEST");
  return text
    .replace(/^\ufeff/, "")
    .split(/\r\n|\n|\r/)
    .filter((line) => line.trim() !== "");
}

async function add(ids: readonly string[], form: string, command: Command): Promise<void> {
  const client = await clientOf(command);
  const total = { added: 0, known: 0, withdrawnTags: 0, rejected: [] as { line: number; reason: string }[] };
  for (let from = 0; from < ids.length; from += BATCH) {
    const batch = ids.slice(from, from + BATCH);
    const { added, withdrawnTags, rejected } = await client.call("addOptOuts", { form, ids: batch });
    total.added += added;
    total.known += batch.length - rejected.length - added;
    total.withdrawnTags += withdrawnTags;
    for (const { index, reason } of rejected) total.rejected.push({ line: from + index + 1, reason });
  }
  const shown = total.rejected.slice(0, 20).map(({ line, reason }) => `${line}: ${reason}`);
  outputOf(command).answer(
    total,
    fields({
      ...{ added: total.added, "already there": total.known, "tags withdrawn": total.withdrawnTags },
      rejected: total.rejected.length === 0 ? undefined : `${total.rejected.length} (${shown.join(", ")})`,
    }),
  );
}

export function optOutCommand(): Command {
  const group = new Command("opt-out").description("people who take part in no run and have no tag");
  group
    .command("add")
    .description("put ids on the list; their tags are withdrawn at once")
    .argument("<id...>")
    .requiredOption("--form <form>", FORM)
    .addHelpText("after", example("entente opt-out add --form phone-e164 '138 0000 1234'"))
    .action(async (ids: string[], { form }: FormFlags, command: Command) => add(ids, form, command));
  group
    .command("import")
    .description("put a file of ids on the list, one a line; - is the standard input")
    .argument("<file>")
    .requiredOption("--form <form>", FORM)
    .addHelpText("after", example("entente opt-out import opted-out.txt --form phone-e164"))
    .action(async (file: string, { form }: FormFlags, command: Command) => add(await readIds(file), form, command));
  group
    .command("remove")
    .description("take ids off the list; withdrawn tags stay withdrawn")
    .argument("<id...>")
    .requiredOption("--form <form>", FORM)
    .addHelpText("after", example("entente opt-out remove --form phone-e164 '138 0000 1234'"))
    .action(async (ids: string[], { form }: FormFlags, command: Command) => {
      const answer = await (await clientOf(command)).call("removeOptOuts", { form, ids });
      outputOf(command).answer(answer, fields({ removed: answer.removed }));
    });
  group
    .command("list")
    .description("count them, or with --form list who they are")
    .option("--form <form>", FORM)
    .addHelpText("after", example("entente opt-out list"))
    .action(async ({ form }: Partial<FormFlags>, command: Command) => {
      const client = await clientOf(command);
      if (form === undefined) {
        const answer = await client.call("optOuts", {});
        const rows = answer.lists.map(({ form: of, count, lastAddedAt }) => [of, String(count), lastAddedAt]);
        return outputOf(command).answer(answer, table(["form", "people", "last added"], rows, "Nobody has opted out."));
      }
      const entries: { id: string; addedAt: string; person: string }[] = [];
      for (let after: string | null | undefined; after !== null; ) {
        const page = await client.call("optOutPage", { form, ...(after === undefined ? {} : { after }) });
        entries.push(...page.entries);
        after = page.next;
      }
      const rows = entries.map(({ id, addedAt, person }) => [id, addedAt, person]);
      outputOf(command).answer({ entries }, table(["id", "added", "by"], rows, "Nobody has opted out."));
    });
  return group;
}
