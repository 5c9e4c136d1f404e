/** A node has lost its identity: the recovery key brings it back, when the peer's steward has heard so and seven days have passed;
 * without one of these nothing does. */
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { exportAudit } from "../../coordinator/main.ts";
import type { CoordinatorLink } from "../../party/coordinator-link/link.ts";
import { exportEvidence } from "../../party/evidence/export.ts";
import { Keyring } from "../../party/store/keyring.ts";
import { fingerprint } from "../../proto/agreement/identity.ts";
import { issueKeyset, KEY_ROLES } from "../../proto/agreement/keyset.ts";
import {
  countersign,
  signSuccession,
  successionKeyId,
  verifyCountersignature,
} from "../../proto/agreement/succession.ts";
import type { SuccessionBytes } from "../../proto/codec/coordinator.ts";
import { toHex } from "../../proto/encoding/bytes.ts";
import { encodeEnvelope } from "../../proto/encoding/dsse.ts";
import { type SigningKey, signingKey } from "../../proto/encoding/ed25519.ts";
import { digestOf } from "../../proto/encoding/sha256.ts";
import { encodeKeysets, KEYSETS_PATH, parseKeysets } from "../../proto/evidence/export.ts";
import type { LogFile } from "../../proto/evidence/log.ts";
import { type Digest, partyId } from "../../proto/ids.ts";
import { nodePorts } from "../../proto/ports/node.ts";
import { verifyFolders } from "../../sdk/verify/verify.ts";
import { MemoryFiles } from "../support/memory-files.ts";
import { REPAYMENTS, range, writePeople } from "../support/people.ts";
import { auditOf, COLLABORATION, DAY_MS, entriesOf, Times } from "../support/policy-nodes.ts";
import { TwoNodes } from "../support/two-nodes.ts";

const times = new Times();
let nodes: TwoNodes;
let agreement: Digest;
/** The bank's, before. */
let lost: SigningKey;
/** What the bureau's directory shows beside the truth. */
let planted: readonly SuccessionBytes[] = [];

beforeAll(async () => {
  const wrap = (link: CoordinatorLink): CoordinatorLink => ({
    ...link,
    lookup: async (party) => {
      const entry = await link.lookup(party);
      return party === "bank" ? { ...entry, successions: [...planted, ...entry.successions] } : entry;
    },
  });
  const ports = { bank: times.portsOf("bank"), bureau: times.portsOf("bureau") };
  nodes = await TwoNodes.start({ bank: { ports: ports.bank }, bureau: { ports: ports.bureau, wrap } });
  const data = join(nodes.coordinator.folder, "data");
  await nodes.register({
    bank: await writePeople(join(data, "bank.csv"), range(0, 1_000)),
    bureau: await writePeople(join(data, "bureau.csv"), range(200, 1_200), { ...REPAYMENTS, SALARY: () => 1 }),
  });
  agreement = await nodes.agree();
  lost = nodes.bank.keyring.identity;
});
afterAll(() => nodes.close());

const peersOfBureau = () => nodes.bureau.connected.peers;
const statusAtBureau = async () => (await peersOfBureau().list()).find(({ party }) => party === "bank");
const identityAtBureau = () => peersOfBureau().confirmedIdentity("bank");

function allAhead(aheadMs: number): void {
  times.both(aheadMs);
  nodes.coordinator.aheadMs = aheadMs;
}

