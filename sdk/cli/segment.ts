/** `entente segment`: named, versioned parts of own datasets. */
import { resolve } from "node:path";
import { text as readStream } from "node:stream/consumers";
import { Command, InvalidArgumentError } from "commander";
import type { RouteRequest, RouteResponse } from "../../proto/http/routes.ts";
import type { PartyId } from "../../proto/ids.ts";
import { clientOf, example, outputOf, readJsonFile, readNamedFile } from "./context.ts";
import { fields, table } from "./output.ts";

type Definition = RouteRequest<"defineSegment">["definition"];

interface DefineFlags {
  readonly dataset: string;
  readonly sql?: string;
  readonly rule?: string;
  readonly list?: string;
  readonly import?: string;
  readonly idColumn?: readonly string[];
  readonly tier?: Tier;
  readonly job?: string;
  readonly derive?: string;
}

interface Tier {
  readonly key: string;
  readonly values?: string[];
}

function collect(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text];
}

function parseTier(text: string): Tier {
  const [, key, values] = /^([^=]+)(?:=(.+))?$/.exec(text) ?? [];
  if (key === undefined) throw new InvalidArgumentError("A tier is KEY or KEY=VALUE,VALUE.");
  return values === undefined ? { key } : { key, values: values.split(",") };
}

/** One id a line, the parts of an id of several columns with tabs between; blank lines are nothing. */
async function readIds(file: string): Promise<(string | string[])[]> {
  const text = file === "-" ? await readStream(process.stdin) : await readNamedFile(file, "SEGMENT_INVALID");
  return text
    .replace(/^\ufeff/, "")
    .split(/\r\n|\n|\r/)
    .filter((line) => line.trim() !== "")
    .map((line) => (line.includes("\t") ? line.split("\t") : line));
}

/** A file, or the JSON itself. */
async function readRule(given: string): Promise<unknown> {
  if (!given.trimStart().startsWith("{")) return readJsonFile(given, "SEGMENT_INVALID");
  try {
    return JSON.parse(given);
  } catch {
    throw new InvalidArgumentError("The rule is not JSON.");
  }
}

async function definitionOf(flags: DefineFlags, command: Command): Promise<Definition> {
  const { sql, rule, list, import: file, idColumn, tier, job, derive } = flags;
  const ways: (() => Promise<Definition>)[] = [];
  if (sql !== undefined) ways.push(async () => ({ kind: "sql", expression: sql }));
  if (rule !== undefined) ways.push(async () => ({ kind: "rule", rule: (await readRule(rule)) as never }));
  if (list !== undefined) ways.push(async () => ({ kind: "list", ids: await readIds(list) }));
  if (file !== undefined) {
    if (idColumn === undefined) command.error("error: --import needs --id-column");
    ways.push(async () => ({ kind: "import", path: resolve(file), idColumns: [...(idColumn as readonly string[])] }));
  }
  if (tier !== undefined || job !== undefined)
    ways.push(async () => ({ kind: "tier", ...tier, ...(job === undefined ? {} : { job }) }));
  if (derive !== undefined) ways.push(async () => ({ kind: "derived", expression: derive }));
  const [way, another] = ways;
  if (way === undefined || another !== undefined)
    command.error("error: one of --sql, --rule, --list, --import, --tier or --job, and --derive must define it");
  return (way as () => Promise<Definition>)();
}

type Version = RouteResponse<"defineSegment">;

function versionFields({ name, version, dataset, kind, counts, definition, definedAt, definedBy }: Version): string {
  const rejected = Object.entries(counts?.rejected ?? {}).map(([reason, ids]) => `${reason} ${ids}`);
  const shown = JSON.stringify(definition);
  return fields({
    segment: `${name}@${version}`,
    dataset,
    kind,
    definition: shown === "{}" ? undefined : shown,
    "ids given": counts?.given,
    people: counts?.accepted,
    duplicates: counts?.duplicates,
    rejected: counts === null ? undefined : rejected.length === 0 ? 0 : rejected.join(", "),
    defined: `${definedAt} by ${definedBy}`,
  });
}

type Segment = RouteResponse<"segments">["segments"][number];

function standing({ published, retiredAt }: Segment): string {
  if (retiredAt !== null) return `retired ${retiredAt}`;
  if (published === null) return "";
  return `published version ${published.version} to ${published.to.join(", ")}: ${published.description}`;
}

function segmentTable(segments: readonly Segment[]): string {
  const rows = segments.map((segment) => [
    segment.name,
    String(segment.version),
    segment.dataset,
    segment.kind,
    standing(segment),
  ]);
  return table(["segment", "version", "dataset", "kind", ""], rows, "No segments yet.");
}

