/** `entente party`: makes and runs an organisation's node. */
import { resolve } from "node:path";
import { Command } from "commander";
import type { Finding } from "../../proto/http/doctor-routes.ts";
import { consoleAt, example, outputOf, parseSettings, runUntilStopped } from "./context.ts";
import { fields } from "./output.ts";
import { sealCommands } from "./seal.ts";

interface StartFlags {
  readonly dir: string;
  readonly party?: string;
  readonly settings?: unknown;
  readonly inviteFile?: string;
}

interface BackupFlags {
  readonly dir: string;
  readonly out: string;
}

interface RestoreFlags {
  readonly from: string;
  readonly dir: string;
}

export function partyCommand(): Command {
  const group = new Command("party").description(
    "run a party's node, which 'entente init' makes; back it up and put it back",
  );
  group
    .command("renew-token")
    .description("make a new first token in a node's folder; ends the one before")
    .requiredOption("--dir <folder>", "the node's folder")
    .addHelpText("after", example("entente party renew-token --dir bank"))
    .action(async ({ dir }: { readonly dir: string }, command: Command) => {
      const { renewToken } = await import("../../party/main.ts");
      await renewToken({ folder: resolve(dir) });
      const file = resolve(dir, "token");
      outputOf(command).answer({ file }, fields({ file }));
    });
  group
    .command("start")
    .description("run the node until interrupted; with --party, make its folder at the first start")
    .requiredOption("--dir <folder>", "the node's folder")
    .option("--party <name>", "name of the party: its folder is made when it holds no node")
    .option("--settings <json>", "with --party: what node.json is to say, as a JSON merge patch", parseSettings)
    .option("--invite-file <file>", "file with an invite, or where one will be: the node enrols by itself")
    .addHelpText(
      "after",
      example(
        "entente party start --dir bank",
        `entente party start --dir /data --party bureau --invite-file /run/secrets/invite --settings '{"dataFolders": ["/files"]}'`,
      ),
    )
    .action(async ({ dir, party, settings = {}, inviteFile }: StartFlags, command: Command) => {
      const { configureParty, startParty } = await import("../../party/main.ts");
      await runUntilStopped(async () => {
        const folder = resolve(dir);
        if (party !== undefined) await configureParty({ folder, party, settings });
        const node = await startParty({ folder, ...(inviteFile === undefined ? {} : { inviteFile }) });
        const { party: name, fingerprint, apiUrl, opsUrl, stop } = node;
        outputOf(command).answer(
          { party: name, fingerprint, apiUrl, opsUrl, consoleUrl: consoleAt(apiUrl) },
          fields({ party: name, fingerprint, console: consoleAt(apiUrl), API: apiUrl, "health and metrics": opsUrl }),
        );
        return stop;
      });
    });
  group
    .command("config")
    .description("show what node.json says, with its defaults; secrets are left out")
    .requiredOption("--dir <folder>", "the node's folder")
    .addHelpText("after", example("entente party config --dir bank"))
    .action(async ({ dir }: { readonly dir: string }, command: Command) => {
      const { readNodeConfig } = await import("../../party/main.ts");
      const config = await readNodeConfig({ folder: resolve(dir) });
      outputOf(command).answer(config, JSON.stringify(config, null, 2));
    });
  group
    .command("backup")
    .description("copy a node to a new folder: store and evidence as of one moment, keys, models, results")
    .requiredOption("--dir <folder>", "the node's folder; it may be running")
    .requiredOption("--out <folder>", "folder to make; keep it as you keep the node's keys, which are in it")
    .addHelpText("after", example("entente party backup --dir bank --out /backup/bank-2026-05-01"))
    .action(async ({ dir, out }: BackupFlags, command: Command) => {
      const { backUpParty } = await import("../../party/main.ts");
      const made = await backUpParty({ folder: resolve(dir), to: resolve(out) });
      const output = outputOf(command);
      output.answer(
        { folder: resolve(out), ...made },
        fields({ folder: out, party: made.party, "as of": made.madeAt, files: made.files, rows: made.rows }),
      );
      output.note("Not in it: datasets, what jobs that run have spilled, and recovery.key.");
    });
  group
    .command("restore")
    .description("put a node back from a backup, into a folder that holds nothing")
    .requiredOption("--from <folder>", "the backup")
    .requiredOption("--dir <folder>", "folder to make")
    .addHelpText("after", example("entente party restore --from /backup/bank-2026-05-01 --dir bank"))
    .action(async ({ from, dir }: RestoreFlags, command: Command) => {
      const { restoreParty } = await import("../../party/main.ts");
      const { party, files } = await restoreParty({ folder: resolve(dir), from: resolve(from) });
      const output = outputOf(command);
      output.answer({ folder: resolve(dir), party, files }, fields({ folder: dir, party, files }));
      output.note(
        "Start it, and only it: the node that it was must never run again. It writes no evidence until every peer has said up to where it knows this node's log; 'entente evidence list' shows it.",
      );
    });
  return group;
}

/** For commands that work on a folder of either kind. */
export const partyMain = () => import("../../party/main.ts");

/** For `entente doctor` where the node does not answer. */
export async function examineStopped(folder: string): Promise<Finding[]> {
  const { examineParty } = await import("../../party/main.ts");
  return examineParty({ folder });
}

interface RecoverFlags {
  readonly dir: string;
  readonly recoveryKey: string;
}

/** `entente keys recover`: here, because it works on a folder and not through a node. */
export function recoverCommand(): Command {
  return new Command("recover")
    .description("make a new identity in the place of a lost one, in the folder of a node that is not running")
    .requiredOption("--dir <folder>", "the node's folder")
    .requiredOption("--recovery-key <file>", "the recovery key that was moved offline")
    .addHelpText("after", example("entente keys recover --dir bank --recovery-key /media/safe/recovery.key"))
    .action(async ({ dir, recoveryKey }: RecoverFlags, command: Command) => {
      const { recoverIdentity } = await import("../../party/main.ts");
      const made = await recoverIdentity({ folder: resolve(dir), recoveryKeyFile: resolve(recoveryKey) });
      const output = outputOf(command);
      output.answer(made, fields({ party: made.party, "new fingerprint": made.fingerprint }));
      output.note(
        "Start the node, then read the new fingerprint out to each peer. They follow when they have confirmed it and seven days have passed.",
      );
    });
}

/** `entente keys seal` and `rekey`. */
export function keySealCommands(): Command[] {
  return sealCommands({
    ...{ whose: "node", command: "keys", dir: "bank" },
    seal: async (place) => {
      const { movedUrls, outside } = await (await import("../../party/main.ts")).sealParty(place);
      const notes = [
        ...movedUrls.map((name) => `The URL of database ${name} is now in the folder's secrets/, not in node.json.`),
        ...outside.map((path) => `Not in this folder, so left as it is: ${path}`),
        "Without the key nothing opens this folder: keep a copy of the key away from it.",
      ];
      return { answer: { movedUrls, outside }, notes };
    },
    rekey: async (place) => (await import("../../party/main.ts")).rekeyParty(place),
  });
}
