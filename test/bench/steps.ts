/** The steps of a job, one line of JSON each: CPU microseconds a row, and the ratio to a peer where there is one. */
import { randomBytes } from "node:crypto";
import { ristretto255 } from "@noble/curves/ed25519.js";
import { psiDh } from "../../party/protocols/psi-dh/protocol.ts";
import { createPlatform } from "../../party/session/platform.ts";
import { signingKey } from "../../proto/encoding/ed25519.ts";
import { EvidenceLog } from "../../proto/evidence/log.ts";
import { MemoryFiles } from "../support/memory-files.ts";
import { runPsi, testContext } from "../support/psi-run.ts";

/** CPU seconds of this process, all threads, over several runs: the median. */
async function cpuSeconds(work: () => unknown, runs = 5): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < runs; i++) {
    const before = process.cpuUsage();
    await work();
    const { user, system } = process.cpuUsage(before);
    times.push((user + system) / 1e6);
  }
  return times.toSorted((a, b) => a - b)[Math.floor(runs / 2)] as number;
}

function line(step: string, cpuS: number, rows: number, peer?: { name: string; cpuS: number }): void {
  const us = (s: number) => Number(((s / rows) * 1e6).toFixed(2));
  const against =
    peer === undefined ? {} : { peer: peer.name, peerUs: us(peer.cpuS), ratio: Number((peer.cpuS / cpuS).toFixed(1)) };
  console.log(JSON.stringify({ step, rows, cpuUs: us(cpuS), ...against }));
}

const platform = await createPlatform();
const scalar = platform.ristretto255.randomScalar();
const element = platform.ristretto255.elementFromUniform(randomBytes(64));
const point = ristretto255.Point.fromBytes(element);
const k = BigInt(`0x${scalar.toReversed().toHex()}`);
const MULTIPLICATIONS = 500;
const repeat = (times: number, work: () => unknown) => () => {
  for (let i = 0; i < times; i++) work();
};
const libsodium = await cpuSeconds(repeat(MULTIPLICATIONS, () => platform.ristretto255.multiply(scalar, element)));
const noble = await cpuSeconds(repeat(MULTIPLICATIONS, () => point.multiply(k).toBytes()));
line("ristretto255 multiplication", libsodium, MULTIPLICATIONS, { name: "@noble/curves", cpuS: noble });

const ROWS = 1024;
const context = testContext({ receiverCapacity: ROWS, senderCapacity: ROWS, labelBytes: 8 });
const ids = new Uint8Array(randomBytes(16 * ROWS));
const labels = new Uint8Array(8 * ROWS);
const gateKey = new Uint8Array(randomBytes(32));
line(
  "psi-dh, both roles and opening, one row each",
  await cpuSeconds(() => {
    const run = runPsi(platform, psiDh(), context, { receiverIds: ids, senderIds: ids, labels, gateKey });
    psiDh().openPartition(platform, context, run.sealed, gateKey);
  }, 3),
  ROWS,
);

const log = await EvidenceLog.open({
  files: new MemoryFiles(),
  folder: "/log",
  origin: `bank/${"ab".repeat(16)}/2026`,
  key: signingKey("bank/log", new Uint8Array(randomBytes(32))),
});
const entries = Array.from({ length: 4096 }, () => new Uint8Array(randomBytes(300)));
line("evidence append in one batch, in memory", await cpuSeconds(() => log.append(entries), 3), entries.length);
