import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, expect, test } from "vitest";
import { type Coordinator, createInvite, initCoordinator, startCoordinator } from "../../coordinator/main.ts";
import { dialCoordinator } from "../../party/coordinator-link/dial.ts";
import { enrolAt } from "../../party/coordinator-link/enrol.ts";
import { parseInvite } from "../../proto/codec/invite.ts";
import { toHex } from "../../proto/encoding/bytes.ts";
import { digestOf } from "../../proto/encoding/sha256.ts";
import { type JobId, partyId } from "../../proto/ids.ts";
import { codeOf, makeIdentity, openTestInbox } from "../support/coordinator.ts";

const CHILD = fileURLToPath(new URL("../support/coordinator-child.ts", import.meta.url));
let child: ChildProcess | undefined;
let second: Coordinator | undefined;
let folder = "";

afterEach(async () => {
  child?.kill("SIGKILL");
  await second?.close();
  await rm(folder, { recursive: true, force: true });
});

test("what was acknowledged before kill -9 is there after a restart", async () => {
  folder = await mkdtemp(join(tmpdir(), "entente-kill-"));
  await initCoordinator({ folder, port: 0, enrolPort: 0 });
  child = spawn(process.execPath, [CHILD, folder], { stdio: ["ignore", "pipe", "ignore"] });
  const exited = once(child, "exit");
  const [line] = (await once(child.stdout as NodeJS.ReadableStream, "data")) as [Buffer];
  const endpoints = JSON.parse(line.toString()) as Coordinator["endpoints"];

  const enrol = async (party: string) => {
    const { identity, keyset } = makeIdentity(party);
    const invite = parseInvite((await createInvite({ folder, party })).code);
    const options = { identityPublicKey: identity.publicKey, keyset };
    return { invite, options, enrolled: await enrolAt(invite, options) };
  };
  const [bank, telecom] = [await enrol("bank"), await enrol("telecom")];
  const [a, b] = [dialCoordinator(bank.enrolled), dialCoordinator(telecom.enrolled)];
  const inbox = await openTestInbox(b);
  const agreementDigest = digestOf(randomBytes(8));
  const parties = [partyId("bank"), partyId("telecom")];
  await a.recordAgreement({ agreementDigest, parties, state: "active" });
  const jobId = toHex(randomBytes(16)) as JobId;
  await a.createJob({ jobId, agreementDigest, peer: partyId("telecom"), jobDigest: digestOf(randomBytes(8)) });
  const { relayId } = await a.requestSession({ peer: partyId("telecom"), purpose: { kind: "control" } });
  const [stream] = await Promise.all([a.connectRelay(relayId), b.connectRelay((await inbox.next()).relayId)]);
  const broken = once(stream, "error");
  await b.reportJob({ jobId, state: "admitted" });
  child.kill("SIGKILL");
  await exited;

  // Nothing hangs: the stream and the inbox end with a typed error each.
  expect((await broken)[0]).toMatchObject({ code: "COORDINATOR_UNREACHABLE" });
  expect((await inbox.ended).code).toBe("COORDINATOR_UNREACHABLE");
  expect(await codeOf(a.getJob(jobId))).toBe("COORDINATOR_UNREACHABLE");

  const { main, enrolment } = endpoints;
  second = await startCoordinator({ folder, port: main.port, enrolPort: enrolment.port, limits: { closeMs: 200 } });
  const again = dialCoordinator(bank.enrolled);
  expect(await again.getJob(jobId)).toMatchObject({ state: "admitted", agreementDigest });
  expect(await codeOf(enrolAt(bank.invite, bank.options))).toBe("INVITE_USED");
  for (const link of [a, b, again]) link.close();
});
