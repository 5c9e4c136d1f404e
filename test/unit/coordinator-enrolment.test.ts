import { randomBytes } from "node:crypto";
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createInvite, initCoordinator, revokeParty } from "../../coordinator/main.ts";
import { callUnary, openChannel } from "../../party/coordinator-link/calls.ts";
import { enrolAt } from "../../party/coordinator-link/enrol.ts";
import { fingerprint } from "../../proto/agreement/identity.ts";
import { ENROL, LOOKUP } from "../../proto/codec/coordinator.ts";
import { formatInvite, parseInvite } from "../../proto/codec/invite.ts";
import * as x509 from "../../proto/codec/x509.ts";
import { toHex } from "../../proto/encoding/bytes.ts";
import { partyId } from "../../proto/ids.ts";
import { codeOf, makeIdentity, openTestInbox, TestCoordinator } from "../support/coordinator.ts";

let coordinator: TestCoordinator;
beforeAll(async () => {
  coordinator = await TestCoordinator.start({ revocationSweepMs: 50 });
});
afterAll(() => coordinator.close());

function optionsOf({ identity, keyset }: ReturnType<typeof makeIdentity>) {
  return { identityPublicKey: identity.publicKey, keyset };
}

describe("enrolment", () => {
  test("an invite becomes a certificate and a directory entry", async () => {
    const bank = await coordinator.enrol("bank");
    const entry = await bank.link.lookup(partyId("bank"));
    expect(toHex(entry.identityPublicKey)).toBe(toHex(bank.identity.publicKey));
    expect(toHex(entry.keyset)).toBe(toHex(bank.keyset));
    expect(entry.connected).toBe(false);
    expect(bank.enrolled.coordinator).toBe("coordinator");
    expect(bank.enrolled.endpoint).toEqual(coordinator.running.endpoints.main);
  });

  test("an invite is used once, also by two at a time", async () => {
    const { code } = await coordinator.invite("twice");
    const invite = parseInvite(code);
    const one = makeIdentity("twice");
    const results = await Promise.allSettled([enrolAt(invite, optionsOf(one)), enrolAt(invite, optionsOf(one))]);
    expect(results.map((result) => result.status).sort()).toEqual(["fulfilled", "rejected"]);
    expect(await codeOf(enrolAt(invite, optionsOf(one)))).toBe("INVITE_USED");
  });

  test("an unknown or expired secret is refused", async () => {
    const { code } = await coordinator.invite("nobody");
    const invite = { ...parseInvite(code), secret: randomBytes(32) };
    expect(await codeOf(enrolAt(invite, optionsOf(makeIdentity("nobody"))))).toBe("INVITE_INVALID");
    const expired = await createInvite({ folder: coordinator.folder, party: "nobody", validityMs: -1 });
    expect(await codeOf(enrolAt(parseInvite(expired.code), optionsOf(makeIdentity("nobody"))))).toBe("INVITE_INVALID");
  });

  test("a name stays with its identity, which may renew its certificate", async () => {
    const seed = randomBytes(32);
    await coordinator.enrol("renewed", makeIdentity("renewed", seed));
    const again = await coordinator.enrol("renewed", makeIdentity("renewed", seed));
    expect((await again.link.lookup(partyId("renewed"))).keyset).toEqual(Buffer.from(again.keyset));
    expect(await codeOf(coordinator.enrol("renewed", makeIdentity("renewed")))).toBe("PARTY_NAME_TAKEN");
    expect(await codeOf(coordinator.invite("coordinator"))).toBe("PARTY_NAME_TAKEN");
  });

  test("a keyset of another party or signed by another identity is refused", async () => {
    const invite = async () => parseInvite((await coordinator.invite("forger")).code);
    expect(await codeOf(enrolAt(await invite(), optionsOf(makeIdentity("somebody"))))).toBe("SIGNATURE_INVALID");
    const [mine, other] = [makeIdentity("forger"), makeIdentity("forger")];
    const mixed = { identityPublicKey: mine.identity.publicKey, keyset: other.keyset };
    expect(await codeOf(enrolAt(await invite(), mixed))).toBe("SIGNATURE_INVALID");
  });

  test("a certificate request must be signed by the key it names, of the right curve", async () => {
    const client = openChannel(coordinator.running.endpoints.enrolment, { ca: (await caOf()).pem });
    const identity = makeIdentity("csr");
    const attempt = async (certificateRequest: Uint8Array) => {
      const { secret } = parseInvite((await coordinator.invite("csr")).code);
      return callUnary(client, ENROL, { ...optionsOf(identity), inviteSecret: secret, certificateRequest });
    };
    const good = await x509.makeCertificateRequest((await x509.makeTransportKey()).keys);
    const flipped = Uint8Array.from(good);
    flipped[good.length - 1] = (flipped[good.length - 1] as number) ^ 1;
    expect(await codeOf(attempt(flipped))).toBe("WIRE_INVALID");
    expect(await codeOf(attempt(randomBytes(100)))).toBe("WIRE_INVALID");
    const p384 = { name: "ECDSA", namedCurve: "P-384" };
    const keys = (await crypto.subtle.generateKey(p384, true, ["sign", "verify"])) as x509.KeyPair;
    expect(await codeOf(attempt(await x509.makeCertificateRequest(keys)))).toBe("WIRE_INVALID");
    await attempt(good);
    client.close();
  });

  test("the subject is the invite's, whatever the request asks for", async () => {
    const { enrolled } = await coordinator.enrol("plain");
    const certificate = new x509.X509Certificate(enrolled.certPem);
    expect(certificate.subject).toBe("CN=plain");
    expect(certificate.getExtension(x509.ExtendedKeyUsageExtension)?.usages).toEqual([
      x509.ExtendedKeyUsage.clientAuth,
    ]);
    expect(certificate.getExtension(x509.BasicConstraintsExtension)?.ca).toBe(false);
  });

  test("another server is noticed before the secret is sent", async () => {
    const other = await TestCoordinator.start();
    try {
      const { code } = await other.invite("bait");
      const invite = { ...parseInvite(code), caFingerprint: coordinator.running.caFingerprint };
      expect(await codeOf(enrolAt(invite, optionsOf(makeIdentity("bait"))))).toBe("FINGERPRINT_MISMATCH");
      // The invite is still good: nothing arrived.
      await enrolAt(parseInvite(code), optionsOf(makeIdentity("bait")));
    } finally {
      await other.close();
    }
  });

  test("nobody listening is a typed error", async () => {
    const { code } = await coordinator.invite("lonely");
    const invite = { ...parseInvite(code), endpoint: { host: "127.0.0.1", port: 1 } };
    expect(await codeOf(enrolAt(invite, optionsOf(makeIdentity("lonely"))))).toBe("COORDINATOR_UNREACHABLE");
  });

  test("a party invites another under its own name and fingerprint", async () => {
    const host = await coordinator.enrol("host");
    const { code } = await host.link.createInvite(partyId("guest"));
    const invite = parseInvite(code);
    expect(invite.inviter).toEqual({ party: "host", fingerprint: fingerprint(host.identity.publicKey) });
    await enrolAt(invite, optionsOf(makeIdentity("guest")));
    expect((await host.link.listParties()).map((entry) => entry.party)).toEqual(
      expect.arrayContaining(["guest", "host"]),
    );
    expect(await codeOf(host.link.createInvite(partyId("guest")))).toBe("PARTY_NAME_TAKEN");
  });
});

