/** The coordinator's limits: each is reached once and answers with its code, and what is open stays. */
import { randomBytes } from "node:crypto";
import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { ServiceError } from "@grpc/grpc-js";
import { pino } from "pino";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { checkConfig } from "../../coordinator/config.ts";
import { callGates } from "../../coordinator/gates.ts";
import { COORDINATOR_LIMITS, DEFAULT_LIMITS, type Limits } from "../../coordinator/limits.ts";
import { Inboxes } from "../../coordinator/relay/inboxes.ts";
import { partyRpc } from "../../coordinator/serve.ts";
import type { Service } from "../../coordinator/service.ts";
import { enrolAt } from "../../party/coordinator-link/enrol.ts";
import { LIST_PARTIES } from "../../proto/codec/coordinator.ts";
import { statusToError } from "../../proto/codec/grpc.ts";
import { parseInvite } from "../../proto/codec/invite.ts";
import { makeCertificateRequest, makeTransportKey, partyUri } from "../../proto/codec/x509.ts";
import { toHex } from "../../proto/encoding/bytes.ts";
import { digestOf } from "../../proto/encoding/sha256.ts";
import { EntenteError } from "../../proto/errors.ts";
import { type JobId, partyId, type RelayId } from "../../proto/ids.ts";
import type { LimitsWith } from "../../proto/limits/limit.ts";
import { Tally } from "../../proto/ops/tally.ts";
import { nodePorts } from "../../proto/ports/node.ts";
import { makeIdentity, openTestInbox, TestCoordinator, type TestParty } from "../support/coordinator.ts";

const [BANK, TELECOM, OTHER] = [partyId("bank"), partyId("telecom"), partyId("other")];

async function refusalOf(promise: Promise<unknown>): Promise<EntenteError> {
  const thrown = await promise.then(() => undefined).catch((error: unknown) => error);
  expect(thrown).toBeInstanceOf(EntenteError);
  return thrown as EntenteError;
}

type Closed = LimitsWith<typeof COORDINATOR_LIMITS, "COORDINATOR_UNREACHABLE">;
type Refused = LimitsWith<typeof COORDINATOR_LIMITS, "OVERLOADED" | "RATE_LIMITED" | "LIMIT_EXCEEDED" | "DISK_FULL">;

/** One call is being answered; what a second one of the same party is told, and a third of another party. */
async function secondCall(): Promise<EntenteError> {
  const gates = callGates({ ...DEFAULT_LIMITS, callsPerPartyAtOnce: 1 }, nodePorts.clock);
  let party = BANK;
  const store = { findCertificate: async () => ({ party, notAfterMs: Number.POSITIVE_INFINITY }) };
  const service = {
    gates,
    store,
    answers: new Tally(),
    ports: nodePorts,
    logger: pino({ level: "silent" }),
  } as unknown as Service;
  let release = () => {};
  const open = new Promise<void>((resolve) => {
    release = resolve;
  });
  const rpc = partyRpc(service, LIST_PARTIES, async () => {
    await open;
    return [];
  });
  const ask = () =>
    new Promise<EntenteError | undefined>((resolve) => {
      const sslPeerCertificate = { raw: Buffer.alloc(1), subjectaltname: `URI:${partyUri(party)}` };
      const call = { getAuthContext: () => ({ sslPeerCertificate }), request: Buffer.alloc(0) };
      rpc(call as never, (failure) => resolve(failure ? statusToError(failure as ServiceError) : undefined));
    });
  const first = ask();
  const second = await ask();
  party = OTHER;
  const third = ask();
  release();
  expect([await first, await third]).toEqual([undefined, undefined]);
  return second as EntenteError;
}

