/** `entente party`: makes and runs an organisation's node. */
import { resolve } from "node:path";
import { Command } from "commander";
import type { Finding } from "../../proto/http/doctor-routes.ts";
import { example, outputOf, parsePort, untilStopped } from "./context.ts";
import { fields } from "./output.ts";

interface InitFlags {
  readonly dir: string;
  readonly party: string;
  readonly apiPort?: number;
}

export function partyCommand(): Command {
  const group = new Command("party").description("make and run a party's node");
  group
    .command("init")
    .description("make a node's folder: identity, keys, and the token for its API")
    .requiredOption("--dir <folder>", "folder to make")
    .requiredOption("--party <name>", "name of the party")
    .option("--api-port <port>", "port of its HTTP API on this machine", parsePort)
    .addHelpText("after", example("entente party init --dir bank --party bank"))
    .action(async ({ dir, party, apiPort }: InitFlags, command: Command) => {
      const { initParty } = await import("../../party/main.ts");
      const made = await initParty({ folder: resolve(dir), party, ...(apiPort === undefined ? {} : { apiPort }) });
      const output = outputOf(command);
      output.answer(
        { dir: resolve(dir), ...made },
        fields({ folder: dir, party: made.party, fingerprint: made.fingerprint, "recovery key": made.recoveryKeyFile }),
      );
      output.note(
        "Move the recovery key offline now and delete it here. It alone can replace the identity of this node when that is lost; the node never reads it.",
      );
    });
  group
    .command("token")
    .description("make a new first token in a node's folder; ends the one before")
    .requiredOption("--dir <folder>", "the node's folder")
    .addHelpText("after", example("entente party token --dir bank"))
    .action(async ({ dir }: { readonly dir: string }, command: Command) => {
      const { renewToken } = await import("../../party/main.ts");
      await renewToken({ folder: resolve(dir) });
      const file = resolve(dir, "token");
      outputOf(command).answer({ file }, fields({ file }));
    });
  group
    .command("start")
    .description("run the node until interrupted")
    .requiredOption("--dir <folder>", "the node's folder")
    .addHelpText("after", example("entente party start --dir bank"))
    .action(async ({ dir }: { readonly dir: string }, command: Command) => {
      const { startParty } = await import("../../party/main.ts");
      const { apiUrl, close } = await startParty({ folder: resolve(dir) });
      outputOf(command).answer({ apiUrl }, fields({ API: apiUrl }));
      await untilStopped();
      await close();
    });
  return group;
}

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
