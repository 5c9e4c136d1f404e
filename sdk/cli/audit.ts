/** `entente audit`: take the evidence out of a node, and verify, report and prove it offline. */
import { createReadStream } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { Command } from "commander";
import { parseFingerprint } from "../../proto/agreement/identity.ts";
import { utf8 } from "../../proto/encoding/bytes.ts";
import { EntenteError, toEntenteError } from "../../proto/errors.ts";
import { readBundle } from "../../proto/evidence/bundle.ts";
import { KEYSETS_PATH } from "../../proto/evidence/export.ts";
import { nodePorts } from "../../proto/ports/node.ts";
import { withBundles } from "../verify/bundles.ts";
import { reportHtml } from "../verify/html.ts";
import { proveJob, verifyProof } from "../verify/prove.ts";
import { reportOf } from "../verify/report.ts";
import { splitNotes } from "../verify/since.ts";
import { EXIT_CODE } from "../verify/verdict.ts";
import { type Examination, examineFolders, type VerifyOptions } from "../verify/verify.ts";
import { clientOf, example, outputOf } from "./context.ts";
import { fields } from "./output.ts";
import { requireAbsent, saveFile, saveFolder } from "./save.ts";
import { describeProof, describeReport } from "./verdict.ts";

interface ExportFlags {
  readonly collaboration: string;
  readonly out: string;
}

/** What the commands have that look at folders. */
interface VerifyFlags {
  readonly trust?: string;
  readonly since?: string;
  readonly requireOpenings?: boolean;
}

/** Ends the command as wrong usage when the file cannot be read. */
async function readNamed(option: string, path: string, command: Command): Promise<Uint8Array> {
  try {
    return new Uint8Array(await readFile(path));
  } catch {
    return command.error(`error: ${option}: ${path} cannot be read`);
  }
}

