/** A file of tags while others come: of one moment, and evidence before anybody gets it. */
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Node } from "../../party/node.ts";
import type { Tag } from "../../party/tags/tag.ts";
import { tagsFile } from "../../party/tags/tags-file.ts";
import { nodePorts } from "../../proto/ports/node.ts";

const NOW = "2026-05-01T00:00:00.000Z";
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "entente-tags-file-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function tagOf(jobId: string): Tag {
  const times = { issuedAt: NOW, expiresAt: "2027-05-01T00:00:00.000Z", scoredAt: null };
  return {
    subject: "+8613800138000",
    key: "k",
    value: "v",
    score: null,
    model: null,
    agreement: jobId,
    jobId,
    ...times,
  };
}

/** A node that publishes a further job's tags while a file is being written, as often as `publications` says. */
function nodeWith(publications: number) {
  const jobs = ["a"];
  const asked: string[] = [];
  const recorded: string[] = [];
  let writes = 0;
  const node = {
    ports: nodePorts,
    exportFolder: join(folder, "exports"),
    logbook: { now: () => NOW, record: async () => {} },
    connected: { inForce: { require: async (digest: string) => void asked.push(digest) } },
    book: {
      async require(jobId: string) {
        recorded.push(jobId);
        return { proposed: { collaboration: "", jobDigest: "" } };
      },
    },
    store: {
      lastTagChange: async () => jobs.length,
      tagAgreements: async () => [...jobs],
      tagCounts: async () => jobs.map((jobId) => ({ key: "k", value: "v", jobId, count: 1 })),
      setting: async () => undefined,
      async *tags() {
        if (writes++ < publications) jobs.push(`late-${writes}`);
        yield* jobs.map(tagOf);
      },
    },
  };
  return { node: node as unknown as Node, asked, recorded };
}

async function textOf(stream: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}

test("has no tags whose agreement was not asked about and whose job no evidence names", async () => {
  const { node, asked, recorded } = nodeWith(2);
  const { stream } = await tagsFile(node, { format: "csv" }, "Ada");
  const jobs = [...(await textOf(stream)).matchAll(/,(a|late-\d),(?:a|late)/g)].map(([, job]) => job);
  expect(jobs).toEqual(["a", "late-1", "late-2"]);
  expect(new Set(asked)).toEqual(new Set(jobs));
  expect(recorded).toEqual(jobs);
});

test("is refused, with nothing left on disk, where tags never stop coming", async () => {
  const { node, recorded } = nodeWith(Number.POSITIVE_INFINITY);
  await expect(tagsFile(node, { format: "csv" }, "Ada")).rejects.toMatchObject({ code: "OVERLOADED" });
  expect(recorded).toEqual([]);
  expect(await readdir(join(folder, "exports"))).toEqual([]);
});
