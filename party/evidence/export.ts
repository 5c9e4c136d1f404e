/** The folder for an auditor: this node's log of a collaboration, the coordinator's, keysets and agreements. */
import { readAgreement } from "../../proto/agreement/agreement.ts";
import { utf8 } from "../../proto/encoding/bytes.ts";

import { decodeEnvelope } from "../../proto/encoding/dsse.ts";
import { EntenteError } from "../../proto/errors.ts";
import { type ExportedKeyset, exportBundle } from "../../proto/evidence/export.ts";
import type { LogFile } from "../../proto/evidence/log.ts";
import type { CollaborationId } from "../../proto/ids.ts";
import type { Enrolled } from "../coordinator-link/enrol.ts";
import type { CoordinatorLink } from "../coordinator-link/link.ts";
import type { Peers } from "../session/peers.ts";
import type { Keyring } from "../store/keyring.ts";
import type { Store } from "../store/store.ts";
import type { Logbook } from "./logbook.ts";

export interface EvidenceSources {
  readonly keyring: Keyring;
  readonly store: Store;
  readonly peers: Peers;
  readonly logbook: Logbook;
  readonly link: CoordinatorLink;
  readonly enrolled: Enrolled;
}

/** Throws NOT_FOUND when this node has no agreement in that collaboration. */
export async function exportEvidence(sources: EvidenceSources, collaboration: CollaborationId): Promise<LogFile[]> {
  const { keyring, store, peers, logbook, link, enrolled } = sources;
  const records = (await store.agreements()).filter((record) => record.collaboration === collaboration);
  if (records.length === 0) throw new EntenteError("NOT_FOUND", { detail: "collaboration" });
  const agreements = records.map((record) => decodeEnvelope(utf8(record.envelope)));
  const parties = new Set(
    agreements.flatMap((envelope) => readAgreement(envelope.payload).document.parties.map((party) => party.name)),
  );
  const complete = agreements.filter((envelope) => envelope.signatures.length === parties.size);
  const own = await link.lookup(keyring.party);
  const keysets: ExportedKeyset[] = [
    {
      party: keyring.party,
      identity: keyring.identity.publicKey,
      envelope: decodeEnvelope(own.keyset),
    },
    {
      party: enrolled.coordinator,
      identity: enrolled.coordinatorIdentity,
      envelope: decodeEnvelope(enrolled.coordinatorKeyset),
    },
  ];
  for (const party of parties) {
    if (party === keyring.party) continue;
    const { keyset, keysetEnvelope } = await peers.require(party);
    keysets.push({ party, identity: keyset.identity, envelope: keysetEnvelope });
  }
  const log = await logbook.log(collaboration);
  const [, , year] = log.origin.split("/");
  return exportBundle({
    collaboration,
    exportingParty: keyring.party,
    keysets,
    agreements: complete,
    logs: [
      { origin: log.origin, files: await log.exportFiles() },
      { origin: `${enrolled.coordinator}/${collaboration}/${year}`, files: await link.fetchLog(collaboration) },
    ],
  });
}
