/** The party node as a process: `initParty` makes a folder, `startParty` serves. What is exported here is all that other
 * code may use of it. */
import { join, resolve } from "node:path";
import { type DestinationStream, type Logger, pino } from "pino";
import { fingerprint } from "../proto/agreement/identity.ts";
import { fromUtf8, utf8 } from "../proto/encoding/bytes.ts";
import { mergePatch } from "../proto/encoding/merge-patch.ts";
import { EntenteError } from "../proto/errors.ts";
import type { Finding } from "../proto/http/doctor-routes.ts";
import { ROLES } from "../proto/http/route.ts";
import { partyId } from "../proto/ids.ts";
import { beginSealed, rekeyFolder, sealingState, unlock, unlockAsIs } from "../proto/keys/sealed-folder.ts";
import { startOps } from "../proto/ops/listener.ts";
import { nodePorts } from "../proto/ports/node.ts";
import type { Ports } from "../proto/ports/ports.ts";
import { openAccess } from "./access/access.ts";
import { Tokens } from "./access/tokens.ts";
import { handlers } from "./api/handlers.ts";
import { HttpLimits } from "./api/http-limits.ts";
import { startApi } from "./api/server.ts";
import {
  changeConfig,
  checkConfig,
  hasConfig,
  type NodeConfig,
  readConfig,
  type WrittenConfig,
  writeConfig,
} from "./config.ts";
import { examineFolder } from "./doctor/doctor.ts";
import { realMachine } from "./doctor/machine.ts";
import { feedSecretFiles } from "./feeds/feeds.ts";
import { joinByFile } from "./joining.ts";
import { refusedWhenFull } from "./limits/new-work.ts";
import { Node } from "./node.ts";
import { watchNode } from "./ops/watch.ts";
import { Direct } from "./session/direct.ts";
import { RECOVERY_KEY_FILE } from "./store/key-files.ts";
import { Keyring } from "./store/keyring.ts";
import { openStore, openStoreBeside } from "./store/open.ts";
import { type SealedNode, sealNode } from "./store/seal-secrets.ts";
import { traceOf } from "./trace.ts";
import { PRODUCT_VERSION } from "./version.ts";

export {
  backUpParty,
  checkPartyStore,
  copyPartyStore,
  migratePartyStore,
  restoreParty,
} from "./store-commands.ts";

const DEFAULT_API_PORT = 7430;
/** The first token, for the command line on the same machine. */
const TOKEN_FILE = "token";
const FIRST_TOKEN = { person: "setup", roles: ROLES, expiresInDays: 90 } as const;
/** Where the running node listens, for the command line on the same machine. */
const API_FILE = "api.json";

export interface InitPartyOptions {
  readonly folder: string;
  readonly party: string;
  readonly apiPort?: number;
  /** What `node.json` is to say beside: a JSON merge patch. */
  readonly settings?: unknown;
  readonly ports?: Ports;
}

export interface InitialisedParty {
  readonly party: string;
  readonly fingerprint: string;
  /** For the operator to move offline: the only thing that can replace the identity when it is lost. */
  readonly recoveryKeyFile: string;
}

/**
 * Makes the folder with configuration, keys and a first bearer token, which may do everything for 90 days. Throws
 * ALREADY_EXISTS, BAD_REQUEST.
 */
export async function initParty(options: InitPartyOptions): Promise<InitialisedParty> {
  const { ports = nodePorts } = options;
  const folder = resolve(options.folder);
  const party = partyId(options.party);
  if (await hasConfig(ports.files, folder)) throw new EntenteError("ALREADY_EXISTS", { detail: "node.json" });
  const api = { host: "127.0.0.1", port: options.apiPort ?? DEFAULT_API_PORT };
  const config = mergePatch({ format: "entente-node/1", party, api, logLevel: "info" }, options.settings ?? {});
  const checked = checkConfig(config);
  // What was broken off is gone on with, under the key of the folder that it had.
  if (ports.key !== undefined && (await sealingState(ports.files, folder)) === "plain")
    await beginSealed(ports, folder, ports.key);
  const keyring = await Keyring.open(await unlock(ports, folder), folder, party);
  await writeToken(ports, folder, checked);
  // Last: a folder with this file is complete.
  await writeConfig(ports.files, folder, config as WrittenConfig);
  return {
    party,
    fingerprint: fingerprint(keyring.identity.publicKey),
    recoveryKeyFile: join(folder, RECOVERY_KEY_FILE),
  };
}

