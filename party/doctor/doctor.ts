/** All examinations of a node: of one that runs, and of the folder of one that does not. */
import { toEntenteError } from "../../proto/errors.ts";
import type { Finding } from "../../proto/http/doctor-routes.ts";
import { unlock } from "../../proto/keys/sealed-folder.ts";
import type { Ports } from "../../proto/ports/ports.ts";
import { readConfig } from "../config.ts";
import { tableOf } from "../data/dataset.ts";
import { estimateJob } from "../data/estimate.ts";
import { readEnrolment } from "../enrolment.ts";
import { collaborationsOf } from "../evidence/witnessing.ts";
import type { Node } from "../node.ts";
import { inControlSession } from "../session/control.ts";
import { STORE_FILE } from "../store/open.ts";
import { examineCoordinator } from "./coordinator.ts";
import { type Examination, examineAll, failed, fine, type Place, warned } from "./finding.ts";
import { examineLimits } from "./limits.ts";
import { examineDisk, examineKeys, examineRuntime, examineStore, type Need } from "./local.ts";
import type { Machine } from "./machine.ts";
import { examinePeer } from "./peers.ts";
import { standingFound } from "./standing.ts";
import { type ClockStart, examineCertificates, examineClock, examineKeyset } from "./validity.ts";

/** An id of that many bytes, where none is known. */
const ID_BYTES = 16;

export interface Patient {
  readonly node: Node;
  readonly machine: Machine;
  readonly start: ClockStart;
}

/** Of a node that runs. Never rejects; changes nothing but for a file of some kilobytes that comes and goes. */
export async function examineNode({ node, machine, start }: Patient): Promise<Finding[]> {
  const { folder, wallClock, keyring, databases } = node;
  const need = await needOf(node).catch(() => undefined);
  const one: One = (place, run) => ({ place, run });
  const examinations = [
    one("runtime", () => examineRuntime(machine, need)),
    one("disk", () => examineDisk(machine, folder, need, node.limits.values.freeDiskMib * 1024 * 1024)),
    one("clock", async () => examineClock(wallClock, start, node.clock.nowMs())),
    one("keys", () => examineKeys(node.ports.files, folder)),
    one("store", () => examineNodesStore(node, machine)),
    ...(node.isEnrolled
      ? connectedExaminations(node, machine, one)
      : [one("coordinator", async () => [notEnrolled()])]),
    ...databases.names.map((name) => one({ check: "database", subject: name }, () => examineDatabase(node, name))),
    one("evidence", () => examineEvidence(node)),
    one("limits", () => examineLimits(node.limits, node.limitUses)),
  ];
  const keyset = keyring.verifiedKeysets.at(-1);
  if (keyset !== undefined) examinations.push(one("keyset", async () => [examineKeyset(keyset, wallClock.nowMs())]));
  return examineAll(examinations, node.ports.timers);
}

async function examineNodesStore(
  { isStoreEmbedded, store, folder }: Node,
  machine: Machine,
): Promise<readonly Finding[]> {
  if (isStoreEmbedded) return examineStore(machine, folder, STORE_FILE);
  await store.lastTagChange();
  return [fine("store", "store-answers", {})];
}

type One = (place: Place, run: Examination["run"]) => Examination;

function connectedExaminations(node: Node, machine: Machine, one: One): Examination[] {
  const { link, renewal } = node.connected;
  const { enrolled } = renewal;
  return [
    one("certificate", async () => examineCertificates(enrolled, node.wallClock.nowMs())),
    one("coordinator", () => examineCoordinator(machine, enrolled, link)),
    one("peer", () => examinePeers(node)),
  ];
}

async function examinePeers(node: Node): Promise<Finding[]> {
  const { peers, meetings } = node.connected;
  const confirmed = (await node.store.peers()).map(({ party }) => party);
  if (confirmed.length === 0) return [fine("peer", "peers-none", {})];
  const asked = confirmed.map((party) => {
    const ask = async () => inControlSession(meetings, await peers.require(party), (client) => client.software());
    return examinePeer({ party, ask }, node.software(), node.wallClock);
  });
  return (await Promise.all(asked)).flat();
}

async function examineDatabase({ databases }: Node, name: string): Promise<Finding[]> {
  const place: Place = { check: "database", subject: name };
  try {
    const client = await databases.connect(name);
    await client.query("SELECT 1").finally(() => client.end().catch(() => {}));
    return [fine(place, "database-answers", {})];
  } catch (thrown) {
    const { code: error, detail = "" } = toEntenteError(thrown);
    return [failed(place, "database-fails", { error, detail })];
  }
}

async function examineEvidence({ logbook, store, keyring }: Node): Promise<Finding[]> {
  const all = [...(await collaborationsOf(store, keyring.party))];
  const found: Finding[] = [];
  for (const [collaboration, peer] of all) {
    const standing = await logbook.standings.of(collaboration);
    if (standing.state !== "open") found.push(standingFound(standing, { collaboration, peer }));
  }
  return found.length > 0 ? found : [fine("evidence", "logs-open", { logs: all.length })];
}

function notEnrolled(): Finding {
  return warned("coordinator", "not-enrolled", {});
}

/** Of the largest dataset; undefined when there is none. */
async function needOf({ datasets }: Node): Promise<Need | undefined> {
  const needs = (await datasets.list()).flatMap(({ registration }) => {
    const { rows, accepted, columns } = registration;
    const { cells } = tableOf(registration);
    return estimateJob({ rows, accepted, columns: columns.length, cells, idBytes: accepted * ID_BYTES }) ?? [];
  });
  if (needs.length === 0) return undefined;
  return {
    memoryMB: Math.max(...needs.map(({ memoryMB }) => memoryMB)),
    diskMB: Math.max(...needs.map(({ diskMB }) => diskMB)),
  };
}

/** Of a folder whose node does not answer. Never rejects. */
export async function examineFolder(folder: string, ports: Ports, machine: Machine): Promise<Finding[]> {
  const { files, clock, timers } = ports;
  const one: One = (place, run) => ({ place, run });
  return examineAll(
    [
      one("runtime", () => examineRuntime(machine)),
      one("disk", () => examineDisk(machine, folder)),
      one("configuration", async () => {
        const { party } = await readConfig(files, folder);
        return [fine("configuration", "configuration-read", { party })];
      }),
      one("keys", () => examineKeys(files, folder)),
      one("store", async () => {
        const { store } = await readConfig(files, folder);
        if (store === undefined) return examineStore(machine, folder, STORE_FILE);
        return [fine("store", "store-not-looked-at", {})];
      }),
      one("coordinator", async () => {
        const enrolled = await readEnrolment((await unlock(ports, folder)).files, folder);
        if (enrolled === undefined) return [notEnrolled()];
        const certificates = examineCertificates(enrolled, clock.nowMs());
        return [...certificates, ...(await examineCoordinator(machine, enrolled))];
      }),
    ],
    timers,
  );
}
