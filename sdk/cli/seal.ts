/** `seal` and `rekey`, of a party's folder or a coordinator's: they work on a folder and not through a process. */
import { resolve } from "node:path";
import { Command } from "commander";
import { example, outputOf } from "./context.ts";
import { fields } from "./output.ts";

interface Flags {
  readonly dir: string;
  readonly keyFile?: string;
  readonly newKeyFile: string;
}

interface Place {
  readonly folder: string;
  readonly keyFile?: string;
}

export interface Sealed {
  /** What the answer has beside the folder. */
  readonly answer: object;
  readonly notes: readonly string[];
}

export interface Sealing {
  readonly whose: "node" | "coordinator";
  /** As in `entente keys seal --dir bank`. */
  readonly command: string;
  readonly dir: string;
  seal(place: Place): Promise<Sealed>;
  rekey(place: Place & { readonly newKeyFile: string }): Promise<void>;
}

export function sealCommands({ whose, command: of, dir: exampleDir, seal, rekey }: Sealing): Command[] {
  const common = (name: string, description: string) =>
    new Command(name)
      .description(description)
      .requiredOption("--dir <folder>", `the ${whose}'s folder`)
      .option("--key-file <file>", "the present key (default: ENTENTE_KEY_FILE, or ENTENTE_KEY)");
  const placeOf = ({ dir, keyFile }: Flags): Place => ({
    folder: resolve(dir),
    ...(keyFile && { keyFile: resolve(keyFile) }),
  });
  const sealing = common("seal", `encrypt the secrets of a folder under a key; the ${whose} must not be running`)
    .addHelpText("after", example(`entente ${of} seal --dir ${exampleDir} --key-file /run/secrets/entente-key`))
    .action(async (flags: Flags, command: Command) => {
      const place = placeOf(flags);
      const { answer, notes } = await seal(place);
      const output = outputOf(command);
      output.answer({ folder: place.folder, ...answer }, fields({ folder: flags.dir, sealed: "yes" }));
      for (const note of notes) output.note(note);
    });
  const rekeying = common("rekey", "put another key in the place of the present one")
    .requiredOption("--new-key-file <file>", "the new key")
    .addHelpText("after", example(`entente ${of} rekey --dir ${exampleDir} --key-file old.key --new-key-file new.key`))
    .action(async (flags: Flags, command: Command) => {
      const place = placeOf(flags);
      await rekey({ ...place, newKeyFile: resolve(flags.newKeyFile) });
      outputOf(command).answer({ folder: place.folder, rekeyed: true }, fields({ folder: flags.dir, rekeyed: "yes" }));
    });
  return [sealing, rekeying];
}
