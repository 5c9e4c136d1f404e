/** The coordinator's own folder for an auditor: its log of a collaboration, its keyset and those of the parties. */
import { join } from "node:path";
import { decodeEnvelope } from "../../proto/encoding/dsse.ts";
import { EntenteError } from "../../proto/errors.ts";
import { type ExportedKeyset, exportBundle } from "../../proto/evidence/export.ts";
import type { LogFile } from "../../proto/evidence/log.ts";
import { snapshotLog } from "../../proto/evidence/snapshot.ts";
import type { CollaborationId, PartyId } from "../../proto/ids.ts";
import type { Files } from "../../proto/ports/ports.ts";
import { everyKeyset } from "../earlier-keysets.ts";
import type { CoordinatorKeys } from "../keys.ts";
import type { Store } from "../store/store.ts";
import { successionsOf } from "../successions.ts";

export interface LogExportOptions {
  readonly files: Files;
  readonly folder: string;
  readonly name: PartyId;
  readonly keys: Pick<CoordinatorKeys, "identity" | "keyset">;
  readonly store: Store;
}

/** Changes nothing; the coordinator may be running. It knows agreements by their digests alone, so none is in the folder.
 * Throws NOT_FOUND when it has no log of that collaboration, LOG_CORRUPT. */
export async function exportCollaboration(
  { files, folder, name, keys, store }: LogExportOptions,
  collaboration: CollaborationId,
): Promise<LogFile[]> {
  const base = join(folder, "log", collaboration);
  const years = (await files.list(base)).filter((year) => /^\d{4}$/.test(year));
  if (years.length === 0) throw new EntenteError("NOT_FOUND", { detail: "collaboration" });
  const logs = [];
  for (const year of years) logs.push(await snapshotLog(files, join(base, year)));
  const own = { party: name, identity: keys.identity.publicKey, envelope: decodeEnvelope(keys.keyset) };
  const keysets: ExportedKeyset[] = [own];
  for (const party of await store.partiesOf(collaboration)) {
    const known = await store.findParty(party);
    if (known !== undefined) keysets.push(...(await everyKeyset(store, known, await successionsOf(store, party))));
  }
  return exportBundle({
    ...{ collaboration, exportingParty: name, keysets, logs },
    ...{ agreements: [], revocations: [], forks: [], openings: [], witnessed: [] },
  });
}
