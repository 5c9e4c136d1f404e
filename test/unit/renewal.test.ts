/** When certificates and keysets are renewed, by a clock that the test moves. */
import { pino } from "pino";
import { describe, expect, test } from "vitest";
import type { Enrolled } from "../../party/coordinator-link/enrol.ts";
import { CertificateRenewal } from "../../party/coordinator-link/renewal.ts";
import { daysLeft } from "../../party/doctor/validity.ts";
import { KeysetRenewal } from "../../party/keyset-renewal.ts";
import type { Keyset } from "../../proto/agreement/keyset.ts";
import * as x509 from "../../proto/codec/x509.ts";
import { EntenteError } from "../../proto/errors.ts";
import { partyId } from "../../proto/ids.ts";
import { codeOf } from "../support/coordinator.ts";

const DAY = 86_400_000;
const START = Date.parse("2026-01-01T00:00:00Z");
const random = (byte: number) => ({ bytes: (length: number) => new Uint8Array(length).fill(byte) });

describe("a certificate", () => {
  /** A coordinator's authority without a coordinator. */
  async function authority() {
    const { keys } = await x509.makeTransportKey();
    const signing = { signingAlgorithm: x509.TRANSPORT_KEY };
    const ca = await x509.X509CertificateGenerator.createSelfSigned({
      ...{ ...signing, keys, name: "CN=ca", notBefore: new Date(START), notAfter: new Date(START + 3_650 * DAY) },
      extensions: [new x509.BasicConstraintsExtension(true, 0, true)],
    });
    const caDer = new Uint8Array(ca.rawData);
    const issue = async (fromMs: number, request: Uint8Array, party: string) => {
      const { publicKey } = new x509.Pkcs10CertificateRequest(new Uint8Array(request));
      const names = new x509.SubjectAlternativeNameExtension([{ type: "url", value: x509.partyUri(party) }]);
      const dates = { notBefore: new Date(fromMs), notAfter: new Date(fromMs + 30 * DAY) };
      const made = await x509.X509CertificateGenerator.create({
        ...{ ...signing, ...dates, signingKey: keys.privateKey, issuer: "CN=ca", subject: "CN=x", publicKey },
        extensions: [names],
      });
      return new Uint8Array(made.rawData);
    };
    return { caDer, issue };
  }

  async function world(byte = 128) {
    const { caDer, issue } = await authority();
    const stranger = await authority();
    const { keys, privateKeyPem } = await x509.makeTransportKey();
    const first = await issue(START, await x509.makeCertificateRequest(keys), "bank");
    const enrolled = {
      party: partyId("bank"),
      caPem: x509.pemOf("CERTIFICATE", caDer),
      certPem: x509.pemOf("CERTIFICATE", first),
      keyPem: privateKeyPem,
    } as Enrolled;
    const state = { nowMs: START, asked: 0, events: [] as string[], kept: undefined as Enrolled | undefined };
    const answers = {
      good: async (request: Uint8Array) => [await issue(state.nowMs, request, "bank"), caDer],
      "for another party": async (request: Uint8Array) => [await issue(state.nowMs, request, "telecom"), caDer],
      "of another authority": async (request: Uint8Array) => [
        await stranger.issue(state.nowMs, request, "bank"),
        caDer,
      ],
      "with another authority": async (request: Uint8Array) => [
        await stranger.issue(state.nowMs, request, "bank"),
        stranger.caDer,
      ],
      "for another key": async () => [first, caDer],
      "of no form": async () => [new Uint8Array(10), caDer],
      none: async (): Promise<Uint8Array[]> => {
        throw new EntenteError("COORDINATOR_UNREACHABLE");
      },
    };
    const control = { answer: "good" as keyof typeof answers, keepFails: false };
    const renewal = new CertificateRenewal(enrolled, {
      link: {
        async renewCertificate(request) {
          state.asked++;
          return { certificateChain: await answers[control.answer](request) };
        },
        redial: ({ certPem }) => void state.events.push(certPem === state.kept?.certPem ? "used" : "used, not kept"),
      },
      async keep(renewed) {
        if (control.keepFails) throw new EntenteError("STORAGE_FAILED");
        state.kept = renewed;
        state.events.push("kept");
      },
      ...{ ports: { random: random(byte) }, clock: { nowMs: () => state.nowMs }, logger: pino({ level: "silent" }) },
    });
    return { renewal, enrolled, state, control };
  }

  test("is renewed at two thirds of its life, each party's at its own moment, kept before it is used", async () => {
    const { renewal, state, enrolled } = await world();
    for (let day = 0; day < 20; day++) {
      state.nowMs = START + day * DAY;
      await renewal.keepUp();
    }
    expect(state.asked).toBe(0);
    state.nowMs = START + 20.1 * DAY;
    await Promise.all([renewal.keepUp(), renewal.keepUp()]);
    expect([state.asked, state.events]).toEqual([1, ["kept", "used"]]);
    expect(renewal.enrolled).toBe(state.kept);
    expect(renewal.enrolled.keyPem.expose()).not.toBe(enrolled.keyPem.expose());
    expect(daysLeft({ enrolled: renewal.enrolled, keyset: undefined }, state.nowMs).certificateDaysLeft).toBeCloseTo(
      30,
      2,
    );
    // And again, as long as the node lives.
    for (let day = 21; day < 100; day++) {
      state.nowMs = START + day * DAY;
      await renewal.keepUp();
    }
    expect(state.asked).toBe(4);
    const [early, late] = [await world(0), await world(255)];
    expect((early.renewal.dueMs - START) / DAY).toBeCloseTo(17.5, 1);
    expect((late.renewal.dueMs - START) / DAY).toBeCloseTo(22.5, 1);
  });

  test("that could not be renewed is tried again every quarter of an hour, until it has expired", async () => {
    const { renewal, state, control } = await world();
    control.answer = "none";
    for (state.nowMs = START + 25 * DAY; state.nowMs < START + 25.5 * DAY; state.nowMs += 60_000)
      await renewal.keepUp();
    expect(state.asked).toBeGreaterThan(40);
    expect(state.asked).toBeLessThan(60);
    expect(state.events).toEqual([]);
    control.answer = "good";
    state.nowMs += DAY;
    await renewal.keepUp();
    expect(state.events).toEqual(["kept", "used"]);
    const asked = state.asked;
    state.nowMs += 31 * DAY;
    expect(await codeOf(renewal.renew())).toBe("CERTIFICATE_EXPIRED");
    expect(state.asked).toBe(asked);
  });

  test.each([
    "for another party",
    "of another authority",
    "with another authority",
    "for another key",
    "of no form",
  ] as const)("another than was asked for is neither kept nor used: %s", async (answer) => {
    const { renewal, state, control, enrolled } = await world();
    control.answer = answer;
    expect(await codeOf(renewal.renew())).toBe("CERTIFICATE_REFUSED");
    expect([state.events, renewal.enrolled]).toEqual([[], enrolled]);
  });

  test("that cannot be kept is not used", async () => {
    const { renewal, state, control, enrolled } = await world();
    control.keepFails = true;
    await expect(renewal.renew()).rejects.toThrow();
    expect([state.events, renewal.enrolled]).toEqual([[], enrolled]);
    // However long the disk is full, one is asked for: a party has no more than a few.
    for (let tries = 0; tries < 20; tries++) await expect(renewal.renew()).rejects.toThrow();
    expect(state.asked).toBe(1);
    control.keepFails = false;
    await renewal.renew();
    expect([state.asked, state.events]).toEqual([1, ["kept", "used"]]);
    expect(renewal.enrolled).toBe(state.kept);
    await renewal.renew();
    expect(state.asked).toBe(2);
  });
});

