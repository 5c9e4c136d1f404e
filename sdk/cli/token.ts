/** `entente token`: who may use the node, and whom it denied. */
import { type FileHandle, open, rm } from "node:fs/promises";
import { resolve } from "node:path";
import { Command, Option } from "commander";
import { EntenteError } from "../../proto/errors.ts";
import { ROLES, type Role } from "../../proto/http/route.ts";
import type { RouteResponse } from "../../proto/http/routes.ts";
import { clientOf, example, outputOf, parseDays } from "./context.ts";
import { fields, table } from "./output.ts";

interface CreateFlags {
  readonly person: string;
  readonly role: readonly Role[];
  readonly expiresDays?: number;
  readonly out?: string;
}

type Token = RouteResponse<"revokeToken">;

function describe(token: Token): string {
  return fields({
    id: token.tokenId,
    person: token.person,
    roles: token.roles.join(", "),
    state: token.state,
    expires: token.expiresAt,
    revoked: token.revokedAt ?? undefined,
  });
}

/**
 * Makes the file for its owner's eyes only, before there is a token to lose. Throws ALREADY_EXISTS, also for a link, so
 * that the token goes into no file that somebody else has laid out.
 */
async function makeSecretFile(path: string): Promise<FileHandle> {
  try {
    return await open(path, "wx", 0o600);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "EEXIST") throw new EntenteError("ALREADY_EXISTS", { detail: path });
    throw new EntenteError("STORAGE_FAILED", { detail: `cannot write ${path}`, cause });
  }
}

/** Runs `work`, which gives the text of the file, and leaves no file when it fails. */
async function intoFile<T extends { readonly token: string }>(path: string, work: () => Promise<T>): Promise<T> {
  const file = await makeSecretFile(path);
  try {
    const made = await work();
    await file.writeFile(`${made.token}\n`);
    await file.sync();
    return made;
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  } finally {
    await file.close();
  }
}

async function create({ person, role, expiresDays, out }: CreateFlags, command: Command): Promise<void> {
  const client = await clientOf(command);
  const expiry = expiresDays === undefined ? {} : { expiresInDays: expiresDays };
  const ask = () => client.call("createToken", { person, roles: [...role], ...expiry });
  const output = outputOf(command);
  if (out === undefined) {
    const made = await ask();
    output.answer(made, made.token);
    output.note(`Token ${made.tokenId} of ${made.person}, until ${made.expiresAt}. It is not shown again.`);
    return;
  }
  const path = resolve(out);
  const { token: _, ...made } = await intoFile(path, ask);
  output.answer({ ...made, file: path }, `${describe(made)}\n${fields({ file: path })}`);
}

export function tokenCommand(): Command {
  const group = new Command("token").description("who may use the node, and whom it denied");
  group
    .command("create")
    .description("make a token for a person; it is shown once")
    .requiredOption("--person <name>", "who will hold it")
    .addOption(
      new Option("--role <role...>", "what it is good for; may be repeated").choices(ROLES).makeOptionMandatory(),
    )
    .option("--expires-days <n>", "days until it expires, at most 366 (default: 90)", parseDays)
    .option("--out <file>", "new file to write it to, instead of showing it")
    .addHelpText("after", example('entente token create --person "Wang Li" --role analyst --out wang-li.token'))
    .action((flags: CreateFlags, command: Command) => create(flags, command));
  group
    .command("list")
    .description("list tokens with their holders and roles")
    .addHelpText("after", example("entente token list"))
    .action(async (_options: object, command: Command) => {
      const answer = await (await clientOf(command)).call("tokens", {});
      const rows = answer.tokens.map((token) => [
        token.tokenId,
        token.state,
        token.person,
        token.roles.join(", "),
        token.expiresAt.slice(0, 10),
        token.lastUsedOn ?? "never",
      ]);
      outputOf(command).answer(
        answer,
        table(["id", "state", "person", "roles", "expires", "last used"], rows, "None."),
      );
    });
  group
    .command("revoke")
    .description("end a token, at once and for good")
    .argument("<id>", "its id; see 'list'")
    .addHelpText("after", example("entente token revoke 1f00a2b3c4d5e6f7"))
    .action(async (tokenId: string, _options: object, command: Command) => {
      const token = await (await clientOf(command)).call("revokeToken", { tokenId });
      outputOf(command).answer(token, describe(token));
    });
  group
    .command("denials")
    .description("list requests that the node denied, by the minute")
    .addHelpText("after", example("entente token denials"))
    .action(async (_options: object, command: Command) => {
      const answer = await (await clientOf(command)).call("denials", {});
      const rows = answer.denials.map(({ at, count, code, route, person, tokenId }) => [
        at.slice(0, 16).replace("T", " "),
        String(count),
        code,
        ...[route, person, tokenId].map((value) => value ?? "-"),
      ]);
      const head = ["minute (UTC)", "times", "code", "asked for", "person", "token"];
      outputOf(command).answer(answer, table(head, rows, "None."));
    });
  return group;
}
