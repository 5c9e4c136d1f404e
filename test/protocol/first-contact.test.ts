/** Two parties that have not met: whatever is not as a person has confirmed it ends before anything is said. */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { join } from "node:path";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { CoordinatorLink } from "../../party/coordinator-link/link.ts";
import { Node } from "../../party/node.ts";
import { fingerprint } from "../../proto/agreement/identity.ts";
import { formatInvite, parseInvite } from "../../proto/codec/invite.ts";
import type { EntenteError } from "../../proto/errors.ts";
import { type PartyId, partyId } from "../../proto/ids.ts";
import { nodePorts } from "../../proto/ports/node.ts";
import { codeOf, makeIdentity, openTestInbox, TestCoordinator, type TestParty } from "../support/coordinator.ts";
import { demoAgreement, generous } from "../support/demo-agreement.ts";

let coordinator: TestCoordinator;
let bank: Node;
let bureau: TestParty;
/** Whom the directory shows in the place of a party. */
const shown = new Map<PartyId, TestParty>();
const looked: PartyId[] = [];

async function openNode(name: string): Promise<Node> {
  const dial = (...options: Parameters<TestCoordinator["dial"]>): CoordinatorLink => {
    const link = coordinator.dial(...options);
    const lookup = async (party: PartyId) => {
      looked.push(party);
      const entry = await link.lookup(party);
      const other = shown.get(party);
      if (other === undefined) return entry;
      return { ...entry, identityPublicKey: other.identity.publicKey, keyset: other.keyset };
    };
    return { ...link, lookup };
  };
  const logger = pino({ level: "silent" });
  return Node.open({ ports: nodePorts, folder: join(coordinator.folder, name), party: name, logger, dial });
}

beforeAll(async () => {
  coordinator = await TestCoordinator.start();
  bank = await openNode("bank");
  await bank.enrol((await coordinator.invite("bank")).code);
  bureau = await coordinator.enrol("bureau");
  while (!bank.connected.isOnline()) await new Promise((done) => setTimeout(done, 5));
});
afterAll(async () => {
  await bank.close();
  await coordinator.close();
});

const FINGERPRINT = () => fingerprint(bureau.identity.publicKey);
const isConfirmed = async (party: string) =>
  (await bank.connected.peers.list()).some((peer) => peer.party === party && peer.confirmed);

describe("a peer", () => {
  test("that nobody knows cannot be confirmed, nor met", async () => {
    expect(await codeOf(bank.connected.peers.confirm("nobody", FINGERPRINT()))).toBe("PEER_UNKNOWN");
    expect(await codeOf(bank.peerDatasets("nobody"))).toBe("PEER_UNCONFIRMED");
  });

  test("that nobody has confirmed is not met, asked or agreed with; the directory is not even asked", async () => {
    const before = looked.length;
    expect(await codeOf(bank.peerDatasets("bureau"))).toBe("PEER_UNCONFIRMED");
    expect(await codeOf(bank.connected.agreements.propose(demoAgreement(generous())))).toBe("PEER_UNCONFIRMED");
    expect(looked.slice(before)).toEqual([]);
  });

  test("that nobody has confirmed and calls hears the line close, and not a byte", async () => {
    const inbox = await openTestInbox(bureau.link);
    const { relayId } = await bureau.link.requestSession({ peer: partyId("bank"), purpose: { kind: "control" } });
    const received: Buffer[] = [];
    const hear = async () => {
      const stream = await bureau.link.connectRelay(relayId);
      stream.on("data", (bytes: Buffer) => received.push(bytes));
      const [error] = (await once(stream, "error")) as [EntenteError];
      throw error;
    };
    expect(await codeOf(hear())).toBe("PEER_GONE");
    expect(received).toEqual([]);
    inbox.close();
  });

  test("whose fingerprint was misheard, or is this node's own, stays unconfirmed", async () => {
    const { peers } = bank.connected;
    const other = fingerprint(randomBytes(32));
    for (const typed of [other, fingerprint(bank.keyring.identity.publicKey)])
      expect(await codeOf(peers.confirm("bureau", typed))).toBe("FINGERPRINT_MISMATCH");
    expect(await codeOf(peers.confirm("bank", fingerprint(bank.keyring.identity.publicKey)))).toBe(
      "FINGERPRINT_MISMATCH",
    );
    expect(await isConfirmed("bureau")).toBe(false);
  });

  test("that the directory shows with another identity than the telephone said is not confirmed", async () => {
    shown.set(partyId("bureau"), { ...bureau, ...makeIdentity("bureau") });
    expect(await codeOf(bank.connected.peers.confirm("bureau", FINGERPRINT()))).toBe("FINGERPRINT_MISMATCH");
    shown.clear();
    expect(await isConfirmed("bureau")).toBe(false);
  });

  test("that was confirmed and is shown with another identity is refused, also when somebody reads out the new one", async () => {
    await bank.connected.peers.confirm("bureau", FINGERPRINT());
    const impostor = makeIdentity("bureau");
    shown.set(partyId("bureau"), { ...bureau, ...impostor });
    try {
      expect(await codeOf(bank.peerDatasets("bureau"))).toBe("SIGNATURE_INVALID");
      const { peers } = bank.connected;
      expect(await codeOf(peers.confirm("bureau", fingerprint(impostor.identity.publicKey)))).toBe(
        "FINGERPRINT_MISMATCH",
      );
      expect(await codeOf(peers.confirm("bureau", FINGERPRINT()))).toBe("FINGERPRINT_MISMATCH");
    } finally {
      shown.clear();
    }
    expect((await bank.connected.peers.require("bureau")).keyset.identity).toEqual(bureau.identity.publicKey);
  });
});

describe("an invite", () => {
  test("with another authority's fingerprint enrols nobody, and is not used up", async () => {
    const { code } = await coordinator.invite("customs");
    const customs = await openNode("customs");
    const forged = formatInvite({ ...parseInvite(code), caFingerprint: "ab".repeat(32) });
    expect(await codeOf(customs.enrol(forged))).toBe("FINGERPRINT_MISMATCH");
    expect(customs.isEnrolled).toBe(false);
    await customs.enrol(code);
    await customs.close();
  });

  test("with another fingerprint of the peer that made it confirms nobody", async () => {
    const { code } = await bank.connected.link.createInvite(partyId("telecom"));
    const invite = parseInvite(code);
    expect(invite.inviter).toEqual({ party: "bank", fingerprint: fingerprint(bank.keyring.identity.publicKey) });
    const inviter = { party: partyId("bank"), fingerprint: fingerprint(randomBytes(32)) };
    const telecom = await openNode("telecom");
    expect(await codeOf(telecom.enrol(formatInvite({ ...invite, inviter })))).toBe("FINGERPRINT_MISMATCH");
    expect((await telecom.connected.peers.list()).filter(({ confirmed }) => confirmed)).toEqual([]);
    expect(await codeOf(telecom.peerDatasets("bank"))).toBe("PEER_UNCONFIRMED");
    await telecom.close();
  });
});
