/** What every command needs: the options that all of them take, the node to talk to, files that people name. */
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { type Command, InvalidArgumentError, Option } from "commander";
import stripJsonComments from "strip-json-comments";
import * as z from "zod";
import { EntenteError, type ErrorCode } from "../../proto/errors.ts";
import { LANGUAGES } from "../../proto/language.ts";
import { EntenteClient } from "../client.ts";
import { Output } from "./output.ts";

export interface GlobalOptions {
  readonly node?: string;
  readonly url?: string;
  readonly token?: string;
  readonly tokenFile?: string;
  readonly json?: boolean;
}

const apiFile = z.object({ url: z.string(), opsUrl: z.string().optional() });

export function outputOf(command: Command): Output {
  return new Output(command.optsWithGlobals<GlobalOptions>().json === true);
}

/** Undefined when the file cannot be read. */
async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch {
    return undefined;
  }
}

/**
 * A client of the node that the options name: `--url`, and `--token`, `--token-file` or ENTENTE_TOKEN in this order, or
 * else what the node wrote in its folder. Throws NODE_UNREACHABLE or TOKEN_MISSING when the folder has none.
 */
export async function clientOf(command: Command): Promise<EntenteClient> {
  const options = command.optsWithGlobals<GlobalOptions>();
  return new EntenteClient({ url: await urlOf(command), token: await tokenOf(options, folderOf(command)) });
}

/** Where the node that the options name serves its API. Throws NODE_UNREACHABLE when its folder does not say. */
async function urlOf(command: Command): Promise<string> {
  return command.optsWithGlobals<GlobalOptions>().url ?? (await readUrls(folderOf(command))).url;
}

/** Of the node that the options name. Throws as `clientOf`. */
export async function consoleUrlOf(command: Command): Promise<string> {
  return consoleAt(await urlOf(command));
}

/** The console that a node serves beside its API. */
export function consoleAt(apiUrl: string): string {
  return `${apiUrl.replace(/\/+$/, "")}/`;
}

/** Of the node that the options name, absolute; there may be none in it. */
export function folderOf(command: Command): string {
  return resolve(command.optsWithGlobals<GlobalOptions>().node ?? process.env.ENTENTE_NODE ?? ".");
}

async function tokenOf({ token, tokenFile }: GlobalOptions, folder: string): Promise<string> {
  const given = token ?? (tokenFile === undefined ? process.env.ENTENTE_TOKEN : undefined);
  if (given !== undefined && given !== "") return given;
  const path = tokenFile === undefined ? join(folder, "token") : resolve(tokenFile);
  const read = (await readText(path))?.trim();
  if (read === undefined || read === "") throw new EntenteError("TOKEN_MISSING", { detail: `no token in ${path}` });
  return read;
}

/** Where the node serves health and metrics. Throws NODE_UNREACHABLE when its folder does not say. */
export async function opsUrlOf(command: Command): Promise<string> {
  const folder = folderOf(command);
  const { opsUrl } = await readUrls(folder);
  if (opsUrl === undefined) throw new EntenteError("NODE_UNREACHABLE", { detail: `no 'opsUrl' in ${folder}/api.json` });
  return opsUrl;
}

async function readUrls(folder: string): Promise<z.infer<typeof apiFile>> {
  const text = await readText(join(folder, "api.json"));
  if (text === undefined) throw new EntenteError("NODE_UNREACHABLE", { detail: `no file 'api.json' in ${folder}` });
  try {
    return apiFile.parse(JSON.parse(text));
  } catch (cause) {
    throw new EntenteError("NODE_UNREACHABLE", { detail: `'api.json' in ${folder} is damaged`, cause });
  }
}

/** The same for a file in which lines may be comments, as `entente agreement template` writes them. */
export async function readCommentedJsonFile(path: string, code: ErrorCode): Promise<unknown> {
  return parseJson(stripJsonComments(await readNamedFile(path, code)), path, code);
}

/** A JSON file that a person named. Throws `code` when it cannot be read or is not JSON. */
export async function readJsonFile(path: string, code: ErrorCode): Promise<unknown> {
  return parseJson(await readNamedFile(path, code), path, code);
}

/** A text file that a person named. Throws `code` when it cannot be read. */
export async function readNamedFile(path: string, code: ErrorCode): Promise<string> {
  const text = await readText(path);
  if (text === undefined) throw new EntenteError(code, { detail: `${path} cannot be read` });
  return text;
}

function parseJson(text: string, path: string, code: ErrorCode): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new EntenteError(code, { detail: `${path} is not JSON`, cause });
  }
}

export function parsePort(text: string): number {
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port > 65_535) throw new InvalidArgumentError("A port is a number from 0 to 65535.");
  return port;
}

export function parseSettings(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new InvalidArgumentError("Settings are one JSON object.");
  }
}

export function parseDays(text: string): number {
  if (!/^[1-9]\d{0,3}$/.test(text)) throw new InvalidArgumentError("Days are a whole number from 1.");
  return Number(text);
}

/** npm and this command's own launcher pass Ctrl-C on to what has had it from the terminal already. */
const SAME_KEY_MS = 300;

/** Calls `onFirst` when the process is asked to stop, and `onAgain` when it is asked once more. */
export function onStopSignals(onFirst: () => void, onAgain: () => void): void {
  let first: { readonly signal: string; readonly atMs: number } | undefined;
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.on(signal, () => {
      const atMs = performance.now();
      if (first === undefined) {
        first = { signal, atMs };
        onFirst();
      } else if (first.signal !== signal || atMs - first.atMs > SAME_KEY_MS) onAgain();
    });
}

/** Starts something and lets it run until the process is asked to stop; what `start` resolves to then finishes what is at hand, and
 * the process ends with exit code 0. When it is asked again it ends at once: everything that counts is on the disk. */
export async function runUntilStopped(start: () => Promise<() => Promise<void>>): Promise<never> {
  const ask = Promise.withResolvers<void>();
  onStopSignals(ask.resolve, () => process.exit());
  const stop = await start();
  await ask.promise;
  await stop();
  // Not waited for: what the work that was left still reads or computes.
  process.exit();
}

/** In which people are told what a command answers; its JSON is the same in all. */
export function languageOption(): Option {
  return new Option("--language <language>", "of what is told").choices(LANGUAGES).default(LANGUAGES[0]);
}

/** Examples below a command's help, one a line; a line that ends with a backslash goes on in the next. */
export function example(...lines: readonly string[]): string {
  const isContinued = (i: number) => lines[i - 1]?.endsWith("\\") === true;
  return `\nExample:\n${lines.map((line, i) => `  ${isContinued(i) ? "" : "$ "}${line}`).join("\n")}`;
}
