/** `entente feed`: where tags go by themselves, and what has gone. */
import { resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Command, InvalidArgumentError, Option } from "commander";
import { EntenteError, type ErrorCode } from "../../proto/errors.ts";
import type { RouteRequest, RouteResponse } from "../../proto/http/routes.ts";
import { clientOf, example, outputOf } from "./context.ts";
import { fields, table } from "./output.ts";

type Target = RouteRequest<"addFeed">["target"];
type Feed = RouteResponse<"addFeed">;
type Delivery = RouteResponse<"runFeed">;

interface AddFlags {
  readonly kind: Target["kind"];
  readonly folder?: string;
  readonly forSpreadsheet?: true;
  readonly database?: string;
  readonly table?: { readonly schema?: string; readonly table: string };
  readonly url?: string;
  readonly allowPlainHttp?: true;
  readonly secretFile?: string;
  readonly key?: string[];
  readonly every?: number;
}

const POLL_MS = 1_000;

function parseTable(text: string): { schema?: string; table: string } {
  const [, schema, table] = /^(?:([a-z_][a-z0-9_]*)\.)?([a-z_][a-z0-9_]*)$/.exec(text) ?? [];
  if (table === undefined) throw new InvalidArgumentError("A table is NAME or SCHEMA.NAME, in small letters.");
  return schema === undefined ? { table } : { schema, table };
}

function parseMinutes(text: string): number {
  if (!/^\d{1,5}$/.test(text)) throw new InvalidArgumentError("A whole number of minutes.");
  return Number(text);
}

function needed<T>(value: T | undefined, option: string, kind: string): T {
  if (value === undefined) throw new EntenteError("BAD_REQUEST", { detail: `a ${kind} feed needs ${option}` });
  return value;
}

function targetOf({
  kind,
  folder,
  forSpreadsheet,
  database,
  table: named,
  url,
  secretFile,
  ...flags
}: AddFlags): Target {
  switch (kind) {
    case "csv":
      return { kind, folder: resolve(needed(folder, "--folder", kind)), forSpreadsheet: forSpreadsheet === true };
    case "parquet":
      return { kind, folder: resolve(needed(folder, "--folder", kind)) };
    case "postgres":
      return { kind, database: needed(database, "--database", kind), ...named };
    case "webhook": {
      const secret = resolve(needed(secretFile, "--secret-file", kind));
      return {
        kind,
        url: needed(url, "--url-to", kind),
        allowPlainHttp: flags.allowPlainHttp === true,
        secretFile: secret,
      };
    }
  }
}

function placeOf({ target }: Feed["config"]): string {
  if (target.kind === "postgres") return `${target.database}: ${target.schema}.${target.table}`;
  return target.kind === "webhook" ? target.url : target.folder;
}

function described(delivery: Delivery): string {
  const { deliveryId, mode, state, written, ended, startedAt, endedAt, code } = delivery;
  const more = { ended: endedAt ?? undefined, code: code ?? undefined };
  return fields({ delivery: deliveryId, mode, state, written, "taken back": ended, started: startedAt, ...more });
}

function addCommand(): Command {
  const kinds = ["csv", "parquet", "postgres", "webhook"];
  return new Command("add")
    .description("name a place that tags go to; nothing is delivered yet")
    .argument("<name>")
    .addOption(new Option("--kind <kind>", "what it is").choices(kinds).makeOptionMandatory())
    .option("--folder <folder>", "csv, parquet: the folder on the node's machine")
    .option("--for-spreadsheet", "csv: an apostrophe before what a spreadsheet would run")
    .option("--database <name>", "postgres: one of the databases in node.json")
    .option("--table <table>", "postgres: the table, made where it is missing", parseTable)
    .option("--url-to <url>", "webhook: where events are sent, https://")
    .option("--allow-plain-http", "webhook: also http:// to another machine, which sends tags in clear")
    .option("--secret-file <file>", "webhook: a file on the node's machine with whsec_ and a key")
    .option("--key <key...>", "only tags of these keys")
    .option("--every <minutes>", "deliver what has changed, that often", parseMinutes)
    .addHelpText(
      "after",
      example(
        "entente feed add crm --kind postgres --database crm --table marketing.tags --key marketing:joint-audience",
      ),
    )
    .action(async (name: string, flags: AddFlags, command: Command) => {
      const { key, every } = flags;
      const more = { ...(key && { keys: key }), ...(every && { everyMinutes: every }) };
      const feed = await (await clientOf(command)).call("addFeed", { name, target: targetOf(flags), ...more });
      outputOf(command).answer(feed, fields({ feed: name, kind: flags.kind, to: placeOf(feed.config) }));
    });
}

export function feedCommand(): Command {
  const group = new Command("feed").description("where tags go: files, PostgreSQL, webhooks");
  group.addCommand(addCommand());
  group
    .command("list")
    .description("list feeds, and how each stands")
    .addHelpText("after", example("entente feed list"))
    .action(async (_options: object, command: Command) => {
      const answer = await (await clientOf(command)).call("feeds", {});
      const rows = answer.feeds.map(({ name, config, behind, last }) => [
        name,
        config.target.kind,
        placeOf(config),
        behind === 0 ? "up to date" : `${behind} changes behind`,
        last === null ? "never run" : `${last.state} ${last.startedAt} ${last.code ?? ""}`.trimEnd(),
      ]);
      outputOf(command).answer(answer, table(["feed", "kind", "to", "stands", "last"], rows, "No feeds yet."));
    });
  group
    .command("run")
    .description("deliver what has changed since the last time, or everything in force")
    .argument("<name>")
    .option("--full", "everything in force: the target is made to hold that and nothing else")
    .addHelpText("after", example("entente feed run crm --full"))
    .action(async (name: string, { full }: { full?: true }, command: Command) => {
      const client = await clientOf(command);
      let delivery = await client.call("runFeed", { name, mode: full ? "full" : "since-last" });
      while (delivery.state === "running") {
        await sleep(POLL_MS);
        const { deliveries } = await client.call("deliveries", { name });
        delivery = deliveries.find(({ deliveryId }) => deliveryId === delivery.deliveryId) ?? delivery;
      }
      // The catalogue's text says what to do.
      if (delivery.state === "failed")
        throw new EntenteError((delivery.code ?? "INTERNAL") as ErrorCode, { detail: name });
      outputOf(command).answer(delivery, described(delivery));
    });
  group
    .command("history")
    .description("list what has been delivered, newest first")
    .argument("<name>")
    .addHelpText("after", example("entente feed history crm"))
    .action(async (name: string, _options: object, command: Command) => {
      const answer = await (await clientOf(command)).call("deliveries", { name });
      const rows = answer.deliveries.map(({ startedAt, mode, state, written, ended, person, code }) =>
        [startedAt, mode, `${state} ${code ?? ""}`.trimEnd(), written, ended, person].map(String),
      );
      const head = ["started", "mode", "state", "written", "taken back", "by"];
      outputOf(command).answer(answer, table(head, rows, "Nothing has been delivered yet."));
    });
  group
    .command("remove")
    .description("forget a feed; what its target holds stays there")
    .argument("<name>")
    .addHelpText("after", example("entente feed remove crm"))
    .action(async (name: string, _options: object, command: Command) => {
      const answer = await (await clientOf(command)).call("removeFeed", { name });
      outputOf(command).answer(answer, fields({ removed: name }));
    });
  return group;
}
