/** A node changes its working keys between two jobs: its peer, the coordinator and both logs go along, and only forwards. */
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { exportAudit } from "../../coordinator/main.ts";
import type { CoordinatorLink } from "../../party/coordinator-link/link.ts";
import { exportEvidence } from "../../party/evidence/export.ts";
import { describeJob } from "../../party/jobs/approvals.ts";
import { isFinal } from "../../party/jobs/lifecycle.ts";
import type { Node } from "../../party/node.ts";
import { collaborationOf } from "../../proto/agreement/identity.ts";
import { verifyKeyset } from "../../proto/agreement/keyset.ts";
import { equalBytes } from "../../proto/encoding/bytes.ts";
import { decodeEnvelope } from "../../proto/encoding/dsse.ts";
import { verifyingKey } from "../../proto/encoding/ed25519.ts";
import { digestOf } from "../../proto/encoding/sha256.ts";
import { encodeKeysets, KEYSETS_PATH, parseKeysets } from "../../proto/evidence/export.ts";
import type { LogFile } from "../../proto/evidence/log.ts";
import { parseStatement, verifyStatement } from "../../proto/evidence/statements.ts";
import type { Digest } from "../../proto/ids.ts";
import { verifyFolders } from "../../sdk/verify/verify.ts";
import { MemoryFiles } from "../support/memory-files.ts";
import { REPAYMENTS, range, writePeople } from "../support/people.ts";
import { auditOf } from "../support/policy-nodes.ts";
import { TwoNodes } from "../support/two-nodes.ts";

let nodes: TwoNodes;
let agreement: Digest;
const collaboration = collaborationOf(["bank", "bureau"]);
/** What the bureau's directory answers instead. */
let shown: Uint8Array | undefined;

beforeAll(async () => {
  const wrap = (link: CoordinatorLink): CoordinatorLink => ({
    ...link,
    lookup: async (party) => {
      const entry = await link.lookup(party);
      return shown === undefined || party !== "bank" ? entry : { ...entry, keyset: shown };
    },
  });
  nodes = await TwoNodes.start({ bureau: { wrap } });
  const data = join(nodes.coordinator.folder, "data");
  await nodes.register({
    bank: await writePeople(join(data, "bank.csv"), range(0, 1_000)),
    bureau: await writePeople(join(data, "bureau.csv"), range(200, 1_200), { ...REPAYMENTS, SALARY: () => 1 }),
  });
  agreement = await nodes.agree();
});
afterAll(() => nodes.close());

async function entriesOf(node: Node) {
  const all = [];
  for await (const bytes of (await node.logbook.log(collaboration)).entriesFrom(0)) all.push(parseStatement(bytes));
  return all;
}

const keysetOf = async (node: Node, party: string) => (await node.connected.peers.require(party)).keyset;

