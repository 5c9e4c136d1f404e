/** The API's routes as calls into the node. Shapes answers; decides nothing. */

import { createReadStream } from "node:fs";
import { join } from "node:path";
import { fingerprint } from "../../proto/agreement/identity.ts";
import { toHex } from "../../proto/encoding/bytes.ts";
import { CATALOGUE, EntenteError } from "../../proto/errors.ts";
import type { RouteResponse } from "../../proto/http/routes.ts";
import { collaborationId, partyId } from "../../proto/ids.ts";
import type { RegisteredDataset } from "../data/datasets.ts";
import { exportEvidence } from "../evidence/export.ts";
import { isFinal, type Job } from "../jobs/lifecycle.ts";
import type { Node } from "../node.ts";
import { classRows } from "../protocols/plan.ts";
import { exportTags } from "../tags/export.ts";
import type { FileAnswer, Handlers } from "./server.ts";

const CONTENT_TYPES = { csv: "text/csv; charset=utf-8", parquet: "application/vnd.apache.parquet" } as const;

export function handlers(node: Node, version: string): Handlers {
  const info = (): RouteResponse<"node"> => ({
    party: node.keyring.party,
    fingerprint: fingerprint(node.keyring.identity.publicKey),
    coordinator: node.isEnrolled ? node.connected.enrolled.coordinator : null,
    connected: node.isEnrolled && node.connected.isOnline(),
    version,
  });
  const jobView = (job: Job) => viewJob(job, node.book.progress(job.jobId));
  return {
    node: async () => info(),
    enrol: async ({ invite }) => {
      await node.enrol(invite);
      return info();
    },
    invite: async ({ party }) => ({ code: (await node.connected.link.createInvite(partyId(party))).code }),
    peers: async () => ({ peers: await node.connected.peers.list() }),
    confirmPeer: async ({ party, fingerprint: typed }) => node.connected.peers.confirm(party, typed),
    peerDatasets: async ({ party }) => ({
      datasets: (await node.peerDatasets(party)).map((dataset) => ({ ...dataset, columns: [...dataset.columns] })),
    }),
    datasets: async () => ({ datasets: (await node.datasets.list()).map(viewDataset) }),
    registerDataset: async (input) => viewDataset(await node.datasets.register(input)),
    agreements: async () => ({ agreements: (await node.connected.agreements.list()).map(viewAgreement) }),
    agreement: async ({ digest }) => viewAgreement(await node.connected.agreements.status(digest)),
    proposeAgreement: async ({ document }) => viewAgreement(await node.connected.agreements.propose(document)),
    signAgreement: async ({ digest }) => viewAgreement(await node.connected.agreements.sign(digest)),
    jobs: async () => ({ jobs: (await node.book.list()).map(jobView) }),
    job: async ({ jobId }) => jobView(await node.book.require(jobId)),
    startJob: async (input) => jobView(await node.book.require(await node.startJob(input))),
    tags: async () => ({ tags: await node.store.tagCounts(node.logbook.now()) }),
    exportTags: async ({ format, key }) => tagsFile(node, format, key),
    auditFiles: async ({ collaboration }) => {
      const files = await exportEvidence(node.connected, collaborationId(collaboration));
      return { files: files.map(({ path, bytes }) => ({ path, base64: bytes.toBase64() })) };
    },
  };
}

function viewDataset({
  registration,
  registeredAt,
  quarantinePath,
}: RegisteredDataset): RouteResponse<"registerDataset"> {
  const { name, version, format, idColumn, normaliser, columns, rows, accepted, duplicates, rejectedByReason } =
    registration;
  const rejected = Object.fromEntries(Object.entries(rejectedByReason).filter(([, count]) => count > 0));
  const hasQuarantine = duplicates > 0 || Object.keys(rejected).length > 0;
  return {
    ...{ name, version, format, idColumn, normaliser, rows, accepted, duplicates, rejected, registeredAt },
    columns: columns.map((column) => ({ ...column })),
    quarantine: hasQuarantine ? quarantinePath : null,
  };
}

function viewAgreement<T extends { parties: readonly string[]; signedBy: readonly string[]; document: object }>(
  status: T,
) {
  return {
    ...status,
    parties: [...status.parties],
    signedBy: [...status.signedBy],
    document: status.document as Record<string, unknown>,
  };
}

function viewJob(job: Job, progress: { step: string; done: number; total: number } | undefined): RouteResponse<"job"> {
  const { operation, role, peer, agreement, ownRows } = job.proposed;
  const { reason, summary, peerSizeClass } = job;
  return {
    jobId: job.jobId,
    ...{ operation, role, peer, agreement, ownRows },
    state: job.state,
    updatedAt: job.updatedAt,
    progress: isFinal(job.state) ? null : (progress ?? null),
    reason:
      reason === undefined
        ? null
        : {
            code: reason.code,
            message: CATALOGUE[reason.code].text,
            who: CATALOGUE[reason.code].who,
            ...(reason.detail === undefined ? {} : { detail: reason.detail }),
            ...(reason.by === undefined ? {} : { by: reason.by }),
          },
    withheld: job.withheld,
    peerRows:
      peerSizeClass === undefined
        ? null
        : { from: peerSizeClass === 80 ? 0 : classRows(peerSizeClass - 1) + 1, to: classRows(peerSizeClass) },
    summary: summary === undefined ? null : { ...summary },
  };
}

/** Written to a temporary folder as a whole first: a reader never gets a file that breaks off for a reason of ours. */
async function tagsFile(node: Node, format: "csv" | "parquet", key: string | undefined): Promise<FileAnswer> {
  const { files, random } = node.ports;
  const folder = join(node.exportFolder, toHex(random.bytes(8)));
  await files.makeFolder(folder);
  const path = join(folder, `tags.${format}`);
  const filter = { now: node.logbook.now(), ...(key === undefined ? {} : { key }) };
  try {
    await exportTags(node.store.tags(filter), { format, path });
  } catch (error) {
    await files.remove(folder);
    throw error instanceof EntenteError ? error : new EntenteError("STORAGE_FAILED", { cause: error });
  }
  async function* stream(): AsyncGenerator<Uint8Array> {
    try {
      yield* createReadStream(path);
    } finally {
      await files.remove(folder);
    }
  }
  return { contentType: CONTENT_TYPES[format], fileName: `tags.${format}`, stream: stream() };
}
