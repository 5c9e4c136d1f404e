/** `entente party`: makes and runs an organisation's node. */
import { resolve } from "node:path";
import { Command } from "commander";
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
      outputOf(command).answer(
        { dir: resolve(dir), ...made },
        fields({ folder: dir, party: made.party, fingerprint: made.fingerprint }),
      );
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
