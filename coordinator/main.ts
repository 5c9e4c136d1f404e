/**
 * The coordinator as a process: makes its folder, its invites, and serves. What is exported here is all that other code
 * may use of it.
 *
 *     coordinator.json   configuration          ca/        certificate authority, key 0600
 *     coordinator.db     store (SQLite)         keys/      seeds of its keys, 0600
 *     log/<collaboration>/<year>/               evidence logs, C2SP tlog-tiles
 *     ran                since the first start
 */

import { join } from "node:path";
import { Server } from "@grpc/grpc-js";
import { type DestinationStream, destination, type Logger, pino } from "pino";
import { fingerprint } from "../proto/agreement/identity.ts";
import { type CreatedInvite, MAX_REQUEST_BYTES } from "../proto/codec/coordinator.ts";
import { formatEndpoint, parseEndpoint } from "../proto/codec/endpoint.ts";
import { MAX_RELAY_FRAME_BYTES } from "../proto/codec/relay-frame.ts";
import { urlFileOf } from "../proto/database/place.ts";
import { utf8 } from "../proto/encoding/bytes.ts";
import { mergePatch } from "../proto/encoding/merge-patch.ts";
import { EntenteError } from "../proto/errors.ts";
import type { LogFile } from "../proto/evidence/log.ts";
import { collaborationId, partyId } from "../proto/ids.ts";
import { beginSealed, rekeyFolder, sealFile, sealFolder, unlock, unlockAsIs } from "../proto/keys/sealed-folder.ts";
import { limitValues } from "../proto/limits/limit.ts";
import { type OpsListener, startOps } from "../proto/ops/listener.ts";
import { nodePorts } from "../proto/ports/node.ts";
import type { Ports } from "../proto/ports/ports.ts";
import { makeAuthority, openAuthority, readCaFingerprint } from "./authority.ts";
import { mayGoOn } from "./caller.ts";
import {
  type CoordinatorConfig,
  changeConfig,
  checkConfig,
  hasConfig,
  readConfig,
  type WrittenConfig,
  writeConfig,
} from "./config.ts";
import { type Door, openDoor } from "./door.ts";
import { issueInvite } from "./invites.ts";
import { makeKeys, readKeys } from "./keys.ts";
import { COORDINATOR_LIMITS, type Limits } from "./limits.ts";
import { exportCollaboration } from "./log/export.ts";
import { watchCoordinator } from "./ops.ts";
import { ServerTlsCredentials } from "./server-credentials.ts";
import { catchUp, type Endpoints, makeService, type Service, stoppingError } from "./service.ts";
import { addEnrolmentServices, addPartyServices } from "./services.ts";
import { openStore, openStoreBeside } from "./store/open.ts";

const DAY_MS = 86_400_000;
/** Every party needs a new invite then: that takes months. */
const CA_WARN_DAYS = 180;

export { checkCoordinatorStore, migrateCoordinatorStore } from "./store-commands.ts";

const DEFAULT_PORT = 7_420;
const DEFAULT_ENROL_PORT = 7_421;
const ENROLMENT_ENDPOINT = "enrolment-endpoint";
/** In the folder since the first start: with it, a store that knows of none is not this coordinator's. */
const RAN_FILE = "ran";
const DRAIN_LOOK_MS = 50;

export interface InitOptions {
  /** Absolute; made when it is not there. */
  readonly folder: string;
  /** Of the coordinator; default `coordinator`. */
  readonly name?: string;
  /** The address that parties dial; default 127.0.0.1. */
  readonly host?: string;
  /** 0: a free port at every start. */
  readonly port?: number;
  readonly enrolPort?: number;
  /** What `coordinator.json` is to say beside: a JSON merge patch. */
  readonly settings?: unknown;
  readonly ports?: Ports;
}

export interface MadeCoordinator {
  /** Of its certificate authority: what invites carry. */
  readonly caFingerprint: string;
  /** Of its identity, which signs its logs: what an auditor compares. */
  readonly fingerprint: string;
}