describe("who has not the recovery key", () => {
  const attacker = signingKey("x", nodePorts.random.bytes(32));
  const party = partyId("bank");

  function forged(kind: "rotated" | "recovered", from: SigningKey, isCountersigned = true): SuccessionBytes {
    const key = (name: string) => signingKey(`bank/${name}`, nodePorts.random.bytes(32));
    const keys = Object.fromEntries(KEY_ROLES.map((role) => [role, key(role)])) as never;
    const identity = { ...attacker, keyId: "bank/identity" };
    const { recovery } = nodes.bank.keyring;
    // A recovery that the attacker says was signed long ago.
    const nowMs = Date.now() - 30 * DAY_MS;
    const keyset = issueKeyset({ party, identity, keys, recovery, nowMs });
    const at = new Date(nowMs).toISOString();
    const says = { party, kind, oldIdentity: lost.publicKey, keysetDigest: digestOf(keyset.payload), at };
    const signed = signSuccession(says, { from, to: attacker });
    const succession = isCountersigned ? countersign(signed, nodes.bureau.keyring.identity) : signed;
    return { succession: encodeEnvelope(succession), keyset: encodeEnvelope(keyset) };
  }

  test("gets nowhere with a new key alone, nor with the signature of every peer", async () => {
    const peer = nodes.bureau.keyring.identity;
    for (const [kind, from] of [
      ["rotated", attacker],
      ["recovered", attacker],
      ["rotated", peer],
      ["recovered", peer],
    ] as const) {
      planted = [forged(kind, from)];
      await peersOfBureau().keepUp();
      expect(await identityAtBureau()).toBe(toHex(lost.publicKey));
      expect((await statusAtBureau())?.succession).toBeNull();
      await expect(peersOfBureau().acceptSuccession("bank", fingerprint(attacker.publicKey))).rejects.toMatchObject({
        code: "NOT_FOUND",
      });
      await expect(nodes.bank.connected.link.publishSuccession(forged(kind, from))).rejects.toMatchObject({
        code: "SIGNATURE_INVALID",
      });
    }
    planted = [{ succession: new Uint8Array([1]), keyset: new Uint8Array([2]) }];
    await peersOfBureau().keepUp();
    planted = [];
  });

  test("is answered by a rotation, when it is the recovery key that was stolen", async () => {
    const text = await readFile(join(nodes.folder("bank"), "recovery.key"), "utf8");
    planted = [forged("recovered", signingKey("x", Uint8Array.fromHex(text.trim())), false)];
    await peersOfBureau().keepUp();
    expect((await statusAtBureau())?.succession).toMatchObject({ confirmed: false });
    await peersOfBureau().acceptSuccession("bank", fingerprint(attacker.publicKey));
    expect((await statusAtBureau())?.succession).toMatchObject({ confirmed: true });
    await nodes.bank.rotateIdentity();
    allAhead(8 * DAY_MS);
    await peersOfBureau().keepUp();
    allAhead(0);
    lost = nodes.bank.keyring.identity;
    expect((await statusAtBureau())?.succession).toBeNull();
    expect(await identityAtBureau()).toBe(toHex(lost.publicKey));
    planted = [];
  });

  test("cannot recover a folder with another key", async () => {
    const folder = nodes.folder("bank");
    for (const key of [toHex(nodePorts.random.bytes(32)), "", "ab"])
      await expect(Keyring.recover(nodePorts, folder, "bank", key)).rejects.toMatchObject({ code: "BAD_REQUEST" });
  });
});

