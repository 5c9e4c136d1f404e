/** Certificates over real TLS connections: which ones a listener and a party refuse, and how both renew theirs. */
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { connect, createServer, type TLSSocket } from "node:tls";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createInvite, revokeParty } from "../../coordinator/main.ts";
import { openSqliteStore } from "../../coordinator/store/sqlite.ts";
import { callUnary, openChannel } from "../../party/coordinator-link/calls.ts";
import { dialCoordinator } from "../../party/coordinator-link/dial.ts";
import { type Enrolled, enrolAt } from "../../party/coordinator-link/enrol.ts";
import { listsCertificate } from "../../party/coordinator-link/refusal.ts";
import { CertificateRenewal } from "../../party/coordinator-link/renewal.ts";
import { FETCH_REVOCATIONS, RENEW_CERTIFICATE } from "../../proto/codec/coordinator.ts";
import { parseInvite } from "../../proto/codec/invite.ts";
import * as x509 from "../../proto/codec/x509.ts";
import { partyId } from "../../proto/ids.ts";
import { nodePorts } from "../../proto/ports/node.ts";
import type { Clock } from "../../proto/ports/ports.ts";
import { type Made, makeCertificate, type Wish } from "../support/certificates.ts";
import { codeOf, openTestInbox, TestCoordinator, type TestParty } from "../support/coordinator.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const { clientAuth, serverAuth } = x509.ExtendedKeyUsage;
const names = [{ type: "url" as const, value: x509.partyUri("bank") }];

let coordinator: TestCoordinator;
let other: TestCoordinator;
let bank: TestParty;
beforeAll(async () => {
  coordinator = await TestCoordinator.start({ revocationSweepMs: 20, certificateMs: 10 * MINUTE_MS });
  other = await TestCoordinator.start();
  bank = await coordinator.enrol("bank");
});
afterAll(async () => {
  await other.close();
  await coordinator.close();
});

/** What a party that holds this certificate hears at the main listener. */
async function answerTo(made: Pick<Made, "certPem" | "keyPem">): Promise<string> {
  const { endpoint, caPem } = bank.enrolled;
  const link = coordinator.dial({ ...made, endpoint, caPem });
  try {
    await link.lookup(partyId("bank"));
    return "let in";
  } catch (error) {
    return (error as { code: string }).code;
  } finally {
    link.close();
  }
}

/** As if the coordinator had issued it to the bank. */
async function register({ fingerprint, serial, notAfterMs }: Made): Promise<void> {
  const store = openSqliteStore(join(coordinator.folder, "coordinator.db"));
  const bounds = { nowMs: Date.now(), maxLive: 100 };
  expect(await store.addCertificate({ party: partyId("bank"), fingerprint, serial, notAfterMs }, bounds)).toBe("added");
  await store.close();
}

