/** Where a node's data lies, and how much of it there is. */
import { join } from "node:path";
import { schemaVersion } from "../../proto/database/history.ts";
import type { RouteResponse } from "../../proto/http/routes.ts";
import { STORAGE_AREAS, type StorageArea } from "../../proto/http/status-routes.ts";
import { sealingState } from "../../proto/keys/sealed-folder.ts";
import type { Node } from "../node.ts";
import { STORE_FILE } from "../store/open.ts";
import { PARTY_HISTORY } from "../store/schema.ts";

const MIB = 1024 * 1024;

/** Files and folders of the node's folder; SQLite writes beside its file. */
const PLACES: Readonly<Record<StorageArea, readonly string[]>> = {
  store: [STORE_FILE, `${STORE_FILE}-wal`, `${STORE_FILE}-shm`],
  evidence: ["evidence", "forks"],
  spool: ["spool"],
  quarantine: ["quarantine"],
  results: ["results"],
  models: ["models"],
  segments: ["segments", "sketches"],
  exports: ["exports"],
};

export async function storageOf(node: Node): Promise<RouteResponse<"status">["storage"]> {
  const { folder, ports, isStoreEmbedded, disk, limits, databases } = node;
  const sizeOf = async (area: StorageArea) => {
    if (area === "store" && !isStoreEmbedded) return { area, bytes: null };
    const sizes = await Promise.all(PLACES[area].map((name) => ports.files.usedBytes(join(folder, name))));
    return { area, bytes: sizes.reduce((sum, bytes) => sum + bytes, 0) };
  };
  const freeBytes = await disk.freeBytes();
  return {
    folder,
    store: { kind: isStoreEmbedded ? "sqlite" : "postgresql", schema: schemaVersion(PARTY_HISTORY) },
    freeBytes: Number.isFinite(freeBytes) ? freeBytes : null,
    keptBytes: limits.values.freeDiskMib * MIB,
    areas: await Promise.all(STORAGE_AREAS.map(sizeOf)),
    keysSealed: (await sealingState(ports.files, folder)) === "sealed",
    databases: Object.entries(databases.uses).map(([name, use]) => ({ name, use })),
  };
}
