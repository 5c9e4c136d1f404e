/** The `entente` command: runs a command line, and tells by its exit code how it ended. */
import { CommanderError } from "commander";
import { EntenteError, toEntenteError } from "../../proto/errors.ts";
import { EXIT } from "./exit-code.ts";
import { withDescendants } from "./help.ts";
import { Output } from "./output.ts";
import { ententeProgram } from "./program.ts";

/** A reader that has seen enough, as `head`, is no error. */
function onLostReader({ code }: NodeJS.ErrnoException): void {
  process.exit(code === "EPIPE" ? EXIT.done : EXIT.failed);
}

/** Runs a command line (without `node` and the script) and sets the process's exit code. */
export async function main(args: readonly string[]): Promise<void> {
  process.stdout.off("error", onLostReader).on("error", onLostReader);
  const isJson = args.includes("--json");
  const program = ententeProgram();
  // In JSON mode a usage error is told as a document, at the end.
  if (isJson) for (const command of withDescendants(program)) command.configureOutput({ writeErr: () => {} });
  try {
    await program.parseAsync(args, { from: "user" });
  } catch (thrown) {
    if (thrown instanceof CommanderError) usage(thrown, isJson);
    else {
      new Output(isJson).failure(publicError(thrown));
      process.exitCode = EXIT.failed;
    }
  }
}

function usage(error: CommanderError, isJson: boolean): void {
  // Help and version that were asked for.
  if (error.exitCode === EXIT.done) return;
  process.exitCode = EXIT.usage;
  if (!isJson) return;
  const what = error.code === "commander.help" ? "no command given" : error.message.replace(/^error: /, "");
  new Output(isJson).failure(new EntenteError("BAD_REQUEST", { detail: what }).toPublic());
}

function publicError(thrown: unknown): ReturnType<EntenteError["toPublic"]> {
  const error = toEntenteError(thrown);
  if (error.code !== "INTERNAL" || error.detail !== undefined || !(error.cause instanceof Error))
    return error.toPublic();
  // Here it is this command that failed, and the person who ran it may see why.
  return { ...error.toPublic(), detail: error.cause.message };
}