describe("a party's certificate at the coordinator", () => {
  test.each<[string, (folders: { own: string; other: string }) => Wish, string]>([
    ["a good one is let in", ({ own }) => ({ folder: own }), "let in"],
    ["expired", ({ own }) => ({ folder: own, untilMs: Date.now() - 1_000 }), "COORDINATOR_UNREACHABLE"],
    ["not valid yet", ({ own }) => ({ folder: own, fromMs: Date.now() + 60_000 }), "COORDINATOR_UNREACHABLE"],
    ["of another authority", (folders) => ({ folder: folders.other }), "COORDINATOR_UNREACHABLE"],
    ["self-made", () => ({ folder: undefined }), "COORDINATOR_UNREACHABLE"],
    ["for servers", ({ own }) => ({ folder: own, usage: serverAuth }), "COORDINATOR_UNREACHABLE"],
    [
      "a key that may not sign",
      ({ own }) => ({ folder: own, keyUsage: x509.KeyUsageFlags.keyCertSign }),
      "COORDINATOR_UNREACHABLE",
    ],
    [
      "of another party's name",
      ({ own }) => ({ folder: own, names: [{ type: "url", value: x509.partyUri("telecom") }] }),
      "CERTIFICATE_REFUSED",
    ],
    ["of two names", ({ own }) => ({ folder: own, names: [...names, ...names] }), "CERTIFICATE_REFUSED"],
    ["of no name", ({ own }) => ({ folder: own, names: [] }), "CERTIFICATE_REFUSED"],
  ])("%s", async (_, wishOf, answer) => {
    const made = await makeCertificate({ names, ...wishOf({ own: coordinator.folder, other: other.folder }) });
    // Each is in the coordinator's books: what is refused, is refused for what it is.
    await register(made);
    expect(await answerTo(made)).toBe(answer);
  });

  test("one that the coordinator does not know is refused, whoever signed it", async () => {
    const made = await makeCertificate({ folder: coordinator.folder, names });
    expect(await answerTo(made)).toBe("CERTIFICATE_REFUSED");
  });

  test("a revoked one is refused by TLS, and its party learns why", async () => {
    const { enrolled } = await coordinator.enrol("revoked");
    const open = coordinator.dial(enrolled);
    await open.lookup(partyId("bank"));
    await revokeParty({ folder: coordinator.folder, party: "revoked" });
    expect(await codeOf(open.lookup(partyId("bank")))).toBe("CERTIFICATE_REFUSED");
    await untilListed(enrolled);
    const { endpoint, caPem, certPem, keyPem } = enrolled;
    const socket = connect({
      ...{ host: endpoint.host, port: endpoint.port, servername: x509.COORDINATOR_SERVER_NAME, ALPNProtocols: ["h2"] },
      ...{ ca: caPem, cert: certPem, key: keyPem.expose() },
    });
    socket.on("error", () => undefined);
    const received: Buffer[] = [];
    socket.on("data", (bytes: Buffer) => received.push(bytes));
    await once(socket, "close");
    expect(received).toEqual([]);
    const again = coordinator.dial(enrolled);
    expect(await codeOf(again.lookup(partyId("bank")))).toBe("COORDINATOR_UNREACHABLE");
    expect(await codeOf(openTestInbox(again))).toBe("CERTIFICATE_REFUSED");
  });
});

function revocations(): Promise<{ readonly revocationList: Uint8Array }> {
  const channel = openChannel(coordinator.running.endpoints.enrolment, { ca: bank.enrolled.caPem });
  return callUnary(channel, FETCH_REVOCATIONS, undefined).finally(() => channel.close());
}

async function untilListed(enrolled: Enrolled): Promise<void> {
  while (!(await listsCertificate((await revocations()).revocationList, enrolled)))
    await new Promise((done) => setTimeout(done, 10));
}

describe("the revocation list", () => {
  test("is signed by the authority, as OpenSSL reads it, and each has a higher number", async () => {
    const { enrolled } = await coordinator.enrol("listed");
    const before = (await revocations()).revocationList;
    expect(await listsCertificate(before, enrolled)).toBe(false);
    await revokeParty({ folder: coordinator.folder, party: "listed" });
    await untilListed(enrolled);
    const after = (await revocations()).revocationList;
    const numbers = await Promise.all(
      [before, after].map(async (der, i) => {
        const path = join(coordinator.folder, `list-${i}.der`);
        await writeFile(path, der);
        const ca = join(coordinator.folder, "ca", "ca.pem");
        const options = ["crl", "-inform", "DER", "-in", path, "-CAfile", ca, "-noout", "-text"];
        const text = execFileSync("openssl", options, { stdio: ["ignore", "pipe", "pipe"] }).toString();
        return Number(/X509v3 CRL Number:\s*(\d+)/.exec(text)?.[1]);
      }),
    );
    expect(numbers[1]).toBeGreaterThan(numbers[0] as number);
  });

  test("of another authority, or changed, is none", async () => {
    const { revocationList } = await revocations();
    const { caPem } = (await other.enrol("bank")).enrolled;
    expect(await codeOf(listsCertificate(revocationList, { ...bank.enrolled, caPem }))).toBe("WIRE_INVALID");
    const changed = Uint8Array.from(revocationList);
    changed[changed.length - 1] = (changed.at(-1) as number) ^ 1;
    for (const bad of [changed, new Uint8Array(), new Uint8Array([0x30, 0x00])])
      expect(await codeOf(listsCertificate(bad, bank.enrolled))).toBe("WIRE_INVALID");
  });
});