export function segmentCommand(): Command {
  const group = new Command("segment").description("named, versioned parts of own datasets");
  group
    .command("define")
    .description("define a segment, or a new version of it, in one of six ways")
    .argument("<name>", "name of the segment")
    .requiredOption("--dataset <name>", "own dataset that it is a part of")
    .option("--sql <condition>", "one SQL condition over the dataset's columns")
    .option("--rule <json>", 'conditions as JSON, or a file with them: {"all": [{"column": …, "op": …, "value": …}]}')
    .option("--list <file>", "ids, one a line, in any form that the dataset's normaliser takes; '-' reads stdin")
    .option("--import <file>", "ids of a CSV or Parquet file on the node's machine, read once")
    .option("--id-column <column>", "where --import has them; again for each further column of the id", collect)
    .option(
      "--tier <key=values>",
      "who holds a tag of this key now, with one of the values if any are given",
      parseTier,
    )
    .option("--job <id>", "who was tagged by this job, and still is")
    .option("--derive <expression>", "from other segments: 'a and (b or c) minus d'")
    .addHelpText(
      "after",
      example(
        "entente segment define wealthy --dataset customers --sql \"balance > 50000 and city = 'Shanghai'\"",
        "entente segment define risky --dataset customers --tier risk:default=D,E",
        "entente segment define spring --dataset customers --derive 'wealthy minus risky'",
      ),
    )
    .action(async (name: string, flags: DefineFlags, command: Command) => {
      const definition = await definitionOf(flags, command);
      const request = { name, dataset: flags.dataset, definition };
      const defined = await (await clientOf(command)).call("defineSegment", request);
      outputOf(command).answer(defined, versionFields(defined));
    });
  group
    .command("list")
    .description("list segments with their newest versions")
    .addHelpText("after", example("entente segment list"))
    .action(async (_options: object, command: Command) => {
      const answer = await (await clientOf(command)).call("segments", {});
      outputOf(command).answer(answer, segmentTable(answer.segments));
    });
  group
    .command("show")
    .description("show one with all its versions")
    .argument("<name>", "name of the segment")
    .addHelpText("after", example("entente segment show spring"))
    .action(async (name: string, _options: object, command: Command) => {
      const answer = await (await clientOf(command)).call("segment", { name });
      outputOf(command).answer(answer, [segmentTable([answer]), ...answer.versions.map(versionFields)].join("\n\n"));
    });
  group
    .command("count")
    .description("count how many people are in it now: reads the dataset")
    .argument("<name>", "name of the segment")
    .option("--of-version <n>", "instead of the newest")
    .addHelpText("after", example("entente segment count spring"))
    .action(async (name: string, { ofVersion }: { readonly ofVersion?: string }, command: Command) => {
      const request = { name, ...(ofVersion === undefined ? {} : { version: ofVersion }) };
      const answer = await (await clientOf(command)).call("countSegment", request);
      const shown = { segment: `${name}@${answer.version}`, dataset: answer.dataset, people: answer.people };
      outputOf(command).answer(answer, fields(shown));
    });
  group
    .command("publish")
    .description("let peers see its name, version and description, and ask for it as agreements allow")
    .argument("<name>", "name of the segment")
    .requiredOption("--description <text>", "what peers read of it; its definition stays here")
    .requiredOption("--to <party>", "a peer that it is for; again for each further peer, and no other sees it", collect)
    .requiredOption("--of-version <n>", "that was looked at, with 'segment show'", parseVersion)
    .addHelpText(
      "after",
      example("entente segment publish adults --to bank --of-version 1 --description 'Subscribers of 18 and older'"),
    )
    .action(async (name: string, flags: PublishFlags, command: Command) => {
      const { description, to, ofVersion } = flags;
      const request = { name, description, to: to as PartyId[], version: ofVersion };
      const answer = await (await clientOf(command)).call("publishSegment", request);
      outputOf(command).answer(answer, segmentTable([answer]));
    });
  for (const [verb, route, description] of [
    ["unpublish", "unpublishSegment", "refuse it to peers from now on; jobs that were admitted go on"],
    ["retire", "retireSegment", "refuse it to everybody from now on; what was derived from it stays"],
  ] as const)
    group
      .command(verb)
      .description(description)
      .argument("<name>", "name of the segment")
      .addHelpText("after", example(`entente segment ${verb} spring`))
      .action(async (name: string, _options: object, command: Command) => {
        const answer = await (await clientOf(command)).call(route, { name });
        outputOf(command).answer(answer, segmentTable([answer]));
      });
  return group;
}

interface PublishFlags {
  readonly description: string;
  readonly to: readonly string[];
  readonly ofVersion: number;
}

function parseVersion(text: string): number {
  if (!/^[1-9]\d{0,6}$/.test(text)) throw new InvalidArgumentError("A version is a whole number from 1.");
  return Number(text);
}
