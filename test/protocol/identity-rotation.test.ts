/** A node changes its identity between two jobs: its peer and the coordinator follow, agreements go on, and the old key is worth
 * nothing any more. */
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { handlers } from "../../party/api/handlers.ts";
import type { CoordinatorLink } from "../../party/coordinator-link/link.ts";
import { exportEvidence } from "../../party/evidence/export.ts";
import { describeJob } from "../../party/jobs/approvals.ts";
import { fingerprint } from "../../proto/agreement/identity.ts";
import { issueKeyset, KEY_ROLES, keyId } from "../../proto/agreement/keyset.ts";
import { verifyHistory } from "../../proto/agreement/keyset-history.ts";
import { signRevocation } from "../../proto/agreement/revocation.ts";
import { verifySuccession } from "../../proto/agreement/succession.ts";
import type { PartyEntry } from "../../proto/codec/coordinator.ts";
import { fromHex, toHex } from "../../proto/encoding/bytes.ts";
import { encodeEnvelope } from "../../proto/encoding/dsse.ts";
import { type SigningKey, signingKey } from "../../proto/encoding/ed25519.ts";
import { digestOf } from "../../proto/encoding/sha256.ts";
import { type ExportedKeyset, encodeKeysets, KEYSETS_PATH, parseKeysets } from "../../proto/evidence/export.ts";
import { verifyStatement } from "../../proto/evidence/statements.ts";
import type { Digest } from "../../proto/ids.ts";
import { nodePorts } from "../../proto/ports/node.ts";
import { demoAgreement, generous } from "../support/demo-agreement.ts";
import { REPAYMENTS, range, writePeople } from "../support/people.ts";
import { agreementBy, auditOf, COLLABORATION, entriesOf } from "../support/policy-nodes.ts";
import { NOBODY_LISTENS } from "../support/stub-node.ts";
import { TwoNodes } from "../support/two-nodes.ts";

let nodes: TwoNodes;
let agreement: Digest;
let old: SigningKey;
/** What the bureau's directory answers of the bank instead. */
let shown: ((entry: PartyEntry) => PartyEntry) | undefined;

beforeAll(async () => {
  const wrap = (link: CoordinatorLink): CoordinatorLink => ({
    ...link,
    lookup: async (party) => {
      const entry = await link.lookup(party);
      return shown === undefined || party !== "bank" ? entry : shown(entry);
    },
  });
  nodes = await TwoNodes.start({ bureau: { wrap } });
  const data = join(nodes.coordinator.folder, "data");
  await nodes.register({
    bank: await writePeople(join(data, "bank.csv"), range(0, 1_000)),
    bureau: await writePeople(join(data, "bureau.csv"), range(200, 1_200), { ...REPAYMENTS, SALARY: () => 1 }),
  });
  agreement = await nodes.agree();
  old = nodes.bank.keyring.identity;
});
afterAll(() => nodes.close());

const identityAtBureau = () => nodes.bureau.connected.peers.confirmedIdentity("bank");
const states = async () => {
  const { bank, bureau } = await nodes.run({ agreement });
  return [bank.state, bureau.state];
};

