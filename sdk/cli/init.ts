/** `entente init`: a party's node in a folder, from a few answers, or from none. */
import { existsSync } from "node:fs";
import { stat } from "node:fs/promises";
import { join, relative, resolve } from "node:path";
import { Command } from "commander";
import { partyName } from "../../proto/agreement/fields.ts";
import { parseInvite } from "../../proto/codec/invite.ts";
import { utf8 } from "../../proto/encoding/bytes.ts";
import { EntenteError } from "../../proto/errors.ts";
import { nodePorts } from "../../proto/ports/node.ts";
import { canAsk, Prompt } from "./ask.ts";
import { consoleAt, example, outputOf, parsePort } from "./context.ts";
import { freePort } from "./free-port.ts";
import { fields } from "./output.ts";
import { partyMain } from "./party.ts";

const USUAL_PORT = 7430;
const INVITE_FILE = "invite";

interface InitFlags {
  readonly party?: string;
  readonly dir?: string;
  readonly apiPort?: number;
  readonly dataFolder?: readonly string[];
  readonly invite?: string;
}

interface Answers {
  readonly party: string;
  readonly dir: string;
  readonly apiPort: number;
  /** Absolute; none: from anywhere. */
  readonly dataFolders: readonly string[];
  readonly invite?: string;
}

function requireName(text: string): string {
  if (!partyName.safeParse(text).success)
    throw new EntenteError("BAD_REQUEST", {
      detail: "A name is 2 to 32 small letters, digits and '-', a letter first.",
    });
  return text;
}

function requireNew(text: string): string {
  if (existsSync(join(text, "node.json"))) throw new EntenteError("ALREADY_EXISTS", { detail: `${text} holds a node` });
  return text;
}

async function requireFolders(text: string): Promise<string[]> {
  const folders = text
    .split(",")
    .map((path) => path.trim())
    .filter((path) => path !== "");
  for (const path of folders)
    if (!(await stat(path).catch(() => undefined))?.isDirectory())
      throw new EntenteError("NOT_FOUND", { detail: `There is no folder ${path}.` });
  return folders.map((path) => resolve(path));
}

/** The name that an invite is for; undefined without one. Throws INVITE_INVALID. */
function invitedName(code: string | undefined): string | undefined {
  return code === undefined ? undefined : parseInvite(code).party;
}

/** What no flag says is as usual: nothing is asked. */
async function fromFlags(flags: InitFlags, party: string): Promise<Answers> {
  const { dir = party, invite } = flags;
  return {
    party: requireName(party),
    dir: requireNew(dir),
    apiPort: flags.apiPort ?? (await freePort(USUAL_PORT)),
    dataFolders: await requireFolders((flags.dataFolder ?? []).join(",")),
    ...(invite !== undefined && { invite }),
  };
}

/** Asks for what no flag says. Throws CANCELLED. */
export async function fromPerson(flags: InitFlags, prompt: Prompt): Promise<Answers> {
  const given = async <T>(value: T | undefined, ask: () => Promise<T>): Promise<T> => value ?? (await ask());
  const invite = await given(flags.invite, () =>
    prompt.ask({
      text: "Invite code, if you were sent one:",
      usual: "",
      check: (code) => {
        if (code !== "") parseInvite(code);
        return code;
      },
    }),
  );
  const code = invite === "" ? undefined : invite;
  const party = await given(invitedName(code), () =>
    prompt.ask({ text: "Your organisation's name, as others will see it, such as 'telecom':", check: requireName }),
  );
  const dir = await given(flags.dir, () =>
    prompt.ask({ text: "Folder for the node:", usual: party, check: requireNew }),
  );
  const apiPort = await given(flags.apiPort, async () =>
    prompt.ask({
      text: "Port of its console and API on this machine:",
      usual: String(await freePort(USUAL_PORT)),
      check: parsePort,
    }),
  );
  const dataFolders = await given(flags.dataFolder && [...flags.dataFolder], () =>
    prompt.ask({
      text: "Folders that data may be read from, with commas (empty: any):",
      usual: "",
      check: requireFolders,
    }),
  );
  return {
    ...{ party, dir: requireNew(dir), apiPort },
    dataFolders: await requireFolders(dataFolders.join(",")),
    ...(code !== undefined && { invite: code }),
  };
}

async function askAll(flags: InitFlags): Promise<Answers> {
  const prompt = new Prompt();
  try {
    return await fromPerson(flags, prompt);
  } finally {
    prompt.close();
  }
}

async function init(flags: InitFlags, command: Command): Promise<void> {
  const output = outputOf(command);
  const named = flags.party ?? invitedName(flags.invite);
  if (named === undefined && (output.isJson || !canAsk()))
    command.error("error: required option '--party <name>' not specified (no terminal to ask on)");
  const answers = named === undefined ? await askAll(flags) : await fromFlags(flags, named);
  const { party, dir, apiPort, dataFolders, invite } = answers;
  if (invite !== undefined && invitedName(invite) !== party)
    throw new EntenteError("INVITE_INVALID", { detail: "it is for another party's name" });
  const folder = resolve(dir);
  const settings = dataFolders.length === 0 ? {} : { dataFolders };
  const made = await (await partyMain()).initParty({ folder, party, apiPort, settings });
  const inviteFile = join(folder, INVITE_FILE);
  if (invite !== undefined) await nodePorts.files.writeDurable(inviteFile, utf8(`${invite}\n`));
  const shown = relative(".", folder) || ".";
  const next =
    invite === undefined
      ? [`entente party start --dir ${shown}`, `entente enroll CODE --node ${shown}      # when you have an invite`]
      : [`entente party start --dir ${shown} --invite-file ${join(shown, INVITE_FILE)}`];
  const consoleUrl = apiPort === 0 ? undefined : consoleAt(`http://127.0.0.1:${apiPort}`);
  output.answer(
    { dir: folder, ...made, apiPort, next },
    `${fields({
      folder: shown,
      party: made.party,
      fingerprint: made.fingerprint,
      "recovery key": made.recoveryKeyFile,
      console: consoleUrl,
      "token for it": join(shown, "token"),
    })}\n\nNext:\n${next.map((line) => `  ${line}`).join("\n")}`,
  );
  output.note(
    "Move the recovery key offline now and delete it here. It alone can replace the identity of this node when that is lost; the node never reads it.",
  );
}

export function initCommand(): Command {
  return new Command("init")
    .description("make the folder of a party's node: asks a few questions, or none with --party or --invite")
    .option("--party <name>", "name of the party; what else no option says is as usual then")
    .option("--invite <code>", "the code that you were sent: it has the name, and the node enrols by itself")
    .option("--dir <folder>", "folder to make (default: as the party is named)")
    .option(
      "--api-port <port>",
      `port of its console and API (default: the first free one from ${USUAL_PORT})`,
      parsePort,
    )
    .option("--data-folder <folder...>", "the only folders that data files are read from; may be repeated")
    .addHelpText("after", example("entente init", "entente init --party bank --data-folder /data/customers"))
    .action((flags: InitFlags, command: Command) => init(flags, command));
}