/** One fingerprint a line; from "#" on a line is a comment. Ends the command as wrong usage when it is anything else. */
async function readTrust(path: string, command: Command): Promise<string[]> {
  const text = new TextDecoder().decode(await readNamed("option '--trust'", path, command));
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

async function readSince(path: string, command: Command): Promise<Uint8Array[]> {
  const bytes = await readNamed("option '--since'", path, command);
  try {
    return splitNotes(bytes);
  } catch {
    return command.error(`error: option '--since': ${path} holds something else than checkpoints`);
  }
}

function withVerifyOptions(command: Command): Command {
  return command
    .argument(
      "<export...>",
      "folders or files that parties exported, or a folder that holds such folders and nothing else",
    )
    .option("--trust <file>", "identity fingerprints that you got elsewhere, one a line")
    .option("--since <file>", "checkpoints that you kept from earlier, one after another")
    .option("--require-openings", "call it incomplete when a commitment is not opened");
}

/** What lies at a path that is no folder, as a bundle. One that is none of the published form is an export without anything in it, which
 * the verifier says. */
async function bundleAt(path: string): Promise<ReadonlyMap<string, Uint8Array>> {
  try {
    return await readBundle(createReadStream(path));
  } catch (error) {
    if (toEntenteError(error).code !== "WIRE_INVALID") throw error;
    return new Map();
  }
}

/** Undefined when the folders could not be read: that is told, and is no sign of tampering. */
async function examine(
  dirs: readonly string[],
  flags: VerifyFlags,
  command: Command,
): Promise<Examination | undefined> {
  const bundles = new Map<string, ReadonlyMap<string, Uint8Array>>();
  for (const dir of dirs) {
    const found = await stat(dir).catch(() => undefined);
    if (found === undefined) command.error(`error: there is no ${dir}`);
    if (found?.isFile()) bundles.set(resolve(dir), await bundleAt(dir));
    else if (!found?.isDirectory()) command.error(`error: ${dir} is no folder and no file`);
  }
  const { trust, since, requireOpenings } = flags;
  const options: VerifyOptions = {
    files: withBundles(nodePorts.files, bundles),
    trust: trust === undefined ? undefined : await readTrust(trust, command),
    since: since === undefined ? undefined : await readSince(since, command),
    requireOpenings,
  };
  try {
    return await examineFolders(
      dirs.map((dir) => resolve(dir)),
      options,
    );
  } catch (error) {
    outputOf(command).failure(toEntenteError(error).toPublic());
    process.exitCode = EXIT_CODE.incomplete;
    return undefined;
  }
}

async function verify(dirs: readonly string[], flags: VerifyFlags, command: Command): Promise<void> {
  const examined = await examine(dirs, flags, command);
  if (examined === undefined) return;
  outputOf(command).answer(examined.report, describeReport(examined.report));
  process.exitCode = EXIT_CODE[examined.report.verdict];
}

async function report(
  dirs: readonly string[],
  { out, ...flags }: VerifyFlags & { readonly out: string },
  command: Command,
): Promise<void> {
  await requireAbsent(resolve(out));
  const examined = await examine(dirs, flags, command);
  if (examined === undefined) return;
  const made = reportOf(examined);
  await saveFolder(out, [
    { path: "report.html", bytes: utf8(reportHtml(made)) },
    { path: "report.json", bytes: utf8(`${JSON.stringify(made, null, 2)}\n`) },
  ]);
  const { verdict } = examined.report;
  outputOf(command).answer({ folder: resolve(out), verdict }, fields({ folder: out, verdict: made.headline }));
  process.exitCode = EXIT_CODE[verdict];
}

async function prove(
  dirs: readonly string[],
  { job, out, ...flags }: VerifyFlags & { readonly job: string; readonly out: string },
  command: Command,
): Promise<void> {
  await requireAbsent(resolve(out));
  const examined = await examine(dirs, flags, command);
  if (examined === undefined) return;
  const proofs = await proveJob(examined, job);
  if (proofs.length === 0) {
    const unknown = new EntenteError("NOT_FOUND", { detail: "no log in the folders knows that job" });
    outputOf(command).failure(unknown.toPublic());
    process.exitCode = EXIT_CODE.incomplete;
    return;
  }
  await saveFolder(out, [...proofs, { path: KEYSETS_PATH, bytes: examined.keyring.encode() }]);
  const { verdict } = examined.report;
  outputOf(command).answer(
    { folder: resolve(out), proofs: proofs.map(({ path }) => path), verdict },
    fields({ folder: out, proofs: proofs.length, verdict }),
  );
  process.exitCode = EXIT_CODE[verdict];
}

async function checkProof(
  file: string,
  { trust, keysets }: { readonly trust?: string; readonly keysets?: string },
  command: Command,
): Promise<void> {
  const bytes = await readNamed("proof", file, command);
  const keysetsPath = keysets ?? join(dirname(file), KEYSETS_PATH);
  const options = {
    keysets: await keysetsIn(await readNamed("keysets", keysetsPath, command)),
    trust: trust === undefined ? undefined : await readTrust(trust, command),
  };
  const told = verifyProof(bytes, options);
  outputOf(command).answer({ file: basename(file), ...told }, describeProof(told));
  process.exitCode = EXIT_CODE[told.verdict];
}

/** Of a `keysets.json`, or of an export in one file. */
async function keysetsIn(bytes: Uint8Array): Promise<Uint8Array> {
  const bundle = await readBundle([bytes]).catch(() => undefined);
  return bundle?.get(KEYSETS_PATH) ?? bytes;
}

const EXIT_CODES = "\nExit codes: 0 verified, 1 tampered, 2 incomplete, 64 wrong usage.";

export function auditCommand(): Command {
  const group = new Command("audit").description("evidence for an auditor: export it, verify and prove it offline");
  group
    .command("export")
    .description("write a collaboration's evidence to a new folder or file, for an auditor")
    .requiredOption("--collaboration <id>", "its id, as 'entente evidence list' shows it")
    .requiredOption("--out <path>", "folder to make; with .jsonl at its end: one file, which verify reads, too")
    .addHelpText("after", example("entente audit export --collaboration 9c1d... --out from-bank"))
    .action(async ({ collaboration, out }: ExportFlags, command: Command) => {
      await requireAbsent(resolve(out));
      const bundle = await (await clientOf(command)).download("auditBundle", { collaboration });
      if (out.endsWith(".jsonl")) {
        const bytes = await saveFile(out, bundle);
        outputOf(command).answer({ file: resolve(out), bytes }, fields({ file: out, bytes }));
        return;
      }
      const files = await readBundle(bundle);
      await saveFolder(
        out,
        [...files].map(([path, bytes]) => ({ path, bytes })),
      );
      outputOf(command).answer({ folder: resolve(out), files: files.size }, fields({ folder: out, files: files.size }));
    });
  withVerifyOptions(group.command("verify"))
    .description("verify exported folders together; needs no node and no network")
    .addHelpText("after", example("entente audit verify from-bank from-bureau --trust fingerprints.txt"))
    .addHelpText("after", EXIT_CODES)
    .action((dirs: string[], flags: VerifyFlags, command: Command) => verify(dirs, flags, command));
  withVerifyOptions(group.command("report"))
    .description("verify, and write what the folders say as a page and as JSON to a new folder")
    .requiredOption("--out <folder>", "folder to make, with report.html and report.json")
    .addHelpText("after", example("entente audit report from-bank from-bureau --out report"))
    .addHelpText("after", EXIT_CODES)
    .action((dirs: string[], flags: VerifyFlags & { out: string }, command: Command) => report(dirs, flags, command));
  withVerifyOptions(group.command("prove"))
    .description("verify, and write a proof file for every entry about one job to a new folder")
    .requiredOption("--job <id>", "id of the job")
    .requiredOption("--out <folder>", "folder to make, with the proofs and the keysets")
    .addHelpText("after", example("entente audit prove from-bank --job 5e1f... --out proofs"))
    .addHelpText("after", EXIT_CODES)
    .action((dirs: string[], flags: VerifyFlags & { job: string; out: string }, command: Command) =>
      prove(dirs, flags, command),
    );
  group
    .command("verify-proof")
    .description("verify a single-entry proof; needs no node and no network")
    .argument("<file>", "a .tlog-proof file")
    .option(
      "--keysets <file>",
      "keysets of the parties, or an export in one file (default: keysets.json beside the proof)",
    )
    .option("--trust <file>", "identity fingerprints that you got elsewhere, one a line")
    .addHelpText("after", example("entente audit verify-proof proofs/bank-0007-receipt.tlog-proof"))
    .addHelpText("after", EXIT_CODES)
    .action((file: string, flags: { trust?: string; keysets?: string }, command: Command) =>
      checkProof(file, flags, command),
    );
  return group;
}
