/** `entente audit`: take the evidence out of a node, and verify it offline. */
import { readFile, stat } from "node:fs/promises";
import { resolve } from "node:path";
import { Command } from "commander";
import { parseFingerprint } from "../../proto/agreement/identity.ts";
import { fromBase64 } from "../../proto/encoding/bytes.ts";
import { toEntenteError } from "../../proto/errors.ts";
import { nodePorts } from "../../proto/ports/node.ts";
import { EXIT_CODE } from "../verify/verdict.ts";
import { verifyFolders } from "../verify/verify.ts";
import { clientOf, example, outputOf } from "./context.ts";
import { fields } from "./output.ts";
import { requireAbsent, saveFolder } from "./save.ts";
import { describeReport } from "./verdict.ts";

interface ExportFlags {
  readonly collaboration: string;
  readonly out: string;
}

/** One fingerprint a line; from "#" on a line is a comment. Ends the command as wrong usage when it is anything else. */
async function readTrust(path: string, command: Command): Promise<string[]> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch {
    return command.error(`error: option '--trust': ${path} cannot be read`);
  }
  const lines = text.split(/\r?\n/).map((line) => line.replace(/#.*/, "").trim());
  return lines.flatMap((line, i) => {
    if (line === "") return [];
    try {
      return [parseFingerprint(line)];
    } catch {
      return command.error(`error: option '--trust': line ${i + 1} of ${path} is no fingerprint of 32 hex digits`);
    }
  });
}

async function verify(dirs: readonly string[], trustFile: string | undefined, command: Command): Promise<void> {
  for (const dir of dirs) {
    const isFolder = await stat(dir).then(
      (found) => found.isDirectory(),
      () => false,
    );
    if (!isFolder) command.error(`error: ${dir} is no folder`);
  }
  const trust = trustFile === undefined ? undefined : await readTrust(trustFile, command);
  const output = outputOf(command);
  try {
    const report = await verifyFolders(
      dirs.map((dir) => resolve(dir)),
      { files: nodePorts.files, trust },
    );
    output.answer(report, describeReport(report));
    process.exitCode = EXIT_CODE[report.verdict];
  } catch (error) {
    // A disk that cannot be read is no sign of tampering.
    output.failure(toEntenteError(error).toPublic());
    process.exitCode = EXIT_CODE.incomplete;
  }
}

export function auditCommand(): Command {
  const group = new Command("audit").description("evidence");
  group
    .command("export")
    .description("write a collaboration's evidence to a new folder, for an auditor")
    .requiredOption("--collaboration <id>", "id of the collaboration")
    .requiredOption("--out <folder>", "folder to make")
    .addHelpText("after", example("entente audit export --collaboration 9c1d... --out from-bank"))
    .action(async ({ collaboration, out }: ExportFlags, command: Command) => {
      await requireAbsent(resolve(out));
      const { files } = await (await clientOf(command)).call("auditFiles", { collaboration });
      await saveFolder(
        out,
        files.map(({ path, base64 }) => ({ path, bytes: fromBase64(base64) })),
      );
      outputOf(command).answer(
        { folder: resolve(out), files: files.length },
        fields({ folder: out, files: files.length }),
      );
    });
  group
    .command("verify")
    .description("verify exported folders together; needs no node and no network")
    .argument("<dir...>", "folders that parties exported")
    .option("--trust <file>", "identity fingerprints that you got elsewhere, one a line")
    .addHelpText("after", example("entente audit verify from-bank from-bureau --trust fingerprints.txt"))
    .addHelpText("after", "\nExit codes: 0 verified, 1 tampered, 2 incomplete, 64 wrong usage.")
    .action((dirs: string[], { trust }: { readonly trust?: string }, command: Command) => verify(dirs, trust, command));
  return group;
}