describe("the listeners", () => {
  test("without a client certificate the main listener answers nothing", async () => {
    const client = openChannel(coordinator.running.endpoints.main, { ca: (await caOf()).pem });
    expect(await codeOf(callUnary(client, LOOKUP, { party: partyId("bank") }))).toBe("COORDINATOR_UNREACHABLE");
    client.close();
  });

  test("the enrolment listener carries enrolment only, also for an enrolled party", async () => {
    const party = await coordinator.enrol("curious");
    const { caPem: ca, certPem: cert, keyPem: key } = party.enrolled;
    const client = openChannel(coordinator.running.endpoints.enrolment, { ca, cert, key: key.expose() });
    expect(await codeOf(callUnary(client, LOOKUP, { party: partyId("curious") }))).toBe("WIRE_UNEXPECTED");
    client.close();
    const main = openChannel(coordinator.running.endpoints.main, { ca, cert, key: key.expose() });
    const request = { ...optionsOf(party), inviteSecret: randomBytes(32), certificateRequest: randomBytes(10) };
    expect(await codeOf(callUnary(main, ENROL, request))).toBe("WIRE_UNEXPECTED");
    main.close();
  });

  test("a certificate of another authority, or made by oneself, is refused", async () => {
    const other = await TestCoordinator.start();
    try {
      const { enrolled } = await other.enrol("bank");
      const { endpoint, caPem } = (await coordinator.enrol("victim")).enrolled;
      const foreign = coordinator.dial({ ...enrolled, endpoint, caPem });
      expect(await codeOf(foreign.lookup(partyId("bank")))).toBe("COORDINATOR_UNREACHABLE");
      const { keys, privateKeyPem } = await x509.makeTransportKey();
      const selfMade = await x509.X509CertificateGenerator.createSelfSigned({
        name: "CN=victim",
        keys,
        signingAlgorithm: x509.TRANSPORT_KEY,
        extensions: [new x509.SubjectAlternativeNameExtension([{ type: "url", value: x509.partyUri("victim") }])],
      });
      const certPem = x509.pemOf("CERTIFICATE", new Uint8Array(selfMade.rawData));
      const forged = coordinator.dial({ endpoint, caPem, certPem, keyPem: privateKeyPem });
      expect(await codeOf(forged.lookup(partyId("bank")))).toBe("COORDINATOR_UNREACHABLE");
    } finally {
      await other.close();
    }
  });

  test("the caller is the certificate's party: no field can name another", async () => {
    const [a, b] = [await coordinator.enrol("alpha"), await coordinator.enrol("beta")];
    // Alpha publishes beta's keyset: it verifies under beta's identity only, and the caller is alpha.
    expect(await codeOf(a.link.publishKeyset(b.keyset))).toBe("SIGNATURE_INVALID");
    const inbox = await openTestInbox(b.link);
    await a.link.requestSession({ peer: partyId("beta"), purpose: { kind: "control" } });
    expect((await inbox.next()).from).toBe("alpha");
    inbox.close();
  });

  test("a revoked party is refused at its next call, and its streams end", async () => {
    const party = await coordinator.enrol("revoked");
    const inbox = await openTestInbox(party.link);
    await revokeParty({ folder: coordinator.folder, party: "revoked" });
    expect(await codeOf(party.link.listParties())).toBe("CERTIFICATE_REFUSED");
    expect((await inbox.ended).code).toBe("CERTIFICATE_REFUSED");
    const other = await coordinator.enrol("observer");
    expect(await codeOf(other.link.lookup(partyId("revoked")))).toBe("PEER_UNKNOWN");
    // The operator lets it in again; its old certificate stays revoked.
    const back = await coordinator.enrol("revoked", party);
    await back.link.lookup(partyId("revoked"));
    expect(await codeOf(party.link.listParties())).toBe("CERTIFICATE_REFUSED");
    expect(await codeOf(revokeParty({ folder: coordinator.folder, party: "unheard-of" }))).toBe("PEER_UNKNOWN");
  });
});