export interface ConfigurePartyOptions {
  readonly folder: string;
  readonly party: string;
  /** A JSON merge patch (RFC 7396) of `node.json`. */
  readonly settings: unknown;
  readonly ports?: Ports;
}

/**
 * Makes the folder unless it holds this node, and has `node.json` say what the settings do: for a node that is started from a
 * description, as a container. Resolves to what was made, if it was. Throws BAD_REQUEST, also when another node is in the folder.
 */
export async function configureParty(options: ConfigurePartyOptions): Promise<InitialisedParty | undefined> {
  const { party, settings, ports = nodePorts } = options;
  const folder = resolve(options.folder);
  if (!(await hasConfig(ports.files, folder))) return initParty({ folder, party, settings, ports });
  await changeConfig(ports.files, folder, mergePatch(settings, { party }));
  return undefined;
}

export interface RecoverIdentityOptions {
  readonly folder: string;
  readonly recoveryKeyFile: string;
  readonly ports?: Ports;
}

/**
 * Makes a new identity in the place of a lost one; it is in force here when the node starts. The node must not be running.
 * Throws NOT_FOUND, NOT_ENROLLED, BAD_REQUEST when the file is not this node's recovery key.
 */
export async function recoverIdentity(
  options: RecoverIdentityOptions,
): Promise<{ party: string; fingerprint: string }> {
  const { ports = nodePorts } = options;
  const folder = resolve(options.folder);
  const { party } = await readConfig(ports.files, folder);
  const unlocked = await unlock(ports, folder);
  const bytes = await ports.files.read(resolve(options.recoveryKeyFile));
  if (bytes === undefined) throw new EntenteError("NOT_FOUND", { detail: "the recovery key's file" });
  return { party, fingerprint: fingerprint(await Keyring.recover(unlocked, folder, party, fromUtf8(bytes))) };
}

/**
 * Makes a new first token and revokes earlier ones: for when it has expired or got lost and no operator's token is left.
 * Whoever can write the node's folder may do so; the node may be running. Throws NOT_FOUND.
 */
export async function renewToken(options: { readonly folder: string; readonly ports?: Ports }): Promise<void> {
  const { ports = nodePorts } = options;
  const folder = resolve(options.folder);
  await writeToken(ports, folder, await readConfig(ports.files, folder));
}

async function writeToken(ports: Ports, folder: string, config: NodeConfig): Promise<void> {
  const store = await openStoreBeside(ports, folder, config);
  try {
    const tokens = new Tokens({ store, random: ports.random, nowMs: () => ports.clock.nowMs() });
    const earlier = (await tokens.list()).filter(({ createdBy }) => createdBy === null);
    const { token } = await tokens.create(FIRST_TOKEN, null);
    await ports.files.writeDurable(join(folder, TOKEN_FILE), utf8(`${token}\n`));
    // Last, so that a crash in between leaves one that works.
    for (const { tokenId } of earlier) await tokens.revoke(tokenId);
  } finally {
    await store.close();
  }
}

/** What `node.json` says, with its defaults; secrets in it print as `[secret]`. Throws NOT_FOUND, BAD_REQUEST. */
export function readNodeConfig(options: { readonly folder: string; readonly ports?: Ports }): Promise<NodeConfig> {
  return readConfig((options.ports ?? nodePorts).files, resolve(options.folder));
}

export interface KeyOptions {
  readonly folder: string;
  /** Absolute; default: what ENTENTE_KEY_FILE or ENTENTE_KEY says. */
  readonly keyFile?: string;
  readonly ports?: Ports;
}

/** Encrypts the secrets of a folder whose node is not running; may be run again. Throws KEY_REQUIRED when no key is given, STORE_IN_USE, and
 * as `sealNode`. */
export async function sealParty({ keyFile, ports = nodePorts, ...options }: KeyOptions): Promise<SealedNode> {
  const folder = resolve(options.folder);
  const { party, store } = await readConfig(ports.files, folder);
  const source = keyFile === undefined ? ports.key : ({ kind: "file", path: keyFile } as const);
  if (source === undefined) throw new EntenteError("KEY_REQUIRED");
  const place = { folder, config: store, ports: await unlockAsIs(ports, folder, source) };
  // A node that runs would write plain keys beside.
  const opened = await openStore(place, { owner: party, isServing: true });
  try {
    return await sealNode(ports, folder, { source, feedSecrets: await feedSecretFiles(opened) });
  } finally {
    await opened.close();
  }
}

