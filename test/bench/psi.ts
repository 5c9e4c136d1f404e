/**
 * psi-vole between two processes over a loopback socket: `node test/bench/psi.ts [--n 1048576] [--profile P] [--peer]`. Prints
 * a JSON line per role, for each profile. The ids are packed bytes of 11 to 20 characters, half of them on both sides; making them is not counted,
 * hashing them is. `--peer` also runs @openmined/psi.js on 1,000 ids, where it is installed, and prints the ratio.
 */
import { parseArgs } from "node:util";
import { runParty } from "../support/psi-bench-party.ts";
import { runBoth } from "../support/two-processes.ts";

interface Line {
  readonly role: string;
  readonly n: number;
  readonly cpuS: number;
}

/** What is used of @openmined/psi.js 2. */
interface PeerLibrary {
  readonly server: { createWithNewKey(reveal: boolean): PeerServer };
  readonly client: { createWithNewKey(reveal: boolean): PeerClient };
  readonly dataStructure: { readonly GCS: unknown };
}
interface PeerServer {
  createSetupMessage(falsePositives: number, clients: number, ids: readonly string[], structure: unknown): unknown;
  processRequest(request: unknown): unknown;
}
interface PeerClient {
  createRequest(ids: readonly string[]): unknown;
  getIntersection(setup: unknown, response: unknown): readonly number[];
}

const PEER = "@openmined/psi.js";
const PEER_IDS = 1000;

async function runPeer(): Promise<Record<string, unknown>> {
  let load: () => Promise<PeerLibrary>;
  try {
    load = (await import(PEER)).default as typeof load;
  } catch {
    return { peer: PEER, installed: false };
  }
  const library = await load();
  const id = (i: number) => `${i}`.padStart(11, "0") + "jihgfedcba".slice(10 - (i % 10));
  const ids = (from: number) => Array.from({ length: PEER_IDS }, (_, i) => id(from + i));
  const started = process.cpuUsage();
  const server = library.server.createWithNewKey(true);
  const client = library.client.createWithNewKey(true);
  const setup = server.createSetupMessage(1e-9, PEER_IDS, ids(PEER_IDS / 2), library.dataStructure.GCS);
  const response = server.processRequest(client.createRequest(ids(0)));
  const matched = client.getIntersection(setup, response).length;
  const { user, system } = process.cpuUsage(started);
  if (matched !== PEER_IDS / 2) throw new Error(`${PEER}: ${matched} matches`);
  return { peer: PEER, installed: true, n: PEER_IDS, cpuS: (user + system) / 1e6 };
}

const { values } = parseArgs({
  options: {
    n: { type: "string", default: `${2 ** 20}` },
    peer: { type: "boolean", default: false },
    role: { type: "string" },
    profile: { type: "string" },
    port: { type: "string", default: "0" },
  },
  allowPositionals: true,
});
const n = Number(values.n);
if (!Number.isSafeInteger(n) || n < 1) throw new Error("--n takes a number of ids");
if (values.role === "sender" || values.role === "receiver") {
  const profile = values.profile === "planes" ? "planes" : "field";
  await runParty({ role: values.role, n, profile, port: Number(values.port) });
  process.disconnect?.();
} else {
  const lines: Line[] = [];
  for (const profile of values.profile === undefined ? ["field", "planes"] : [values.profile]) {
    const both = await runBoth<Line>(import.meta.url, ["sender", "receiver"], ["--n", `${n}`, "--profile", profile]);
    both.sort((a, b) => a.role.localeCompare(b.role));
    for (const line of both) console.log(JSON.stringify(line));
    lines.push(...both);
  }
  if (values.peer) {
    const peer = await runPeer();
    // Of both parties, in the first profile.
    const perItem = lines.slice(0, 2).reduce((sum, { cpuS }) => sum + cpuS, 0) / n;
    const ratio = peer.installed === true ? (peer.cpuS as number) / PEER_IDS / perItem : undefined;
    console.log(JSON.stringify({ ...peer, ...(ratio === undefined ? {} : { cpuPerItemRatio: Math.round(ratio) }) }));
  }
}
