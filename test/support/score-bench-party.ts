/** One party of the score bench, in a process of its own: its role of score-linear or score-trees over a socket, partition by partition. */
import { createHe, type He } from "../../party/he/he.ts";
import { type PartitionPlan, partitionPlan } from "../../party/protocols/plan.ts";
import * as bank from "../../party/protocols/score-linear/bank.ts";
import { type BankModel, encryptModel } from "../../party/protocols/score-linear/bundle.ts";
import { readLabel } from "../../party/protocols/score-linear/messages.ts";
import { LABEL_BYTES, type ScoreContext, type ScorePlatform } from "../../party/protocols/score-linear/params.ts";
import * as partner from "../../party/protocols/score-linear/partner.ts";
import type { Step } from "../../party/protocols/step.ts";
import { bulkAes } from "../../party/session/bulk-aes.ts";
import { createPlatform } from "../../party/session/platform.ts";
import { wasmModule } from "../../party/wasm/modules.ts";
import type { Frame } from "../../proto/codec/frame.ts";
import { sizeClassOf } from "../../proto/size-class.ts";
import { type Channel, channel, session } from "./psi-bench-party.ts";
import { linearLoad, type ScoreLoad, treesLoad } from "./score-bench-load.ts";
import { sealOnly } from "./score-seal.ts";

export type ScorePath = "kernel" | "node-seal";

export interface ScorePartyOptions {
  readonly role: "partner" | "bank";
  readonly path: ScorePath;
  readonly rows: number;
  readonly model: "linear" | "trees";
  /** Weights of a linear model, or trees of depth 4. */
  readonly features: number;
  readonly port: number;
}

/** CPU and wall seconds, and bytes, of the sections that are measured. */
export class Meter {
  cpuS = 0;
  wallS = 0;
  bytesSent = 0;
  readonly #io: Channel;

  constructor(io: Channel) {
    this.#io = io;
  }

  async measure<T>(work: () => Promise<T>): Promise<T> {
    const [cpu, started, sent] = [process.cpuUsage(), performance.now(), this.#io.bytesSent];
    const result = await work();
    const { user, system } = process.cpuUsage(cpu);
    this.cpuS += (user + system) / 1e6;
    this.wallS += (performance.now() - started) / 1000;
    this.bytesSent += this.#io.bytesSent - sent;
    return result;
  }
}

async function converse<S, O>(
  io: Channel,
  first: Step<S, Frame, O>,
  next: (state: S, frame: Frame) => Step<S, Frame, O>,
) {
  for (let step = first; ; ) {
    for (const frame of step.send) await io.send(frame);
    if (step.kind === "done") return step.output;
    step = next(step.state, await io.receive());
  }
}

const hello: Frame = { type: 1, round: 1, partition: 0, chunk: 0, body: new Uint8Array(1) };

async function meet(io: Channel): Promise<void> {
  await io.send(hello);
  await io.receive();
}

function contextOf(plan: PartitionPlan, load: ScoreLoad, rows: number, partition: number): ScoreContext {
  return {
    packing: load.packing,
    features: load.weights.length,
    sessionId: session.id,
    frameSession: session.frame,
    partition,
    ...plan,
    labelBytes: LABEL_BYTES,
    maxMatchedRows: rows,
    modelCommitment: new Uint8Array(32).fill(9),
  };
}

/** Rows of a partition, as even as they come. */
export function rowsOf(rows: number, partition: number, partitions: number): number {
  return Math.floor((rows * (partition + 1)) / partitions) - Math.floor((rows * partition) / partitions);
}

/** Compares every row's score with the integer sum; not measured. */
function compare(labels: Uint8Array, masked: Uint32Array, load: ScoreLoad, partition: number): void {
  const rows = labels.length / LABEL_BYTES;
  const sums = load.scores(partition, rows);
  for (let row = 0; row < rows; row++) {
    const { slot, share } = readLabel(labels.subarray(LABEL_BYTES * row, LABEL_BYTES * (row + 1)));
    if (bank.combine(masked, slot, share) !== sums[row]) throw new Error(`partition ${partition}: row ${row} is wrong`);
  }
}

async function runPartner(
  platform: ScorePlatform,
  io: Channel,
  meter: Meter,
  load: ScoreLoad,
  { rows }: ScorePartyOptions,
  plan: PartitionPlan,
) {
  let model: partner.PartnerOutput["model"] | undefined;
  for (let partition = 0; partition < plan.partitions; partition++) {
    const prepared = load.prepare(partition, rowsOf(rows, partition, plan.partitions));
    const context = contextOf(plan, load, rows, partition);
    await meet(io);
    const output = await meter.measure(async () => {
      const first = partner.start(platform, context, {
        rows: prepared(),
        ...(model === undefined ? {} : { model }),
      });
      return converse(io, first, (state, frame) => partner.next(platform, state, frame));
    });
    model = output.model;
    await io.send({ ...hello, body: output.labels });
    await io.receive();
  }
  model?.[Symbol.dispose]();
}

async function runBank(
  platform: ScorePlatform,
  io: Channel,
  meter: Meter,
  load: ScoreLoad,
  { rows }: ScorePartyOptions,
  plan: PartitionPlan,
) {
  let model: BankModel | undefined;
  for (let partition = 0; partition < plan.partitions; partition++) {
    const context = contextOf(plan, load, rows, partition);
    await meet(io);
    const { masked } = await meter.measure(async () => {
      const announce = model === undefined;
      model ??= await encryptModel(platform, load.weights);
      const first = bank.start(platform, context, { model, announce });
      return converse(io, first, (state, frame) => bank.next(platform, state, frame));
    });
    const { body: labels } = await io.receive();
    compare(labels, masked, load, partition);
    await io.send(hello);
  }
  model?.[Symbol.dispose]();
}

async function createParty({ role, path }: ScorePartyOptions): Promise<He> {
  const he = createHe(wasmModule("score"));
  // SEAL itself takes 0.3 to 0.5 s to start in a thread; keys and weights are measured.
  if (role === "bank") (await he.createKeys())[Symbol.dispose]();
  return role === "partner" && path === "node-seal" ? sealOnly(he) : he;
}

/** Runs the party and sends its line to the parent. */
export async function runScoreParty(options: ScorePartyOptions): Promise<void> {
  const { role, path, rows, model, features } = options;
  const load = model === "trees" ? treesLoad(features) : linearLoad(features);
  const started = process.cpuUsage();
  const platform: ScorePlatform = { ...(await createPlatform()), bulkAes, he: await createParty(options) };
  const { user, system } = process.cpuUsage(started);
  const io = await channel(options.port);
  const meter = new Meter(io);
  const sizeClass = sizeClassOf(rows);
  const plan = partitionPlan({ receiverClass: sizeClass, senderClass: sizeClass, maxRows: load.maxRows });
  await (role === "partner" ? runPartner : runBank)(platform, io, meter, load, options, plan);
  io.close();
  const round = (value: number) => Math.round(value * 1000) / 1000;
  process.send?.({
    line: {
      role,
      path,
      rows,
      model,
      features,
      cpuS: round(meter.cpuS),
      rowsPerSecond: Math.round(rows / meter.cpuS),
      wallS: round(meter.wallS),
      bytesSent: meter.bytesSent,
      peakRssMB: Math.round(process.resourceUsage().maxRSS / 1024),
      startCpuS: round((user + system) / 1e6),
    },
  });
}