describe("a keyset", () => {
  function world() {
    const state = { nowMs: START, isBusy: false, fails: false, rotated: [] as number[], warnings: [] as string[] };
    const keysets: Pick<Keyset, "validFrom" | "validUntil">[] = [];
    const issue = () =>
      keysets.push({
        validFrom: new Date(state.nowMs).toISOString(),
        validUntil: new Date(state.nowMs + 365 * DAY).toISOString(),
      });
    issue();
    const logger = pino({ level: "warn" }, { write: (line: string) => void state.warnings.push(line) });
    const renewal = new KeysetRenewal({
      ...{ keyring: { verifiedKeysets: keysets as Keyset[] }, clock: { nowMs: () => state.nowMs }, logger },
      ...{ random: random(128), isBusy: async () => state.isBusy },
      async rotate() {
        if (state.fails) throw new EntenteError("COLLABORATION_READ_ONLY");
        state.rotated.push((state.nowMs - START) / DAY);
        issue();
      },
    });
    /** A look every hour. */
    const run = async (fromDay: number, toDay: number) => {
      for (state.nowMs = START + fromDay * DAY; state.nowMs < START + toDay * DAY; state.nowMs += 3_600_000)
        await renewal.keepUp();
    };
    return { state, run };
  }

  test("is renewed in the last sixth of its year, and the next one likewise", async () => {
    const { state, run } = world();
    await run(0, 700);
    expect(state.rotated.map(Math.round)).toEqual([304, 609]);
    expect(state.warnings).toEqual([]);
  });

  test("waits while jobs run, and says every day of its last month that it cannot", async () => {
    const { state, run } = world();
    state.isBusy = true;
    await run(300, 340);
    expect(state.warnings).toHaveLength(5);
    expect(state.warnings[0]).toMatch(/"daysLeft":30,"reason":"jobs have not ended"/);
    state.isBusy = false;
    await run(340, 341);
    expect(state.rotated).toEqual([340]);
  });

  test("that fails is tried again", async () => {
    const { state, run } = world();
    state.fails = true;
    await run(310, 311);
    expect(state.rotated).toEqual([]);
    state.fails = false;
    await run(311, 312);
    expect(state.rotated).toHaveLength(1);
  });
});
