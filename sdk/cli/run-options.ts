/** The options that every command has that starts a job. */
import { type Command, InvalidArgumentError } from "commander";
import { EntenteError } from "../../proto/errors.ts";
import type { Language } from "../../proto/language.ts";
import { clientOf, languageOption, parseDays, readJsonFile } from "./context.ts";

export interface RunFlags {
  readonly agreement: string;
  readonly dataset: string;
  readonly peerDataset: string;
  readonly purpose?: string;
  readonly segment?: Named;
  readonly peerSegment?: Named;
  readonly dryRun?: boolean;
  readonly language: Language;
}

export function withRunOptions(command: Command): Command {
  return command
    .requiredOption("--agreement <digest>", "agreement that allows it")
    .requiredOption("--dataset <name>", "own dataset")
    .requiredOption("--peer-dataset <name>", "the peer's dataset")
    .option("--purpose <id>", "one of the agreement's purposes (default: its first)")
    .option(
      "--segment <name>",
      "who of the own dataset takes part; NAME@VERSION for another than the newest",
      parseNamed,
    )
    .option("--peer-segment <name>", "who of the peer's does, of the segments that it publishes", parseNamed)
    .option("--dry-run", "say whether it would be allowed, what it costs and what each side would learn; run nothing")
    .addOption(languageOption());
}

interface Named {
  readonly name: string;
  readonly version?: number;
}

function parseNamed(text: string): Named {
  const [, name, version] = /^([^@]+)(?:@([1-9]\d{0,6}))?$/.exec(text) ?? [];
  if (name === undefined) throw new InvalidArgumentError("A segment is NAME or NAME@VERSION.");
  return version === undefined ? { name } : { name, version: Number(version) };
}

/** Those of them that go into a request. A peer's segment without a version is the one that the peer publishes now; throws
 * SEGMENT_UNPUBLISHED when there is none. */
export async function runFields(flags: RunFlags, command: Command) {
  const { agreement, dataset, peerDataset, purpose, segment, peerSegment } = flags;
  return {
    ...{ agreement, dataset, peerDataset },
    ...(purpose === undefined ? {} : { purpose }),
    ...(segment === undefined ? {} : { segment }),
    ...(peerSegment === undefined ? {} : { peerSegment: await pinPeerSegment(flags, peerSegment, command) }),
  };
}

async function pinPeerSegment(
  { agreement: digest, peerDataset }: RunFlags,
  { name, version }: Named,
  command: Command,
): Promise<Required<Named>> {
  if (version !== undefined) return { name, version };
  const client = await clientOf(command);
  const { party: own } = await client.call("node", {});
  const { parties } = await client.call("agreement", { digest });
  const party = parties.find((other) => other !== own) ?? "";
  const { datasets } = await client.call("peerDatasets", { party });
  const published = datasets.find((item) => item.name === peerDataset)?.segments.find((item) => item.name === name);
  if (published === undefined) throw new EntenteError("SEGMENT_UNPUBLISHED", { detail: name });
  return { name, version: published.version };
}

/** Of a command whose job names people and issues tags. */
export interface TagFlags {
  readonly expiresDays?: number;
  readonly rule?: readonly string[];
  readonly rules?: string;
  readonly label?: readonly string[];
}

export function withTagOptions(command: Command): Command {
  const collect = (text: string, before: readonly string[] = []) => [...before, text];
  return command
    .option("--rule <text>", "tag rule, as 'tier = A and balance > 50000 -> risk:review'; may be given again", collect)
    .option("--rules <file>", "more rules: a JSON list of texts, or of rules in JSON")
    .option(
      "--label <column>",
      "column of the peer's that the agreement gives away as a label: comes with the matched people, and rules can name it; may be given again",
      collect,
    )
    .option("--expires-days <n>", "days until the tags expire", parseDays);
}

/** Those of them that go into a request. `tag`: what to issue beside the rules' tags. Throws TAG_RULE_INVALID. */
export async function tagFields<T extends object>(flags: TagFlags, tag: T | undefined, command: Command) {
  const { expiresDays, rule = [], rules: file, label } = flags;
  const more = file === undefined ? [] : await readJsonFile(file, "TAG_RULE_INVALID");
  if (!Array.isArray(more)) throw new EntenteError("TAG_RULE_INVALID", { detail: `${file} is not a JSON list` });
  const rules: unknown[] = [...rule, ...more];
  if (tag === undefined && rules.length === 0) command.error("error: --tag, --rule or --rules must say what to issue");
  const expiry = expiresDays === undefined ? {} : { expiresInDays: expiresDays };
  const labels = label === undefined ? {} : { labels: [...label] };
  return { tag: { ...tag, ...expiry }, ...(rules.length === 0 ? {} : { rules }), ...labels };
}
