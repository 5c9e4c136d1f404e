/** The API's routes for auditors: this node's logs entry by entry, checkpoints, the node's own check, and what to take away. */

import { utf8 } from "../../../proto/encoding/bytes.ts";
import { EntenteError } from "../../../proto/errors.ts";
import { encodeBundle } from "../../../proto/evidence/bundle.ts";
import { encodeKeysets } from "../../../proto/evidence/export.ts";
import { parseNote } from "../../../proto/evidence/note.ts";
import { ownerOf } from "../../../proto/evidence/origin.ts";
import { BUNDLE_TYPES, REPORT_TYPES } from "../../../proto/http/file-types.ts";
import type { RouteResponse } from "../../../proto/http/routes.ts";
import { Gate, type Place } from "../../../proto/limits/gate.ts";
import { reportHtml } from "../../../sdk/verify/html.ts";
import { Keyring, readHistories } from "../../../sdk/verify/keys.ts";
import { verifierKeys } from "../../../sdk/verify/log.ts";
import type { AuditReport } from "../../../sdk/verify/report.ts";
import { realMachine } from "../../doctor/machine.ts";
import { type OwnCollaboration, requireOwn } from "../../evidence/collaborations.ts";
import { findEntry, searchEntries } from "../../evidence/explorer.ts";
import { exportEvidence } from "../../evidence/export.ts";
import { knownKeysets } from "../../evidence/keysets.ts";
import type { Node } from "../../node.ts";
import { metered } from "../../progress/meter.ts";
import type { FileAnswer, Handlers } from "../server.ts";
import { checkMemoryMb, EvidenceCheck } from "./check.ts";
import { checkpointView } from "./checkpoint-view.ts";
import { entryView } from "./entry-view.ts";

/** Each holds a whole export in memory until its reader has it. */
const MAX_BUNDLES = 2;

type Served = "evidenceEntries" | "evidenceEntry" | "checkpoints" | "verifyEvidence" | "auditBundle" | "auditReport";

export function auditHandlers(node: Node): Pick<Handlers, Served> {
  const { logbook, store, book, sideNotes } = node;
  const check = new EvidenceCheck(checkMemoryMb(realMachine.memoryLimitBytes()));
  const refusal = () => new EntenteError("OVERLOADED", { detail: "other exports of the evidence" });
  const bundles = new Gate({ all: { max: MAX_BUNDLES, refusal } });
  const explored = () => ({ party: node.keyring.party, logbook, book, sideNotes, vault: node.connected.vault });
  /** `bank-9c1d2e3f`: of the party whose word it is. */
  const nameOf = ({ collaboration }: OwnCollaboration) => `${node.keyring.party}-${collaboration.slice(0, 8)}`;
  const keyringWith = async ({ peer }: OwnCollaboration) => {
    const keyring = new Keyring();
    for (const history of readHistories(encodeKeysets(await knownKeysets(node.connected, [peer]))))
      if (history !== undefined) keyring.add(history);
    return keyring;
  };
  return {
    evidenceEntries: async ({ collaboration, ...search }) => {
      const own = await requireOwn(node, collaboration);
      return searchEntries(explored(), own.collaboration, search);
    },
    evidenceEntry: async ({ collaboration, log: label, index: text }) => {
      const own = await requireOwn(node, collaboration);
      const index = Number(text);
      const { summary, ...found } = await findEntry(explored(), own.collaboration, { label, index });
      const keyring = await keyringWith(own);
      return { ...summary, ...(await entryView(explored(), { ...found, index, keyring })) };
    },
    checkpoints: async ({ collaboration }) => {
      const own = await requireOwn(node, collaboration);
      const keyring = await keyringWith(own);
      const witnessed: RouteResponse<"checkpoints">["witnessed"] = [];
      for (const party of [own.peer, node.connected.enrolled.coordinator])
        for (const { origin, note } of await store.witnesses(`${party}/${own.collaboration}`))
          witnessed.push({ ...checkpointView(parseNote(utf8(note)), keyring), owner: ownerOf(origin) });
      return {
        own: (await logbook.logs(own.collaboration)).map((log) => {
          const cosigned = log.lastCosigned();
          return {
            newest: checkpointView(log.checkpointNote(), keyring),
            cosigned: cosigned === undefined ? null : checkpointView(cosigned.note, keyring),
            keys: verifierKeys(ownerOf(log.origin), keyring),
          };
        }),
        witnessed,
        fingerprints: keyring.fingerprints(),
      };
    },
    verifyEvidence: async ({ collaboration, trust }, _caller, { signal, tell }) => {
      const own = await requireOwn(node, collaboration);
      const { verification } = await check.run({
        ...{ name: nameOf(own), trust, signal },
        collect: () => exportEvidence(node.connected, own.collaboration),
        onProgress: metered(node.ports.clock, tell),
        timers: node.ports.timers,
      });
      return viewOf(verification);
    },
    auditBundle: async ({ collaboration }) => {
      const own = await requireOwn(node, collaboration);
      const place = bundles.enter("all");
      try {
        const files = await exportEvidence(node.connected, own.collaboration);
        const stream = each(encodeBundle(files), place);
        return { contentType: BUNDLE_TYPES.jsonl, fileName: `${nameOf(own)}.jsonl`, stream };
      } catch (error) {
        place[Symbol.dispose]();
        throw error;
      }
    },
    auditReport: async ({ collaboration, format, language = "en" }, _caller, { signal }) => {
      const own = await requireOwn(node, collaboration);
      const report = await check.run({
        ...{ name: nameOf(own), signal },
        collect: () => exportEvidence(node.connected, own.collaboration),
        onProgress: () => {},
        timers: node.ports.timers,
      });
      const text = format === "html" ? reportHtml(report, language) : `${JSON.stringify(report, null, 2)}\n`;
      return {
        contentType: REPORT_TYPES[format],
        fileName: `${nameOf(own)}-report.${format}`,
        stream: each([utf8(text)]),
      };
    },
  };
}

/** `place`: left when the last chunk has been taken, or nobody takes more. */
async function* each(chunks: Iterable<Uint8Array>, place?: Place): FileAnswer["stream"] & AsyncGenerator<Uint8Array> {
  try {
    yield* chunks;
  } finally {
    place?.[Symbol.dispose]();
  }
}

/** The published form has lists that may be changed. */
function viewOf(verification: AuditReport["verification"]): RouteResponse<"verifyEvidence"> {
  return structuredClone(verification) as RouteResponse<"verifyEvidence">;
}