describe("a rotation", () => {
  let before: Uint8Array;

  test("puts new keys in force at this node, at the coordinator and at the peer, without a restart", async () => {
    expect((await nodes.run({ agreement })).bank.state).toBe("done");
    const old = nodes.bank.keyring.keys;
    before = (await nodes.bank.connected.link.lookup(nodes.bank.keyring.party)).keyset;
    const keyset = await nodes.bank.rotateKeys();
    for (const role of ["session", "jobs", "log", "cosigner"] as const) {
      expect(keyset.keys[role]).not.toEqual(old[role].publicKey);
      expect(nodes.bank.keyring.keys[role].publicKey).toEqual(keyset.keys[role]);
    }
    const published = await nodes.bank.connected.link.lookup(nodes.bank.keyring.party);
    expect(verifyKeyset(decodeEnvelope(published.keyset), nodes.bank.keyring.identity.publicKey)).toEqual(keyset);
    expect(await keysetOf(nodes.bureau, "bank")).toEqual(keyset);
    const { bank, bureau } = await nodes.run({ agreement });
    expect([bank.state, bureau.state]).toEqual(["done", "done"]);
  });

  test("stands in the log between the entries of the two keysets, signed by the identity", async () => {
    const { identity, keysets } = nodes.bank.keyring;
    const [first, second] = keysets as [(typeof keysets)[number], (typeof keysets)[number]];
    const all = await entriesOf(nodes.bank);
    const at = all.findIndex(({ event }) => event === "keyset-rotated");
    const entry = all[at];
    if (entry?.event !== "keyset-rotated") throw new Error("no entry");
    verifyStatement(entry.envelope, identity);
    expect(entry.statement.predicate).toMatchObject({
      party: "bank",
      previousKeysetDigest: digestOf(first.payload),
      keysetDigest: digestOf(second.payload),
    });
    const jobsKeyOf = (signed: typeof first) =>
      verifyingKey("bank/jobs", verifyKeyset(signed, identity.publicKey).keys.jobs);
    for (const [i, { envelope }] of all.entries()) {
      const own = { ...envelope, signatures: envelope.signatures.filter(({ keyid }) => keyid === "bank/jobs") };
      verifyStatement(own, jobsKeyOf(i <= at ? first : second));
    }
    expect(all.length).toBeGreaterThan(at + 4);
  });

  test("leaves the jobs from before readable at both nodes", async () => {
    for (const node of [nodes.bank, nodes.bureau])
      for (const job of await node.book.list())
        expect((await describeJob(node.connected, job)).spec.jobId).toBe(job.jobId);
  });

  test("is not undone by a directory that shows the keyset from before", async () => {
    shown = before;
    const { keysets } = nodes.bank.keyring;
    expect(await keysetOf(nodes.bureau, "bank")).toEqual(
      verifyKeyset(keysets.at(-1) as (typeof keysets)[number], nodes.bank.keyring.identity.publicKey),
    );
    await nodes.restart("bureau");
    expect((await nodes.run({ agreement })).bureau.state).toBe("done");
    shown = undefined;
  });

  test("survives a restart, and what was begun before a stop is ended after it", async () => {
    const { publicKey } = nodes.bank.keyring.keys.jobs;
    await nodes.restart("bank");
    expect(nodes.bank.keyring.keys.jobs.publicKey).toEqual(publicKey);
    const next = await nodes.bank.keyring.prepareNext();
    await nodes.restart("bank");
    expect(nodes.bank.keyring.keysets.at(-1)).toEqual(next.keyset);
    expect(nodes.bank.keyring.next).toBeUndefined();
    expect((await nodes.run({ agreement })).bank.state).toBe("done");
  });

  test("leaves every keyset in the export, and the logs of all three cosigned", async () => {
    for (const node of [nodes.bank, nodes.bureau]) {
      await node.connected.witnessing.exchange(
        collaboration,
        node === nodes.bank ? ("bureau" as never) : ("bank" as never),
      );
      await node.connected.witnessing.keepUp();
      const files = await exportEvidence(node.connected, collaboration);
      const bytes = files.find(({ path }) => path === "keysets.json")?.bytes as Uint8Array;
      expect(
        parseKeysets(bytes)
          .map(({ party }) => party)
          .sort(),
      ).toEqual(["bank", "bank", "bank", "bureau", "coordinator"]);
      const log = await node.logbook.log(collaboration);
      expect(log.lastCosigned()?.head).toEqual(log.head);
      expect(files.some(({ path }) => /^logs\/coordinator_[0-9a-f]{32}_2\d{3}\/cosigned$/.test(path))).toBe(true);
    }
  });

  test("is followed by an auditor of the three folders, and by nobody who leaves a keyset out", async () => {
    const files = new MemoryFiles();
    const put = (party: string, all: readonly LogFile[]) => {
      for (const { path, bytes } of all) files.contents.set(`/audit/${party}/${path}`, new Uint8Array(bytes));
    };
    for (const node of [nodes.bank, nodes.bureau])
      put(node.keyring.party, await exportEvidence(node.connected, collaboration));
    put("coordinator", await exportAudit({ folder: nodes.coordinator.folder, collaboration }));
    const report = await verifyFolders(["/audit"], { files, requireOpenings: true });
    expect([report.verdict, report.problems]).toEqual(["verified", []]);
    expect(report.summary.jobs).toHaveLength(4);
    // Alone it lacks the parties' logs, and nothing else.
    const alone = await verifyFolders(["/audit/coordinator"], { files });
    expect([...new Set(alone.problems.map(({ code }) => code))]).toEqual(["LOG_MISSING"]);
    for (const left of [0, 1, 2]) {
      const changed = await auditOf([nodes.bank, nodes.bureau], (path, bytes) => {
        if (path !== KEYSETS_PATH) return bytes;
        const ofBank = parseKeysets(bytes).filter(({ party }) => party === "bank");
        return encodeKeysets(
          parseKeysets(bytes).filter(
            (item) => !equalBytes(item.envelope.payload, (ofBank[left] as (typeof ofBank)[number]).envelope.payload),
          ),
        );
      });
      expect(changed.verdict).toBe("tampered");
    }
  });

  test("waits for jobs that have not ended", async () => {
    const running = nodes.run({ agreement });
    const isUnfinished = async () => (await nodes.bank.book.list()).some(({ state }) => !isFinal(state));
    await expect.poll(isUnfinished, { timeout: 10_000 }).toBe(true);
    await expect(nodes.bank.rotateKeys()).rejects.toMatchObject({ code: "OVERLOADED" });
    expect((await running).bank.state).toBe("done");
  });
});