/** Makes a coordinator's folder: configuration, certificate authority, keys. Throws ALREADY_EXISTS, BAD_REQUEST. */
export async function initCoordinator(options: InitOptions): Promise<MadeCoordinator> {
  const { folder, host = "127.0.0.1", ports = nodePorts } = options;
  const first: WrittenConfig = {
    format: "entente-coordinator/1",
    name: partyId(options.name ?? "coordinator"),
    host,
    port: options.port ?? DEFAULT_PORT,
    enrolPort: options.enrolPort ?? DEFAULT_ENROL_PORT,
    limits: {},
    logLevel: "info",
  };
  const config = mergePatch(first, options.settings ?? {}) as WrittenConfig;
  const { name } = checkConfig(config);
  if (await hasConfig(ports.files, folder)) throw new EntenteError("ALREADY_EXISTS", { detail: "coordinator.json" });
  if (ports.key !== undefined) await beginSealed(ports, folder, ports.key);
  const unlocked = await unlock(ports, folder);
  await makeAuthority(unlocked, folder, name);
  await makeKeys(unlocked.files, ports.random, folder);
  // Last: a folder with this file is complete.
  await writeConfig(ports.files, folder, config);
  const { identity } = await readKeys(unlocked, folder, partyId(name));
  const { caFingerprint } = await openAuthority(unlocked, folder);
  return { caFingerprint, fingerprint: fingerprint(identity.publicKey) };
}

export interface ConfigureOptions {
  readonly folder: string;
  /** A JSON merge patch (RFC 7396) of `coordinator.json`. */
  readonly settings: unknown;
  readonly ports?: Ports;
}

/**
 * Makes the folder unless it holds a coordinator, and has `coordinator.json` say what the settings do: for one that is started from a
 * description, as a container. Resolves to what was made, if it was. Throws BAD_REQUEST.
 */
export async function configureCoordinator(options: ConfigureOptions): Promise<MadeCoordinator | undefined> {
  const { folder, settings, ports = nodePorts } = options;
  if (!(await hasConfig(ports.files, folder))) return initCoordinator({ folder, settings, ports });
  await changeConfig(ports.files, folder, settings);
  return undefined;
}

export interface InviteOptions {
  readonly folder: string;
  /** The name that the invited party will have. */
  readonly party: string;
  readonly validityMs?: number;
  readonly ports?: Ports;
}

/** The operator's invite; the coordinator may be running or not. Also renews an enrolled party's certificate, and admits
 * a revoked party again. Throws NOT_FOUND (no coordinator in the folder), BAD_REQUEST, PARTY_NAME_TAKEN. */
export async function createInvite(options: InviteOptions): Promise<CreatedInvite> {
  const { folder, ports = nodePorts } = options;
  const config = await readConfig(ports.files, folder);
  const party = partyId(options.party);
  if (party === config.name) throw new EntenteError("PARTY_NAME_TAKEN");
  const store = await openStoreBeside(ports, folder, config);
  try {
    const bound = await store.readSetting(ENROLMENT_ENDPOINT);
    if (bound === undefined && config.enrolPort === 0)
      throw new EntenteError("BAD_REQUEST", { detail: "enrolPort is 0: start the coordinator once before inviting" });
    const caFingerprint = await readCaFingerprint(ports.files, folder);
    const endpoint = bound === undefined ? { host: config.host, port: config.enrolPort } : parseEndpoint(bound);
    const validityMs = options.validityMs ?? limitValues(COORDINATOR_LIMITS, config.limits).inviteMs;
    return await issueInvite({ store, ...ports }, { party, endpoint, caFingerprint, validityMs });
  } finally {
    await store.close();
  }
}