describe("a new identity", () => {
  test("is followed at once by peer and coordinator, and the agreement that names the old one goes on", async () => {
    expect(await states()).toEqual(["done", "done"]);
    const routes = handlers(nodes.bank, {} as never, {} as never, "0");
    const made = await routes.rotateIdentity({}, {} as never, NOBODY_LISTENS);
    const { publicKey } = nodes.bank.keyring.identity;
    expect(made.fingerprint).toBe(fingerprint(publicKey));
    expect(publicKey).not.toEqual(old.publicKey);
    expect(await identityAtBureau()).toBe(toHex(publicKey));
    const entry = await nodes.bank.connected.link.lookup(nodes.bank.keyring.party);
    expect(new Uint8Array(entry.identityPublicKey)).toEqual(publicKey);
    expect(entry.successions).toHaveLength(1);
    expect(await states()).toEqual(["done", "done"]);
    for (const node of [nodes.bank, nodes.bureau])
      for (const job of await node.book.list())
        expect((await describeJob(node.connected, job)).spec.jobId).toBe(job.jobId);
  });

  test("stands in both logs with the signatures of both identities", async () => {
    const [, record] = nodes.bank.keyring.history;
    const succession = record?.succession as NonNullable<NonNullable<typeof record>["succession"]>;
    const known = { party: "bank", identity: old.publicKey, recovery: nodes.bank.keyring.recovery };
    expect(verifySuccession(succession, known).newIdentity).toEqual(nodes.bank.keyring.identity.publicKey);
    for (const node of [nodes.bank, nodes.bureau]) {
      const found = (await entriesOf(node)).filter(({ event }) => event === "identity-rotated");
      expect(found).toHaveLength(1);
      const entry = found[0] as (typeof found)[number];
      if (entry.event !== "identity-rotated") throw new Error("no entry");
      expect(entry.statement.predicate).toMatchObject({
        party: "bank",
        successionDigest: digestOf(succession.payload),
        keysetDigest: digestOf(record?.keyset.payload as Uint8Array),
        signatures: succession.signatures.map(({ keyid, sig }) => ({ signer: keyid, signature: toHex(sig) })),
      });
      if (node === nodes.bank) verifyStatement(entry.envelope, old);
    }
  });

  test("is in the export with the chain that leads to it", async () => {
    for (const node of [nodes.bank, nodes.bureau]) {
      const files = await exportEvidence(node.connected, COLLABORATION);
      const all = parseKeysets(files.find(({ path }) => path === "keysets.json")?.bytes as Uint8Array);
      const records = all
        .filter(({ party }) => party === "bank")
        .map(({ envelope: keyset, succession }) => ({ keyset, succession }));
      expect(verifyHistory(records, old.publicKey).at(-1)?.identity).toEqual(nodes.bank.keyring.identity.publicKey);
    }
  });

  test("is followed by an auditor", async () => {
    const both = [nodes.bank, nodes.bureau];
    const report = await auditOf(both);
    expect([report.verdict, report.problems]).toEqual(["verified", []]);
    expect(report.fingerprints.filter(({ party }) => party === "bank")).toEqual([
      { party: "bank", fingerprint: fingerprint(old.publicKey) },
      { party: "bank", fingerprint: fingerprint(nodes.bank.keyring.identity.publicKey) },
    ]);
    const changed = async (change: (all: ExportedKeyset[]) => ExportedKeyset[]) => {
      const audited = await auditOf(both, (path, bytes) =>
        path === KEYSETS_PATH ? encodeKeysets(change(parseKeysets(bytes))) : bytes,
      );
      return audited.firstProblem?.code;
    };
    expect(await changed((all) => all)).toBeUndefined();
    expect(await changed((all) => all.map(({ succession: _, ...rest }) => rest))).toBe("KEYSET_INVALID");
    expect(await changed((all) => all.filter(({ succession }) => succession === undefined))).toBe("CHECKPOINT_INVALID");
    expect(await changed((all) => all.toReversed())).toBe("KEYSET_INVALID");
    const oneSigned = ({ succession, ...rest }: ExportedKeyset) =>
      succession === undefined
        ? rest
        : { ...rest, succession: { ...succession, signatures: succession.signatures.slice(1) } };
    expect(await changed((all) => all.map(oneSigned))).toBe("KEYSET_INVALID");
  });

  test("is not undone by a directory that shows the identity from before, nor by whoever has its key", async () => {
    const current = await identityAtBureau();
    const { keyring } = nodes.bank;
    const first = encodeEnvelope(keyring.keysets[0] as (typeof keyring.keysets)[number]);
    shown = (entry) => ({ ...entry, identityPublicKey: old.publicKey, keyset: first, successions: [] });
    expect((await nodes.bureau.connected.peers.require("bank")).keyset.identity).toEqual(keyring.identity.publicKey);
    const fresh = (role: string) => signingKey(`bank/${role}`, nodePorts.random.bytes(32));
    const keys = Object.fromEntries(KEY_ROLES.map((role) => [role, fresh(role)])) as never;
    const nowMs = Date.now() + 1_000;
    const stolen = issueKeyset({ party: keyring.party, identity: old, keys, recovery: keyring.recovery, nowMs });
    shown = (entry) => ({ ...entry, identityPublicKey: old.publicKey, keyset: encodeEnvelope(stolen) });
    const peer = await nodes.bureau.connected.peers.require("bank");
    expect(peer.keyset.keys.session).toEqual(keyring.keys.session.publicKey);
    await nodes.restart("bureau");
    expect(await identityAtBureau()).toBe(current);
    shown = undefined;
    expect(await states()).toEqual(["done", "done"]);
  });

  test("is the only one that new agreements take: the old key signs none, also in an agreement that names it", async () => {
    const draft = demoAgreement({ ...generous(), title: "Another" });
    const parties = (draft.parties as { name: "bank" | "bureau" }[]).map((party) => ({
      ...party,
      identity: toHex(party.name === "bank" ? old.publicKey : nodes.bureau.keyring.identity.publicKey),
    }));
    const stolen = { ...nodes, bank: { keyring: { ...nodes.bank.keyring, identity: old } }, bureau: nodes.bureau };
    const forged = agreementBy(stolen as never, { ...draft, parties });
    const peer = await nodes.bureau.connected.peers.require("bank");
    await expect(nodes.bureau.connected.agreements.receive(peer, forged.envelope(["bank"]))).rejects.toMatchObject({
      code: "AGREEMENT_INVALID",
    });
    const next = await nodes.bank.connected.agreements.propose({ ...draft, version: 2, supersedes: agreement });
    await nodes.bureau.connected.agreements.sign(next.digest);
    expect((await nodes.bank.connected.agreements.status(agreement)).state).toBe("superseded");
    agreement = next.digest as Digest;
    expect(await states()).toEqual(["done", "done"]);
  });

  test("survives a stop between beginning and end, and restarts", async () => {
    const before = nodes.bank.keyring.identity;
    const next = await nodes.bank.keyring.prepareIdentity();
    await nodes.restart("bank");
    expect(nodes.bank.keyring.history.at(-1)).toEqual(next);
    expect(nodes.bank.keyring.identity.publicKey).not.toEqual(before.publicKey);
    expect(await states()).toEqual(["done", "done"]);
    await nodes.restart("bank");
    await nodes.bank.rotateKeys();
    expect(await states()).toEqual(["done", "done"]);
    expect(await nodes.bureau.connected.peers.identities("bank")).toHaveLength(3);
  });

  test("revokes what the old one signed", async () => {
    const mallory = { ...signingKey("x", nodePorts.random.bytes(32)), keyId: keyId("bank", "identity") };
    const peer = await nodes.bureau.connected.peers.require("bank");
    const at = new Date().toISOString();
    const forged = signRevocation({ agreement, by: nodes.bank.keyring.party, at }, mallory);
    await expect(nodes.bureau.connected.revocations.receive(peer, forged)).rejects.toMatchObject({
      code: "SIGNATURE_INVALID",
    });
    await nodes.bank.connected.revocations.revoke(agreement);
    const stateAtBureau = async () => (await nodes.bureau.connected.agreements.status(agreement)).state;
    await expect.poll(stateAtBureau, { timeout: 10_000 }).toBe("revoked");
    expect(fromHex(await identityAtBureau())).toEqual(nodes.bank.keyring.identity.publicKey);
  });
});