describe("the recovery key", () => {
  let printed: string;

  test("is in the folder once, and its public half in every keyset", async () => {
    const text = await readFile(join(nodes.folder("bank"), "recovery.key"), "utf8");
    const { publicKey } = signingKey("x", Uint8Array.fromHex(text.trim()));
    const { keyset } = await peersOfBureau().require("bank");
    expect(keyset.recovery).toEqual(publicKey);
  });

  test("makes a new identity for a node that cannot start without one", async () => {
    expect((await nodes.run({ agreement })).bank.state).toBe("done");
    const folder = nodes.folder("bank");
    const key = await readFile(join(folder, "recovery.key"), "utf8");
    await rm(join(folder, "recovery.key"));
    await rm(join(folder, "keys", "identity.seed"));
    await rm(join(folder, "keys", "identities"), { recursive: true });
    await expect(Keyring.open(nodePorts, folder, "bank")).rejects.toMatchObject({ code: "STORAGE_FAILED" });
    // What it says of its own age counts for nothing: the delay begins when the peer sees it.
    const clock = { ...nodePorts.clock, nowMs: () => Date.now() - 30 * DAY_MS };
    printed = fingerprint(await Keyring.recover({ ...nodePorts, clock }, folder, "bank", key));
    await nodes.restart("bank");
    expect(fingerprint(nodes.bank.keyring.identity.publicKey)).toBe(printed);
    await nodes.restart("bank");
    expect(fingerprint(nodes.bank.keyring.identity.publicKey)).toBe(printed);
  });

  test("is shown to the peer's steward, and changes nothing yet", async () => {
    await peersOfBureau().keepUp();
    expect(await statusAtBureau()).toMatchObject({
      fingerprint: fingerprint(lost.publicKey),
      confirmed: true,
      succession: { fingerprint: printed, confirmed: false },
    });
    expect(await identityAtBureau()).toBe(toHex(lost.publicKey));
    expect((await entriesOf(nodes.bureau)).some(({ event }) => event === "identity-recovered")).toBe(false);
    await expect(nodes.runAtBank({ agreement }).then(({ bank }) => bank.state)).resolves.not.toBe("done");
  });

  test("does not hold when its time has come and nobody has confirmed it", async () => {
    allAhead(8 * DAY_MS);
    await peersOfBureau().keepUp();
    expect(await identityAtBureau()).toBe(toHex(lost.publicKey));
    allAhead(0);
  });

  test("needs the fingerprint that the peer read out", async () => {
    await expect(peersOfBureau().acceptSuccession("bank", fingerprint(lost.publicKey))).rejects.toMatchObject({
      code: "FINGERPRINT_MISMATCH",
    });
  });

  test("holds when a person has confirmed it and it has been in view for seven days", async () => {
    const status = await peersOfBureau().acceptSuccession("bank", printed);
    expect(status.succession).toMatchObject({ fingerprint: printed, confirmed: true });
    for (const aheadMs of [0, 7 * DAY_MS - 60_000]) {
      allAhead(aheadMs);
      await peersOfBureau().keepUp();
      expect(await identityAtBureau()).toBe(toHex(lost.publicKey));
    }
    allAhead(7 * DAY_MS + 60_000);
    await peersOfBureau().keepUp();
    expect(await identityAtBureau()).toBe(toHex(nodes.bank.keyring.identity.publicKey));
    expect((await statusAtBureau())?.succession).toBeNull();
    await nodes.restart("bank");
    expect((await nodes.run({ agreement })).bureau.state).toBe("done");
    const entry = await nodes.bank.connected.link.lookup(nodes.bank.keyring.party);
    expect(new Uint8Array(entry.identityPublicKey)).toEqual(nodes.bank.keyring.identity.publicKey);
  });

  test("is in both logs and both exports, with the peer's countersignature", async () => {
    for (const node of [nodes.bank, nodes.bureau]) {
      const found = (await entriesOf(node)).filter(({ event }) => event === "identity-recovered");
      expect(found).toHaveLength(1);
      const files = await exportEvidence(node.connected, COLLABORATION);
      const all = parseKeysets(files.find(({ path }) => path === "keysets.json")?.bytes as Uint8Array);
      const signed = all.findLast(({ succession }) => succession !== undefined)?.succession;
      if (signed === undefined) throw new Error("no succession");
      verifyCountersignature(signed, nodes.bureau.keyring.identity);
      expect(signed.signatures[0]?.keyid).toBe(successionKeyId("bank", "recovery"));
    }
  });

  test("convinces an auditor only with that countersignature", async () => {
    const both = [nodes.bank, nodes.bureau];
    const { verdict, problems } = await auditOf(both);
    expect([verdict, problems]).toEqual(["verified", []]);
    const files = new MemoryFiles();
    const put = (party: string, all: readonly LogFile[]) => {
      for (const { path, bytes } of all) files.contents.set(`/audit/${party}/${path}`, new Uint8Array(bytes));
    };
    for (const node of both) put(node.keyring.party, await exportEvidence(node.connected, COLLABORATION));
    put("coordinator", await exportAudit({ folder: nodes.coordinator.folder, collaboration: COLLABORATION }));
    expect((await verifyFolders(["/audit"], { files })).problems).toEqual([]);
    const report = await auditOf(both, (path, bytes) => {
      if (path !== KEYSETS_PATH) return bytes;
      const alone = parseKeysets(bytes).map(({ succession, ...rest }) =>
        succession === undefined
          ? rest
          : { ...rest, succession: { ...succession, signatures: succession.signatures.slice(0, 2) } },
      );
      return encodeKeysets(alone);
    });
    expect(report.firstProblem?.code).toBe("AGREEMENT_INVALID");
  });
});