/** Revokes a party's certificates; a running coordinator ends its streams within seconds. Throws PEER_UNKNOWN. */
export async function revokeParty(options: Omit<InviteOptions, "validityMs">): Promise<void> {
  const { folder, ports = nodePorts } = options;
  const config = await readConfig(ports.files, folder);
  const store = await openStoreBeside(ports, folder, config);
  try {
    if (!(await store.revokeParty(partyId(options.party), ports.clock.nowMs()))) throw new EntenteError("PEER_UNKNOWN");
  } finally {
    await store.close();
  }
}

/** What `coordinator.json` says, with its defaults; secrets in it print as `[secret]`. Throws NOT_FOUND, BAD_REQUEST. */
export function readCoordinatorConfig(options: {
  readonly folder: string;
  readonly ports?: Ports;
}): Promise<CoordinatorConfig> {
  return readConfig((options.ports ?? nodePorts).files, options.folder);
}

export interface KeyOptions {
  readonly folder: string;
  /** Absolute; default: what ENTENTE_KEY_FILE or ENTENTE_KEY says. */
  readonly keyFile?: string;
  readonly ports?: Ports;
}

/** Encrypts the secrets of a folder whose coordinator is not running; may be run again. Throws KEY_REQUIRED when no key is given,
 * and as `sealFolder`. */
export async function sealCoordinator({ folder, keyFile, ports = nodePorts }: KeyOptions): Promise<void> {
  const { name, store: config } = await readConfig(ports.files, folder);
  const source = keyFile === undefined ? ports.key : ({ kind: "file", path: keyFile } as const);
  if (source === undefined) throw new EntenteError("KEY_REQUIRED");
  // One that runs would write plain keys beside.
  const place = { folder, config, ports: await unlockAsIs(ports, folder, source) };
  const store = await openStore(place, { owner: name, isServing: true });
  try {
    await sealFolder(ports, folder, source);
    if (config !== undefined) await sealFile(ports, folder, source, urlFileOf(folder, config));
  } finally {
    await store.close();
  }
}

/** Another key in the place of the present one. Throws as `rekeyFolder`. */
export async function rekeyCoordinator(options: KeyOptions & { readonly newKeyFile: string }): Promise<void> {
  const { folder, keyFile, newKeyFile, ports = nodePorts } = options;
  await readConfig(ports.files, folder);
  const key = keyFile === undefined ? ports.key : ({ kind: "file", path: keyFile } as const);
  await rekeyFolder({ ...ports, key }, folder, { kind: "file", path: newKeyFile });
}

export interface AuditExportOptions {
  readonly folder: string;
  readonly collaboration: string;
  readonly ports?: Ports;
}

/** Files of the folder that an auditor gets of this coordinator, which may be running or not. Throws NOT_FOUND (no
 * coordinator in the folder, or no such collaboration), BAD_REQUEST, LOG_CORRUPT. */
export async function exportAudit(options: AuditExportOptions): Promise<readonly LogFile[]> {
  const { folder, ports = nodePorts } = options;
  const config = await readConfig(ports.files, folder);
  const name = partyId(config.name);
  const keys = await readKeys(await unlock(ports, folder), folder, name);
  const store = await openStoreBeside(ports, folder, config);
  try {
    const source = { files: ports.files, folder, name, keys, store };
    return await exportCollaboration(source, collaborationId(options.collaboration));
  } finally {
    await store.close();
  }
}

export interface StartOptions {
  readonly folder: string;
  /** These three override the configuration. */
  readonly host?: string;
  readonly port?: number;
  readonly enrolPort?: number;
  /** Where JSON log lines go; default stderr. */
  readonly log?: DestinationStream;
  readonly limits?: Partial<Limits>;
  readonly ports?: Ports;
}