describe("of calls", () => {
  let coordinator: TestCoordinator;
  let bank: TestParty;
  let telecom: TestParty;
  let other: TestParty;
  beforeAll(async () => {
    coordinator = await TestCoordinator.start({
      ...{ callsPerPartyMinute: 60, callsPerPartyAtOnce: 3, streamsPerParty: 2, enrolmentsPerAddressMinute: 4 },
      ...{
        certificatesPerParty: 2,
        meetings: 3,
        meetingsPerParty: 2,
        invitesPerParty: 1,
        agreementsPerParty: 2,
        jobsPerParty: 1,
      },
    } satisfies Partial<Limits>);
    bank = await coordinator.enrol("bank");
    telecom = await coordinator.enrol("telecom");
    other = await coordinator.enrol("other");
    await openTestInbox(telecom.link);
  });
  afterAll(() => coordinator.close());

  const control = { peer: TELECOM, purpose: { kind: "control" } } as const;
  const digest = () => digestOf(randomBytes(32));
  const agree = (agreementDigest = digest()) =>
    bank.link.recordAgreement({ agreementDigest, parties: [BANK, TELECOM], state: "active" });

  /** Of each: reached, and the error of the one too many. In this order: some use what those before have left. */
  const REACHED: { readonly [N in Refused]: () => Promise<EntenteError> } = {
    async enrolmentsPerAddressMinute() {
      // Three parties have enrolled by now.
      const [a, b] = [await coordinator.invite("fourth"), await coordinator.invite("fifth")];
      const enrol = ({ code }: { code: string }, name: string) => {
        const { identity, keyset } = makeIdentity(name);
        return enrolAt(parseInvite(code), { identityPublicKey: identity.publicKey, keyset });
      };
      await enrol(a, "fourth");
      return refusalOf(enrol(b, "fifth"));
    },
    async freeDiskMib() {
      // More than any disk has.
      const full = await TestCoordinator.start({ freeDiskMib: 1e12 });
      try {
        return await refusalOf(full.enrol("bank"));
      } finally {
        await full.close();
      }
    },
    async invitesPerParty() {
      await bank.link.createInvite(partyId("guest"));
      return refusalOf(bank.link.createInvite(partyId("guest2")));
    },
    async certificatesPerParty() {
      const request = await makeCertificateRequest((await makeTransportKey()).keys);
      await bank.link.renewCertificate(request);
      return refusalOf(bank.link.renewCertificate(request));
    },
    async agreementsPerParty() {
      await agree();
      await agree();
      return refusalOf(agree());
    },
    async jobsPerParty() {
      const agreementDigest = digest();
      const parties = [OTHER, TELECOM] as const;
      for (const { link } of [other, telecom].slice(0, 1))
        await link.recordAgreement({ agreementDigest, parties, state: "active" });
      const job = () => ({
        jobId: toHex(randomBytes(16)) as JobId,
        agreementDigest,
        peer: TELECOM,
        jobDigest: digest(),
      });
      await other.link.createJob(job());
      return refusalOf(other.link.createJob(job()));
    },
    async meetingsPerParty() {
      await bank.link.requestSession(control);
      await bank.link.requestSession(control);
      return refusalOf(bank.link.requestSession(control));
    },
    async meetings() {
      await other.link.requestSession(control);
      return refusalOf(other.link.requestSession(control));
    },
    async wakesPerInbox() {
      const inboxes = new Inboxes("00000000000000a1", DEFAULT_LIMITS);
      const wake = {
        number: 1,
        relayId: "00" as RelayId,
        from: BANK,
        purpose: { kind: "control" },
        expiresInSeconds: 1,
      } as const;
      inboxes.open(TELECOM, { unsent: DEFAULT_LIMITS.wakesPerInbox, send: () => expect.unreachable(), end() {} });
      return refusalOf((async () => inboxes.wake(TELECOM, wake))());
    },
    async streamsPerParty() {
      // The inbox is one; of three relayed streams one more may wait.
      const connecting = [1, 2, 3].map((i) => telecom.link.connectRelay(`0${i}`.repeat(16) as RelayId));
      const ended = connecting.map((stream) => stream.then(() => undefined).catch((error: EntenteError) => error));
      const codes = (await Promise.all(ended)).map((error) => error?.code);
      expect(codes).toContain("NOT_FOUND");
      return (await ended[codes.indexOf("OVERLOADED")]) as EntenteError;
    },
    callsPerPartyAtOnce: secondCall,
    async callsPerPartyMinute() {
      for (let i = 0; ; i++) {
        const failed = await telecom.link
          .lookup(BANK)
          .then(() => undefined)
          .catch((error: EntenteError) => error);
        expect(i).toBeLessThan(61);
        if (failed !== undefined) {
          // Others are not held up.
          await bank.link.lookup(TELECOM);
          return failed;
        }
      }
    },
  };

  test.each(Object.keys(REACHED) as Refused[])("%s", async (name) => {
    const error = await REACHED[name]();
    const { code } = COORDINATOR_LIMITS[name];
    expect([error.code, error.detail]).toEqual([
      code,
      expect.stringMatching(`^${name}: .* set under 'limits' in coordinator.json$`),
    ]);
    expect(error.retryAfterSeconds).toEqual(code === "LIMIT_EXCEEDED" ? undefined : expect.any(Number));
  });
});