describe("invite codes", () => {
  const invite = {
    endpoint: { host: "coordinator.example", port: 7_421 },
    caFingerprint: "ab".repeat(32),
    secret: new Uint8Array(randomBytes(32)),
    party: partyId("telecom"),
    inviter: { party: partyId("bank"), fingerprint: fingerprint(randomBytes(32)) },
  };

  test("come back as they were, with and without an inviter", () => {
    expect(parseInvite(formatInvite(invite))).toEqual(invite);
    const { inviter: _, ...plain } = invite;
    expect(parseInvite(` ${formatInvite(plain)}\n`)).toEqual(plain);
  });

  test("every damaged character is noticed", () => {
    const code = formatInvite(invite);
    for (let i = 0; i < code.length; i++) {
      const damaged = code.slice(0, i) + (code[i] === "A" ? "B" : "A") + code.slice(i + 1);
      expect(() => parseInvite(damaged), `character ${i}`).toThrow(/invite code is damaged/);
    }
    for (const other of ["", "entente1_", code.slice(0, -1), `${code}A`, code.replace("1_", "2_"), "é".repeat(50)])
      expect(() => parseInvite(other)).toThrow(/invite code is damaged/);
  });
});

describe("the folder", () => {
  test("is made once; keys are readable by their owner only; secrets are neither stored nor logged", async () => {
    const { folder } = coordinator;
    expect(await codeOf(initCoordinator({ folder }))).toBe("ALREADY_EXISTS");
    expect(await codeOf(createInvite({ folder: join(folder, "none"), party: "bank" }))).toBe("NOT_FOUND");
    for (const path of ["ca/ca-key.pem", "keys/log.seed"])
      expect((await stat(join(folder, path))).mode & 0o777, path).toBe(0o600);

    const { code } = await coordinator.invite("secretive");
    const { secret } = parseInvite(code);
    const enrolled = await enrolAt(parseInvite(code), optionsOf(makeIdentity("secretive")));
    expect(await codeOf(enrolAt(parseInvite(code), optionsOf(makeIdentity("secretive"))))).toBe("INVITE_USED");
    const stored = await Promise.all(
      (await readdir(folder))
        .filter((name) => name.startsWith("coordinator.db"))
        .map((name) => readFile(join(folder, name))),
    );
    const haystack = Buffer.concat([...stored, Buffer.from(coordinator.log)]);
    expect(haystack.includes("secretive")).toBe(true);
    expect(coordinator.log).toContain("INVITE_USED");
    for (const needle of [
      Buffer.from(secret),
      toHex(secret),
      Buffer.from(secret).toString("base64"),
      code,
      enrolled.keyPem.expose(),
    ])
      expect(haystack.includes(needle)).toBe(false);
  });
});

async function caOf() {
  const pem = await readFile(join(coordinator.folder, "ca", "ca.pem"), "utf8");
  return { pem };
}
