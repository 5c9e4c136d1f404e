/** A coordinator on loopback in this process, and parties enrolled at it, for tests. */
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import type { Limits } from "../../coordinator/limits.ts";
import { type Coordinator, createInvite, initCoordinator, startCoordinator } from "../../coordinator/main.ts";
import { dialCoordinator } from "../../party/coordinator-link/dial.ts";
import { type Enrolled, enrolAt } from "../../party/coordinator-link/enrol.ts";
import type { CoordinatorLink, OpenInbox } from "../../party/coordinator-link/link.ts";
import { KEY_ROLES, type KeyRole, keyId, signKeyset } from "../../proto/agreement/keyset.ts";
import type { Wake } from "../../proto/codec/coordinator.ts";
import { parseInvite } from "../../proto/codec/invite.ts";

import { encodeEnvelope } from "../../proto/encoding/dsse.ts";
import { type SigningKey, signingKey } from "../../proto/encoding/ed25519.ts";
import { sha256 } from "../../proto/encoding/sha256.ts";
import { EntenteError, type ErrorCode } from "../../proto/errors.ts";
import { partyId } from "../../proto/ids.ts";
import { nodePorts } from "../../proto/ports/node.ts";

export interface TestIdentity {
  readonly identity: SigningKey;
  readonly keys: Readonly<Record<KeyRole, SigningKey>>;
  /** DSSE envelope, canonical JSON. */
  readonly keyset: Uint8Array;
}

export function makeIdentity(party: string, identitySeed: Uint8Array = randomBytes(32)): TestIdentity {
  const identity = signingKey(keyId(party, "identity"), identitySeed);
  const entries = KEY_ROLES.map((role) => [role, signingKey(keyId(party, role), randomBytes(32))] as const);
  const keys = Object.fromEntries(entries) as Record<KeyRole, SigningKey>;
  const day = 86_400_000;
  const keyset = signKeyset(
    {
      party: partyId(party),
      identity: identity.publicKey,
      validFrom: new Date(Date.now() - day).toISOString(),
      validUntil: new Date(Date.now() + day).toISOString(),
      keys: {
        session: keys.session.publicKey,
        jobs: keys.jobs.publicKey,
        log: keys.log.publicKey,
        cosigner: keys.cosigner.publicKey,
      },
      recovery: signingKey(keyId(party, "recovery"), sha256(identitySeed)).publicKey,
    },
    identity,
  );
  return { identity, keys, keyset: encodeEnvelope(keyset) };
}

export interface TestParty extends TestIdentity {
  readonly enrolled: Enrolled;
  readonly link: CoordinatorLink;
}

export class TestCoordinator {
  readonly folder: string;
  #running: Coordinator | undefined;
  readonly #limits: Partial<Limits>;
  readonly #links: CoordinatorLink[] = [];
  /** By how much its clock is moved. */
  aheadMs = 0;
  /** Everything that was logged. */
  log = "";

  private constructor(folder: string, limits: Partial<Limits>) {
    this.folder = folder;
    this.#limits = limits;
  }

  static async start(limits: Partial<Limits> = {}): Promise<TestCoordinator> {
    const folder = await mkdtemp(join(tmpdir(), "entente-coordinator-"));
    const coordinator = new TestCoordinator(folder, { closeMs: 200, ...limits });
    await initCoordinator({ folder, port: 0, enrolPort: 0 });
    await coordinator.open();
    return coordinator;
  }

  get running(): Coordinator {
    if (this.#running === undefined) throw new Error("the coordinator is not running");
    return this.#running;
  }

  async open(ports: { port?: number; enrolPort?: number } = {}): Promise<void> {
    const write = (chunk: Buffer, _encoding: string, done: () => void) => {
      this.log += chunk.toString();
      done();
    };
    const log = new Writable({ write });
    const clock = { ...nodePorts.clock, nowMs: () => nodePorts.clock.nowMs() + this.aheadMs };
    const options = { folder: this.folder, log, limits: this.#limits, ports: { ...nodePorts, clock } };
    this.#running = await startCoordinator({ ...options, ...ports });
  }

  /** Stops it and starts it on the same ports. */
  async restart(): Promise<void> {
    const { main, enrolment } = this.running.endpoints;
    await this.running.close();
    await this.open({ port: main.port, enrolPort: enrolment.port });
  }

  invite(party: string) {
    return createInvite({ folder: this.folder, party });
  }

  dial(options: Pick<Enrolled, "endpoint" | "caPem" | "certPem" | "keyPem">): CoordinatorLink {
    const link = dialCoordinator(options);
    this.#links.push(link);
    return link;
  }

  async enrol(party: string, identity = makeIdentity(party)): Promise<TestParty> {
    const { code } = await this.invite(party);
    const enrolled = await enrolAt(parseInvite(code), {
      identityPublicKey: identity.identity.publicKey,
      keyset: identity.keyset,
    });
    return { ...identity, enrolled, link: this.dial(enrolled) };
  }

  async close(): Promise<void> {
    for (const link of this.#links) link.close();
    await this.#running?.close();
    await rm(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** An inbox whose wakes can be awaited one by one. */
export async function openTestInbox(link: CoordinatorLink) {
  const wakes: Wake[] = [];
  const waiting: ((wake: Wake) => void)[] = [];
  let onEnd: (error: EntenteError) => void = () => undefined;
  const ended = new Promise<EntenteError>((resolve) => {
    onEnd = resolve;
  });
  const inbox: OpenInbox = await link.openInbox({
    onWake(wake) {
      const next = waiting.shift();
      if (next === undefined) wakes.push(wake);
      else next(wake);
    },
    onEnd,
  });
  const next = (): Promise<Wake> => {
    const wake = wakes.shift();
    return wake === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(wake);
  };
  return { next, ended, close: () => inbox.close() };
}

/** The code of the typed error that a promise rejects with; anything else is a failure of the test. */
export async function codeOf(promise: Promise<unknown>): Promise<ErrorCode> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof EntenteError) return error.code;
    throw error;
  }
  throw new Error("nothing was thrown");
}