describe("of connections", () => {
  const sockets: Socket[] = [];
  let coordinator: TestCoordinator;
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    await coordinator.close();
  });

  /** Connects and says nothing; resolves to whether it stays open. */
  async function knock(localAddress: string, door: "main" | "enrolment" = "main"): Promise<boolean> {
    const { host, port } = coordinator.running.endpoints[door];
    const socket = connect({ host, port, localAddress });
    sockets.push(socket);
    socket.on("error", () => {});
    await new Promise((done) => socket.once("connect", done));
    return new Promise((resolve) => {
      socket.once("close", () => resolve(false));
      setTimeout(() => resolve(true), 60);
    });
  }

  const REACHED: { readonly [N in Closed]: () => Promise<EntenteError> } = {
    async handshakesPerAddress() {
      coordinator = await TestCoordinator.start({ handshakesPerAddress: 2 });
      const party = await coordinator.enrol("bank");
      expect([await knock("127.0.0.1"), await knock("127.0.0.1"), await knock("127.0.0.1")]).toEqual([
        true,
        true,
        false,
      ]);
      expect(await knock("127.0.0.2")).toBe(true);
      return refusalOf(party.link.lookup(BANK));
    },
    async handshakes() {
      coordinator = await TestCoordinator.start({ handshakes: 2, handshakeMs: 1_500 });
      const party = await coordinator.enrol("bank");
      const open = [await knock("127.0.0.2"), await knock("127.0.0.3", "enrolment"), await knock("127.0.0.4")];
      expect(open).toEqual([true, true, false]);
      const error = await refusalOf(party.link.lookup(BANK));
      // They have a deadline.
      await expect
        .poll(
          () =>
            party.link
              .lookup(BANK)
              .then(() => "ok")
              .catch(() => "refused"),
          { timeout: 10_000 },
        )
        .toBe("ok");
      return error;
    },
    async connectionsPerParty() {
      coordinator = await TestCoordinator.start({ connectionsPerParty: 1 });
      const [party, other] = [await coordinator.enrol("bank"), await coordinator.enrol("telecom")];
      await party.link.lookup(BANK);
      const error = await refusalOf(coordinator.dial(party.enrolled).lookup(BANK));
      await Promise.all([party.link.lookup(BANK), other.link.lookup(BANK)]);
      return error;
    },
    async connections() {
      coordinator = await TestCoordinator.start({ connections: 1 });
      const [party, other] = [await coordinator.enrol("bank"), await coordinator.enrol("telecom")];
      await party.link.lookup(BANK);
      const error = await refusalOf(other.link.lookup(BANK));
      await party.link.lookup(BANK);
      return error;
    },
    async enrolConnectionsPerAddress() {
      coordinator = await TestCoordinator.start({ enrolConnectionsPerAddress: 2 });
      return heldDoor();
    },
    async enrolConnections() {
      coordinator = await TestCoordinator.start({ enrolConnections: 2 });
      return heldDoor();
    },
  };

  /** A stranger holds both places at the enrolment listener; to enrol takes one after the other, for a moment both. */
  async function heldDoor(): Promise<EntenteError> {
    const { host, port } = coordinator.running.endpoints.enrolment;
    const held = [1, 2].map(() =>
      connectTls({ host, port, rejectUnauthorized: false, ALPNProtocols: ["h2"], minVersion: "TLSv1.3" }),
    );
    sockets.push(...held);
    // The first thing that an HTTP/2 server says: the connection is behind the door.
    await Promise.all(held.map((socket) => new Promise((done) => socket.once("data", done))));
    const error = await refusalOf(coordinator.enrol("bank"));
    for (const socket of held) socket.destroy();
    const enrolled = () =>
      coordinator
        .enrol("bank")
        .then(() => "ok")
        .catch(() => "refused");
    await expect.poll(enrolled, { timeout: 10_000 }).toBe("ok");
    return error;
  }

  test.each(Object.keys(REACHED) as Closed[])("%s", async (name) => {
    expect((await REACHED[name]()).code).toBe("COORDINATOR_UNREACHABLE");
  });
});

test("are set in coordinator.json, and a name that is none is refused", () => {
  const config = {
    format: "entente-coordinator/1",
    name: "coordinator",
    host: "localhost",
    port: 1,
    enrolPort: 2,
    logLevel: "info",
  };
  expect(checkConfig({ ...config, limits: { jobsPerParty: 7 } }).limits).toEqual({ jobsPerParty: 7 });
  for (const limits of [{ jobsPerParty: 0 }, { jobsPerPary: 7 }, { meetingMs: 2 ** 31 }])
    expect(() => checkConfig({ ...config, limits })).toThrow(/coordinator.json: limits/);
});