describe("a coordinator's certificate at a party", () => {
  const server = [{ type: "dns" as const, value: x509.COORDINATOR_SERVER_NAME }];
  const good = { usage: serverAuth, names: server };

  test.each<[string, (folders: { own: string; other: string }) => Wish, boolean]>([
    ["a good one is spoken to", ({ own }) => ({ ...good, folder: own }), true],
    ["expired", ({ own }) => ({ ...good, folder: own, untilMs: Date.now() - 1_000 }), false],
    ["not valid yet", ({ own }) => ({ ...good, folder: own, fromMs: Date.now() + 60_000 }), false],
    ["of another authority", (folders) => ({ ...good, folder: folders.other }), false],
    ["self-made", () => ({ ...good, folder: undefined }), false],
    ["a party's", ({ own }) => ({ ...good, folder: own, usage: clientAuth }), false],
    ["of another name", ({ own }) => ({ ...good, folder: own, names: [{ type: "dns", value: "localhost" }] }), false],
    ["of no name", ({ own }) => ({ ...good, folder: own, names: [] }), false],
  ])("%s", async (_, wishOf, isSpokenTo) => {
    const { certPem, keyPem } = await makeCertificate(wishOf({ own: coordinator.folder, other: other.folder }));
    let received = 0;
    const listener = createServer({ cert: certPem, key: keyPem.expose(), ALPNProtocols: ["h2"] }, (socket) => {
      socket.on("error", () => undefined);
      socket.on("data", (bytes: Buffer) => {
        received += bytes.length;
        socket.destroy();
      });
    });
    listener.listen(0, "127.0.0.1");
    await once(listener, "listening");
    const { port } = listener.address() as { port: number };
    const link = dialCoordinator({ ...bank.enrolled, endpoint: { host: "127.0.0.1", port } });
    expect(await codeOf(link.lookup(partyId("bank")))).toBe("COORDINATOR_UNREACHABLE");
    expect(received > 0).toBe(isSpokenTo);
    link.close();
    listener.close();
  });
});

/** A renewal over the party's own link, with what it kept. */
function renewalOf({ enrolled, link }: TestParty, clock: Pick<Clock, "nowMs"> = nodePorts.clock) {
  const kept: Enrolled[] = [];
  const keep = async (renewed: Enrolled) => void kept.push(renewed);
  const renewal = new CertificateRenewal(enrolled, {
    ...{ link, keep, ports: nodePorts, clock, logger: pino({ level: "silent" }) },
  });
  return { renewal, kept };
}