/** Another key in the place of the present one. Throws as `rekeyFolder`. */
export async function rekeyParty(options: KeyOptions & { readonly newKeyFile: string }): Promise<void> {
  const { keyFile, newKeyFile, ports = nodePorts } = options;
  const folder = resolve(options.folder);
  await readConfig(ports.files, folder);
  const key = keyFile === undefined ? ports.key : ({ kind: "file", path: keyFile } as const);
  await rekeyFolder({ ...ports, key }, folder, { kind: "file", path: newKeyFile });
}

/** Looks at the folder of a node that does not answer: runtime, disk, configuration, store, certificate, coordinator. */
export async function examineParty(options: { readonly folder: string; readonly ports?: Ports }): Promise<Finding[]> {
  return examineFolder(resolve(options.folder), options.ports ?? nodePorts, realMachine);
}

export interface StartPartyOptions {
  readonly folder: string;
  readonly ports?: Ports;
  /** Where log lines go; standard error by default. */
  readonly logTo?: DestinationStream;
  /** Where an invite is or will be, with which the node enrols by itself. */
  readonly inviteFile?: string;
}

export interface RunningParty {
  readonly party: string;
  /** Of its identity: what a peer compares. */
  readonly fingerprint: string;
  readonly apiUrl: string;
  /** Health, readiness and metrics. */
  readonly opsUrl: string;
  /** Takes no new work, finishes or parks what runs within `stopSeconds` of the configuration, and closes. */
  stop(): Promise<void>;
  /** At once. */
  close(): Promise<void>;
}

/** Throws NOT_FOUND when the folder holds no node, and what the store and the keys throw. */
export async function startParty(options: StartPartyOptions): Promise<RunningParty> {
  const { ports = nodePorts, inviteFile } = options;
  const folder = resolve(options.folder);
  const config = await readConfig(ports.files, folder);
  const logger: Logger = pino(
    { name: config.party, level: config.logLevel, serializers: { err: traceOf } },
    options.logTo ?? pino.destination({ dest: 2, sync: true }),
  );
  const { party, store, databases, dataFolders, limits } = config;
  const { random, timers } = ports;
  const direct = config.direct && (await Direct.open({ timers, ...config.direct }));
  const { clientSecretFile } = config.signIn ?? {};
  const secretFiles = clientSecretFile === undefined ? [] : [resolve(folder, clientSecretFile)];
  const opened = { ports, folder, party, logger, limits, store, databases, dataFolders, secretFiles, direct };
  const node = await Node.open(opened).catch(async (error: unknown) => {
    await direct?.close();
    throw error;
  });
  const access = openAccess({
    ...{ store: node.store, random, timers, nowMs: () => node.clock.nowMs(), logger },
    signIn: config.signIn && {
      ...{ config: config.signIn, files: node.ports.files, folder, limits: node.limits },
      monotonicMs: () => ports.clock.monotonicMs(),
    },
  });
  const httpLimits = new HttpLimits(node.limits, ports.clock);
  node.limitUses.add(() => ({ ...httpLimits.used(), ...access.signIn?.used() }));
  const watched = watchNode(node, realMachine);
  const running: { close(): Promise<void> }[] = [...(direct ? [direct] : []), node, access.denials];
  const close = async () => {
    await ports.files.remove(join(folder, API_FILE));
    // What was opened last first.
    while (running.length > 0) await running.pop()?.close();
    logger.info("stopped");
  };
  try {
    const api = await startApi({
      handlers: refusedWhenFull(handlers(node, access, logger, PRODUCT_VERSION), node.disk),
      access,
      ...config.api,
      logger,
      random,
      timers,
      limits: httpLimits,
      onAnswered: watched.answered,
    });
    running.push(api);
    const ops = await startOps(ports.files, folder, config.ops, watched);
    running.push(ops);
    const urls = { url: api.url, opsUrl: ops.url };
    await ports.files.writeDurable(join(folder, API_FILE), utf8(JSON.stringify(urls)));
    const fingerprintShown = fingerprint(node.keyring.identity.publicKey);
    logger.info({ ...urls, fingerprint: fingerprintShown }, "listening");
    if (inviteFile !== undefined)
      running.push(joinByFile(resolve(inviteFile), { node, files: ports.files, timers, random, logger }));
    const stop = async () => {
      logger.info({ seconds: config.stopSeconds }, "stopping");
      const deadlineMs = config.stopSeconds * 1_000;
      await Promise.all([api.stop(deadlineMs), node.park(deadlineMs)]);
      await close();
    };
    return { party, fingerprint: fingerprintShown, apiUrl: api.url, opsUrl: ops.url, stop, close };
  } catch (error) {
    await close();
    throw error;
  }
}