export interface Coordinator {
  readonly endpoints: Endpoints;
  readonly caFingerprint: string;
  /** Health, readiness and metrics, if the configuration asks for them. */
  readonly opsUrl: string | undefined;
  /** Bytes relayed and sessions paired since the start, and bytes that wait for parties that read slowly. */
  counters(): { readonly bytes: number; readonly sessions: number; readonly unsentBytes: number };
  /** Days until the server's certificate, which is renewed, and the authority, which is not, end. */
  validity(): { readonly certificateDaysLeft: number; readonly authorityDaysLeft: number };
  /** Takes no new job or session, lets those at the relay end within `stopSeconds` of the configuration, and closes. */
  stop(): Promise<void>;
  /** Ends calls in progress and closes the store. */
  close(): Promise<void>;
}

/** Serves until `close`. Throws NOT_FOUND (no coordinator in the folder), STORE_LOST, STORAGE_FAILED, BAD_REQUEST (a port is taken). */
export async function startCoordinator(options: StartOptions): Promise<Coordinator> {
  const { folder } = options;
  const ports = await unlock(options.ports ?? nodePorts, folder);
  const config = await readConfig(ports.files, folder);
  const limits = limitValues(COORDINATOR_LIMITS, { ...config.limits, ...options.limits });
  const host = options.host ?? config.host;
  const name = partyId(config.name);
  const logger = makeLogger(config, options.log);
  const authority = await openAuthority(ports, folder);
  const keys = await readKeys(ports, folder, name);
  const place = { folder, config: config.store, ports };
  const store = await openStore(place, { owner: name, isServing: true });
  const ranFile = join(folder, RAN_FILE);
  const hasRun = (await ports.files.read(ranFile)) !== undefined;
  if (hasRun && (await store.readSetting(ENROLMENT_ENDPOINT)) === undefined) {
    await store.close();
    throw new EntenteError("STORE_LOST");
  }

  let endpoints: Endpoints | undefined;
  const service = makeService({ name, folder, ports, limits, logger, store, authority, keys }, () => endpoints);

  const main = makeServer(limits, MAX_RELAY_FRAME_BYTES);
  const enrolment = makeServer(limits, MAX_REQUEST_BYTES);
  addPartyServices(main, service);
  addEnrolmentServices(enrolment, service);
  const doors: Door[] = [];
  const tls = new ServerTlsCredentials({ ...service, hosts: [host] });
  let ops: OpsListener | undefined;
  const daysUntil = (ms: number) => (ms - ports.clock.nowMs()) / DAY_MS;
  const validity = () => ({
    certificateDaysLeft: daysUntil(tls.notAfterMs),
    authorityDaysLeft: daysUntil(authority.caNotAfterMs),
  });
  let isClosed = false;
  const close = async (): Promise<void> => {
    if (isClosed) return;
    isClosed = true;
    for (const door of doors) door.close();
    service.stopping.abort();
    await ops?.close();
    service.streams.endAll(stoppingError());
    await Promise.all([main, enrolment].map((server) => shutDown(server, limits.closeMs, ports)));
    await store.close();
    logger.info("stopped");
  };
  const stop = async (): Promise<void> => {
    logger.info({ seconds: config.stopSeconds }, "stopping");
    service.stopping.abort();
    await drained(service, config.stopSeconds * 1_000);
    await close();
  };
  try {
    const credentials = await tls.next();
    if (credentials === undefined) throw new EntenteError("INTERNAL");
    const common = {
      ...{ credentials, host: config.listen ?? host },
      ...{ handshakes: service.gates.handshakes, limits, timers: ports.timers },
    };
    const port = options.port ?? config.port;
    const enrolPort = options.enrolPort ?? config.enrolPort;
    const mainDoor = await openDoor({ ...common, server: main, port, visitors: "parties" });
    doors.push(mainDoor);
    const enrolDoor = await openDoor({ ...common, server: enrolment, port: enrolPort, visitors: "strangers" });
    doors.push(enrolDoor);
    endpoints = { main: { host, port: mainDoor.port }, enrolment: { host, port: enrolDoor.port } };
    await store.writeSetting(ENROLMENT_ENDPOINT, formatEndpoint(endpoints.enrolment));
    if (!hasRun) await ports.files.writeDurable(ranFile, utf8("This coordinator has been started here.\n"));
    await catchUp(service);
    if (config.ops !== undefined)
      ops = await startOps(ports.files, folder, config.ops, watchCoordinator({ service, folder, validity }));
  } catch (error) {
    await close();
    throw error;
  }
  sweepRevoked(service, { tls, doors, isClosed: () => isClosed });
  logger.info(
    { main: formatEndpoint(endpoints.main), enrolment: formatEndpoint(endpoints.enrolment), ops: ops?.url },
    "listening",
  );
  return {
    ...{ endpoints, caFingerprint: authority.caFingerprint, opsUrl: ops?.url, validity, stop, close },
    counters: () => service.relay.counters(),
  };
}