describe("renewal", () => {
  test("gives a new key and certificate; a relayed session goes on over the old ones, even past their end", async () => {
    const [ada, ben] = [await coordinator.enrol("ada"), await coordinator.enrol("ben")];
    const inbox = await openTestInbox(ben.link);
    const { relayId } = await ada.link.requestSession({ peer: partyId("ben"), purpose: { kind: "control" } });
    await inbox.next();
    const [left, right] = await Promise.all([ada.link.connectRelay(relayId), ben.link.connectRelay(relayId)]);
    const old = coordinator.dial(ada.enrolled);
    await old.lookup(partyId("ben"));
    coordinator.aheadMs = 4 * MINUTE_MS;
    try {
      const { renewal, kept } = renewalOf(ada);
      await renewal.renew();
      await renewalOf(ben).renewal.renew();
      const [renewed] = kept as [Enrolled];
      expect(renewed.certPem).not.toBe(ada.enrolled.certPem);
      expect(renewed.keyPem.expose()).not.toBe(ada.enrolled.keyPem.expose());
      expect((await inbox.ended).code).toBe("COORDINATOR_UNREACHABLE");
      coordinator.aheadMs = 11 * MINUTE_MS;
      expect(await codeOf(old.lookup(partyId("ben")))).toBe("CERTIFICATE_REFUSED");
      await ada.link.lookup(partyId("ben"));
      // Some sweeps later.
      await new Promise((done) => setTimeout(done, 100));
      expect(await echo(left, right)).toBe("still here");
      expect(await echo(right, left)).toBe("still here");
    } finally {
      coordinator.aheadMs = 0;
    }
  });

  test("is for the caller alone, for a key that it holds, a bounded number of times", async () => {
    const party = await coordinator.enrol("greedy");
    const { caPem: ca, certPem: cert, keyPem } = party.enrolled;
    const channel = openChannel(coordinator.running.endpoints.main, { ca, cert, key: keyPem.expose() });
    const ask = async (certificateRequest: Uint8Array) =>
      (await callUnary(channel, RENEW_CERTIFICATE, { certificateRequest })).certificateChain[0] as Uint8Array;
    const request = await x509.makeCertificateRequest((await x509.makeTransportKey()).keys);
    const certificate = new x509.X509Certificate(new Uint8Array(await ask(request)));
    expect([certificate.subject, certificate.getExtension(x509.ExtendedKeyUsageExtension)?.usages]).toEqual([
      "CN=greedy",
      [clientAuth],
    ]);
    const flipped = Uint8Array.from(request);
    flipped[flipped.length - 1] = (flipped.at(-1) as number) ^ 1;
    expect(await codeOf(ask(flipped))).toBe("WIRE_INVALID");
    for (let i = 2; i < 16; i++) await ask(request);
    expect(await codeOf(ask(request))).toBe("OVERLOADED");
    await revokeParty({ folder: coordinator.folder, party: "greedy" });
    expect(await codeOf(ask(request))).toBe("CERTIFICATE_REFUSED");
    channel.close();
    const stranger = openChannel(coordinator.running.endpoints.enrolment, { ca });
    expect(await codeOf(callUnary(stranger, RENEW_CERTIFICATE, { certificateRequest: request }))).toBe(
      "WIRE_UNEXPECTED",
    );
    stranger.close();
  });

  test("after its end an invite brings the same party back, under the same identity", async () => {
    const party = await coordinator.enrol("late");
    coordinator.aheadMs = HOUR_MS;
    try {
      expect(await codeOf(party.link.lookup(partyId("late")))).toBe("CERTIFICATE_REFUSED");
      const { renewal, kept } = renewalOf(party, { nowMs: () => Date.now() + HOUR_MS });
      expect(await codeOf(renewal.renew())).toBe("CERTIFICATE_EXPIRED");
      expect(kept).toEqual([]);
    } finally {
      coordinator.aheadMs = 0;
    }
    const { code } = await createInvite({ folder: coordinator.folder, party: "late" });
    const again = await enrolAt(parseInvite(code), {
      identityPublicKey: party.identity.publicKey,
      keyset: party.keyset,
    });
    await coordinator.dial(again).lookup(partyId("late"));
  });
});

async function echo(from: Duplex, to: Duplex): Promise<string> {
  from.write("still here");
  const [bytes] = (await once(to, "data")) as [Buffer];
  return bytes.toString();
}

test("the coordinator renews its own certificate without a restart, and says how long it and its authority last", async () => {
  const short = await TestCoordinator.start({ revocationSweepMs: 20, serverCertificateMs: 6 * MINUTE_MS });
  try {
    const party = await short.enrol("bank");
    const serialOf = async (port: number) => {
      const socket = connect({
        host: "127.0.0.1",
        port,
        servername: x509.COORDINATOR_SERVER_NAME,
        ca: party.enrolled.caPem,
      });
      await once(socket, "secureConnect");
      const { serialNumber } = (socket as TLSSocket).getPeerCertificate();
      socket.destroy();
      return serialNumber;
    };
    const { enrolment } = short.running.endpoints;
    const [first, days] = [await serialOf(enrolment.port), short.running.validity()];
    expect(days.certificateDaysLeft).toBeCloseTo(6 / 1_440, 3);
    expect(Math.round(days.authorityDaysLeft)).toBe(3_650);
    expect(await serialOf(enrolment.port)).toBe(first);
    short.aheadMs = 4.5 * MINUTE_MS;
    while ((await serialOf(enrolment.port)) === first) await new Promise((done) => setTimeout(done, 10));
    // Who was connected still is, and who comes finds the new one.
    await party.link.lookup(partyId("bank"));
    await short.dial(party.enrolled).lookup(partyId("bank"));
    expect(await readFile(join(short.folder, "ca", "ca.pem"), "utf8")).toBe(party.enrolled.caPem);
  } finally {
    await short.close();
  }
});
