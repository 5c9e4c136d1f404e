/** `entente agreement`: what parties allow each other. */
import { Argument, Command } from "commander";
import { OPERATIONS, type Operation } from "../../proto/agreement/fields.ts";
import { agreementJsonSchema } from "../../proto/agreement/schema.ts";
import { agreementTemplate, isUnsaid } from "../../proto/agreement/template.ts";
import { EntenteError } from "../../proto/errors.ts";
import type { RouteResponse } from "../../proto/http/routes.ts";
import type { Language } from "../../proto/language.ts";
import { clientOf, example, languageOption, outputOf, readCommentedJsonFile } from "./context.ts";
import { fields, type Output, printable, table } from "./output.ts";

const DAY_MS = 86_400_000;

function describe(agreement: RouteResponse<"agreement">): string {
  return fields({
    digest: agreement.digest,
    title: agreement.title,
    parties: agreement.parties.join(", "),
    "signed by": agreement.signedBy.join(", "),
    state: agreement.state,
    version: agreement.version,
    "valid until": agreement.validUntil,
  });
}

interface ShowFlags {
  readonly document?: boolean;
  readonly language: Language;
}

type Terms = RouteResponse<"agreementTerms">;

function describeTerms(parts: Terms["terms"]["en"]): string {
  const lines = parts.map(({ title, blocks }) => [
    `${title}:`,
    ...blocks.flatMap((block) => [
      ...(block.title === null ? [] : [`  ${block.title}`]),
      ...block.lines.map((line) => `  - ${line}`),
    ]),
  ]);
  return lines.map((part) => part.map(printable).join("\n")).join("\n\n");
}

const DIFFERENCES: Readonly<
  Record<Language, Readonly<Record<"title" | "nothing" | "loosens" | "tightens" | "other", string>>>
> = {
  en: {
    title: "What this version changes:",
    nothing: "nothing",
    loosens: "lets more happen",
    tightens: "lets less happen",
    other: "changes",
  },
  "zh-CN": { title: "本版的变化：", nothing: "无", loosens: "放宽", tightens: "收紧", other: "变更" },
};

/** Empty for a first version. */
function describeDifferences(differences: Terms["differences"], language: Language): string {
  if (differences === null) return "";
  const words = DIFFERENCES[language];
  const lines = differences.map(({ effect, words: texts }) => {
    const { what, before, after } = texts[language];
    return `  - [${words[effect]}] ${what}: ${before ?? words.nothing} -> ${after ?? words.nothing}`;
  });
  return [words.title, ...(lines.length === 0 ? [`  ${words.nothing}`] : lines)].map(printable).join("\n");
}

/** JSON writes C0 control characters as escapes; those above are the terminal's too. */
function documentText(document: object): string {
  return JSON.stringify(document, null, 2).replaceAll(/[\x7f-\x9f\u2028-\u202e\u2066-\u2069]/g, "\ufffd");
}

function answerSent(output: Output, agreement: RouteResponse<"signAgreement">): void {
  output.answer(agreement, describe(agreement));
  if (!agreement.delivered) output.note("The peer could not be reached; the node tells it as soon as it can.");
}

export function agreementCommand(): Command {
  const group = new Command("agreement").description("what parties allow each other");
  group
    .command("propose")
    .description("sign an agreement and send it to the other party")
    .argument("<file>", "agreement document (JSON)")
    .addHelpText("after", example("entente agreement propose joint-audience.json"))
    .action(async (file: string, _options: object, command: Command) => {
      const document = await readCommentedJsonFile(file, "AGREEMENT_INVALID");
      if (typeof document !== "object" || document === null || Array.isArray(document))
        throw new EntenteError("AGREEMENT_INVALID", { detail: "it must be a JSON object" });
      const request = { document: document as Record<string, unknown> };
      const output = outputOf(command);
      answerSent(output, await (await clientOf(command)).call("proposeAgreement", request));
      if (isUnsaid(document))
        output.note(
          "A purpose or its legal basis is still the template's. Before the other party signs, propose it in words of your own.",
        );
    });
  group
    .command("template")
    .description("write a commented starting point for an agreement to standard output")
    .addArgument(new Argument("<operation>", "what it should allow").choices(OPERATIONS))
    .addHelpText("after", example("entente agreement template audience > joint-audience.json"))
    .action((operation: Operation, _options: object, command: Command) => {
      const today = Math.floor(Date.now() / DAY_MS) * DAY_MS;
      const [validFrom, validUntil] = [today, today + 365 * DAY_MS].map((at) => new Date(at).toISOString());
      const text = agreementTemplate(operation, { validFrom: validFrom as string, validUntil: validUntil as string });
      outputOf(command).answer({ template: text }, text.trimEnd());
    });
  group
    .command("schema")
    .description("write the JSON Schema of an agreement to standard output")
    .addHelpText("after", example("entente agreement schema > agreement.schema.json"))
    .action((_options: object, command: Command) => {
      const schema = agreementJsonSchema();
      outputOf(command).answer(schema, JSON.stringify(schema, null, 2));
    });
  group
    .command("revoke")
    .description("end an agreement now: jobs under it stop, its tags are withdrawn, the peer is told; not undone")
    .argument("<digest>", "its digest")
    .option("--reason <text>", "why; kept at this node, the log commits to it")
    .addHelpText("after", example("entente agreement revoke 5f0c..."))
    .action(async (digest: string, options: { readonly reason?: string }, command: Command) => {
      const agreement = await (await clientOf(command)).call("revokeAgreement", { digest, ...options });
      outputOf(command).answer(agreement, describe(agreement));
    });
  group
    .command("sign")
    .description("sign an agreement that a peer proposed; read it first with 'show'")
    .argument("<digest>", "its digest")
    .addHelpText("after", example("entente agreement sign 5f0c..."))
    .action(async (digest: string, _options: object, command: Command) => {
      answerSent(outputOf(command), await (await clientOf(command)).call("signAgreement", { digest }));
    });
  group
    .command("list")
    .description("list agreements and where they stand")
    .addHelpText("after", example("entente agreement list"))
    .action(async (_options: object, command: Command) => {
      const answer = await (await clientOf(command)).call("agreements", {});
      const rows = answer.agreements.map(({ digest, title, parties, state, validUntil }) => [
        digest,
        state,
        parties.join(", "),
        validUntil.slice(0, 10),
        title,
      ]);
      const head = ["digest", "state", "parties", "valid until", "title"];
      outputOf(command).answer(answer, table(head, rows, "No agreements yet."));
    });
  group
    .command("show")
    .description("show one in plain words: what leaves your house by it, what you learn, and what its version changes")
    .argument("<digest>", "its digest")
    .option("--document", "the signed document as well, word for word")
    .addOption(languageOption())
    .addHelpText("after", example("entente agreement show 5f0c...", "entente agreement show 5f0c... --document"))
    .action(async (digest: string, { document, language }: ShowFlags, command: Command) => {
      const client = await clientOf(command);
      const agreement = await client.call("agreement", { digest });
      const { terms, differences } = await client.call("agreementTerms", { digest });
      const parts = [describe(agreement), describeTerms(terms[language]), describeDifferences(differences, language)];
      const text = [...parts, ...(document === true ? [documentText(agreement.document)] : [])]
        .filter(Boolean)
        .join("\n\n");
      outputOf(command).answer({ ...agreement, terms, differences }, text);
    });
  return group;
}
