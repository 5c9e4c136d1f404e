/** The party node as a process: `initParty` makes a folder, `startParty` serves. What is exported here is all that other
 * code may use of it. */
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { type DestinationStream, type Logger, pino } from "pino";
import { fingerprint } from "../proto/agreement/identity.ts";
import { fromUtf8, toHex, utf8 } from "../proto/encoding/bytes.ts";
import { partyId } from "../proto/ids.ts";
import { nodePorts } from "../proto/ports/node.ts";
import type { Ports } from "../proto/ports/ports.ts";
import { handlers } from "./api/handlers.ts";
import { startApi } from "./api/server.ts";
import { tokenCheck } from "./api/token.ts";
import { readConfig, writeConfig } from "./config.ts";
import { Node } from "./node.ts";
import { openKeyring } from "./store/keyring.ts";
import { traceOf } from "./trace.ts";

const DEFAULT_API_PORT = 7430;
const TOKEN_FILE = "token";
/** Where the running node listens, for the command line on the same machine. */
const API_FILE = "api.json";

export interface InitPartyOptions {
  readonly folder: string;
  readonly party: string;
  readonly apiPort?: number;
  readonly ports?: Ports;
}

/** Makes the folder with configuration, keys and a bearer token. Throws ALREADY_EXISTS, BAD_REQUEST. */
export async function initParty(options: InitPartyOptions): Promise<{ party: string; fingerprint: string }> {
  const { ports = nodePorts } = options;
  const folder = resolve(options.folder);
  const party = partyId(options.party);
  const api = { host: "127.0.0.1", port: options.apiPort ?? DEFAULT_API_PORT };
  await writeConfig(ports.files, folder, { format: "entente-node/1", party, api, logLevel: "info" });
  const keyring = await openKeyring(ports, folder, party);
  await ports.files.writeDurable(join(folder, TOKEN_FILE), utf8(toHex(ports.random.bytes(32))));
  return { party, fingerprint: fingerprint(keyring.identity.publicKey) };
}

export interface StartPartyOptions {
  readonly folder: string;
  readonly ports?: Ports;
  /** Where log lines go; standard error by default. */
  readonly logTo?: DestinationStream;
}

export interface RunningParty {
  readonly apiUrl: string;
  close(): Promise<void>;
}

/** Throws NOT_FOUND when the folder holds no node, and what the store and the keys throw. */
export async function startParty(options: StartPartyOptions): Promise<RunningParty> {
  const { ports = nodePorts } = options;
  const folder = resolve(options.folder);
  const config = await readConfig(ports.files, folder);
  const logger: Logger = pino(
    { name: config.party, level: config.logLevel, serializers: { err: traceOf } },
    options.logTo ?? pino.destination({ dest: 2, sync: true }),
  );
  const token = await ports.files.read(join(folder, TOKEN_FILE));
  const node = await Node.open({ ports, folder, party: config.party, logger });
  const api = await startApi({
    handlers: handlers(node, productVersion()),
    authorise: tokenCheck(fromUtf8(token ?? new Uint8Array(0)).trim()),
    ...config.api,
    logger,
    random: ports.random,
  });
  await ports.files.writeDurable(join(folder, API_FILE), utf8(JSON.stringify({ url: api.url })));
  logger.info({ url: api.url }, "listening");
  return {
    apiUrl: api.url,
    async close() {
      await ports.files.remove(join(folder, API_FILE));
      await api.close();
      await node.close();
    },
  };
}

function productVersion(): string {
  const path = new URL("../package.json", import.meta.url);
  return (JSON.parse(readFileSync(path, "utf8")) as { version: string }).version;
}
