/** `entente store`: the database in which a node or a coordinator keeps its state. */
import { access } from "node:fs/promises";
import { join, resolve } from "node:path";
import { Command } from "commander";
import type { StoreFinding } from "../../proto/database/check.ts";
import { EntenteError } from "../../proto/errors.ts";
import { FINDING_STATES } from "../../proto/http/doctor-routes.ts";
import { example, outputOf } from "./context.ts";
import { coordinatorMain } from "./coordinator.ts";
import { describeFindings } from "./doctor.ts";
import { EXIT } from "./exit-code.ts";
import { fields } from "./output.ts";
import { partyMain } from "./party.ts";

interface FolderFlags {
  readonly dir: string;
}

interface CopyFlags extends FolderFlags {
  readonly urlFile: string;
  readonly schema: string;
}

const EXIT_OF = { ok: EXIT.done, fail: EXIT.failed, warn: EXIT.incomplete } as const;

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** Whose folder it is. Throws NOT_FOUND. */
async function kindOf(folder: string): Promise<"party" | "coordinator"> {
  if (await isThere(join(folder, "node.json"))) return "party";
  if (await isThere(join(folder, "coordinator.json"))) return "coordinator";
  throw new EntenteError("NOT_FOUND", { detail: "neither node.json nor coordinator.json in that folder" });
}

async function check(folder: string): Promise<StoreFinding[]> {
  if ((await kindOf(folder)) === "party") return (await partyMain()).checkPartyStore({ folder });
  return (await coordinatorMain()).checkCoordinatorStore({ folder });
}

async function migrate(folder: string): Promise<{ readonly from: number; readonly to: number }> {
  if ((await kindOf(folder)) === "party") return (await partyMain()).migratePartyStore({ folder });
  return (await coordinatorMain()).migrateCoordinatorStore({ folder });
}

export function storeCommand(): Command {
  const group = new Command("store").description("check and bring up to date a node's or a coordinator's database");
  group
    .command("check")
    .description("look whether the store is whole, of a known schema, and makes sense; changes nothing")
    .requiredOption("--dir <folder>", "of a node or a coordinator; it may be running")
    .addHelpText("after", example("entente store check --dir bank"))
    .addHelpText("after", "\nExit codes: 0 sound, 1 damaged or not of this program, 2 to be migrated.")
    .action(async ({ dir }: FolderFlags, command: Command) => {
      const findings = await check(resolve(dir));
      const order = FINDING_STATES.toReversed();
      const worst = order.find((state) => findings.some((finding) => finding.state === state)) ?? "ok";
      outputOf(command).answer({ worst, findings }, describeFindings(findings));
      process.exitCode = EXIT_OF[worst];
    });
  group
    .command("migrate")
    .description(
      "bring the schema up to date, as a start does; what it was before cannot be had again without a backup",
    )
    .requiredOption("--dir <folder>", "of a node or a coordinator that is not running")
    .addHelpText("after", example("entente store migrate --dir bank"))
    .action(async ({ dir }: FolderFlags, command: Command) => {
      const { from, to } = await migrate(resolve(dir));
      const was = from === 0 ? "none" : from === to ? `${from}, which is the present one` : String(from);
      outputOf(command).answer({ from, to }, fields({ "schema before": was, "schema now": to }));
    });
  group
    .command("copy")
    .description("copy a node's store from the file in its folder into an empty schema of a PostgreSQL database")
    .requiredOption("--dir <folder>", "of a node that is not running")
    .requiredOption("--url-file <file>", "file with the database's URL, from the node's folder on or absolute")
    .option("--schema <name>", "of the database; made if the user may make it", "entente")
    .addHelpText("after", example("entente store copy --dir bank --url-file secrets/store-url"))
    .action(async ({ dir, urlFile, schema }: CopyFlags, command: Command) => {
      const { copyPartyStore } = await partyMain();
      const rows = await copyPartyStore({ folder: resolve(dir), urlFile, schema });
      const output = outputOf(command);
      output.answer({ rows }, fields({ rows }));
      const store = JSON.stringify({ urlFile, schema });
      output.note(`Now put "store": ${store} into node.json, start the node, and move node.db away.`);
    });
  return group;
}