/** Lines hold names of parties, codes and counts. Whatever an object brings along, these members never pass. */
function makeLogger(config: CoordinatorConfig, stream: DestinationStream | undefined): Logger {
  const redact = ["secret", "*.secret", "inviteSecret", "*.inviteSecret", "privateKeyPem", "*.privateKeyPem"];
  return pino({ level: config.logLevel, base: { coordinator: config.name }, redact }, stream ?? destination(2));
}

function makeServer(limits: Limits, maxMessageBytes: number): Server {
  return new Server({
    "grpc.max_receive_message_length": maxMessageBytes,
    "grpc.max_concurrent_streams": limits.streamsPerConnection,
    "grpc.keepalive_time_ms": limits.keepaliveMs,
    "grpc.keepalive_timeout_ms": limits.keepaliveTimeoutMs,
    "grpc-node.flow_control_window": limits.flowControlBytes,
  });
}

/** Until no session runs at the relay, or so long. */
async function drained({ relay, ports: { clock, timers } }: Service, waitMs: number): Promise<void> {
  const untilMs = clock.monotonicMs() + waitMs;
  while (relay.open > 0 && clock.monotonicMs() < untilMs)
    await new Promise<void>((resolve) => timers.after(DRAIN_LOOK_MS, resolve));
}

async function shutDown(server: Server, waitMs: number, { timers }: Pick<Ports, "timers">): Promise<void> {
  await new Promise<void>((resolve) => {
    const cancel = timers.after(waitMs, () => {
      server.forceShutdown();
      resolve();
    });
    server.tryShutdown(() => {
      cancel();
      resolve();
    });
  });
}

interface Sweep {
  readonly tls: ServerTlsCredentials;
  readonly doors: readonly Door[];
  readonly isClosed: () => boolean;
}

/** Every few seconds: ends what revoked parties have open, tells TLS what was revoked, and renews the server's certificate. */
function sweepRevoked(service: Service, { tls, doors, isClosed }: Sweep): void {
  const { store, ports, limits, streams, logger } = service;
  const isGood = (fingerprint: string) => mayGoOn({ store, clock: ports.clock }, fingerprint);
  let warnedMs = Number.NEGATIVE_INFINITY;
  const sweep = async () => {
    await streams.sweep(isGood);
    const next = await tls.next();
    if (next !== undefined && !isClosed()) for (const door of doors) door.setCredentials(next);
    const nowMs = ports.clock.nowMs();
    const daysLeft = Math.floor((service.authority.caNotAfterMs - nowMs) / DAY_MS);
    if (daysLeft >= CA_WARN_DAYS || nowMs - warnedMs < DAY_MS) return;
    warnedMs = nowMs;
    logger.warn(
      { daysLeft },
      "the authority ends: no certificate is good after it; make a new one and invite all parties",
    );
  };
  const again = () => {
    if (isClosed()) return;
    sweep()
      .catch((err: unknown) => {
        if (!isClosed()) logger.error({ err }, "revocation sweep");
      })
      .then(() => ports.timers.after(limits.revocationSweepMs, again));
  };
  ports.timers.after(limits.revocationSweepMs, again);
}
