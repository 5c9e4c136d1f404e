/** One party of the bench that compares a hidden score with a shared one: the session's driver over a socket, from ids to
 * opened scores, partition by partition. */
import { createHe } from "../../party/he/he.ts";
import { MAX_SCORE_ROWS, partitionPlan } from "../../party/protocols/plan.ts";
import { combine } from "../../party/protocols/score-linear/bank.ts";
import { readLabel } from "../../party/protocols/score-linear/messages.ts";
import { LABEL_BYTES } from "../../party/protocols/score-linear/params.ts";
import type { PsiMatches } from "../../party/protocols/step.ts";
import { Driver } from "../../party/session/drive.ts";
import { createWorkerPlatform } from "../../party/session/worker-platform.ts";
import { wasmModule } from "../../party/wasm/modules.ts";
import { concat } from "../../proto/encoding/bytes.ts";
import { sizeClassOf } from "../../proto/size-class.ts";
import { channel, session } from "./psi-bench-party.ts";
import { columnOf, linearLoad } from "./score-bench-load.ts";
import { Meter, rowsOf } from "./score-bench-party.ts";

export type Alignment = "hidden" | "shared";

export interface AlignmentPartyOptions {
  readonly role: "partner" | "bank";
  readonly alignment: Alignment;
  /** Of each list. */
  readonly rows: number;
  /** People whom both have. */
  readonly matched: number;
  readonly features: number;
  readonly port: number;
}

const gateKey = new Uint8Array(32).fill(6);

/** Spread 16-byte ids of the numbers from .. from+count-1: an odd multiplier and a shift, both invertible. */
function idsOf(from: number, count: number): Uint8Array {
  const words = new Uint32Array(4 * count);
  for (let i = 0; i < count; i++)
    for (let w = 0; w < 4; w++) {
      const mixed = Math.imul(from + i, 0x9e3779b1 + 2 * w);
      words[4 * i + w] = Math.imul(mixed ^ (mixed >>> 15), 0x85ebca6b);
    }
  return new Uint8Array(words.buffer);
}

/** Every person who matched has the integer sum for a score. */
function compare(
  matches: PsiMatches,
  masked: Uint32Array,
  weights: readonly Int32Array[],
  partition: number,
  shared: number,
): void {
  if (matches.rows.length !== shared) throw new Error(`partition ${partition}: ${matches.rows.length} matched`);
  const columns = weights.map((_, j) => columnOf(partition, j, shared));
  for (const [i, row] of matches.rows.entries()) {
    const { slot, share } = readLabel(matches.labels.subarray(LABEL_BYTES * i, LABEL_BYTES * (i + 1)));
    const sum = columns.reduce(
      (all, column, j) => (all + (weights[j]?.[0] as number) * (column[row] as number)) | 0,
      0,
    );
    if (combine(masked, slot, share) !== sum) throw new Error(`partition ${partition}: row ${row} is wrong`);
  }
}

/** Runs the party and sends its line to the parent. */
export async function runAlignmentParty(options: AlignmentPartyOptions): Promise<void> {
  const { role, alignment, rows, matched, features, port } = options;
  const he = createHe(wasmModule("score"));
  // SEAL itself takes 0.3 to 0.5 s to start in a thread; keys and weights are measured.
  if (role === "bank") (await he.createKeys())[Symbol.dispose]();
  const driver = new Driver(await createWorkerPlatform(), () => he);
  const io = await channel(port);
  const meter = new Meter(io);
  const isShared = alignment === "shared";
  const senderClass = sizeClassOf(rows);
  const receiverClass = isShared ? sizeClassOf(matched) : senderClass;
  const plan = partitionPlan({ receiverClass, senderClass, maxRows: MAX_SCORE_ROWS });
  const protocol = isShared ? "aligned" : "psi-vole";
  const { weights } = linearLoad(features);
  const shape = {
    kind: "linear" as const,
    features,
    maxMatchedRows: rows,
    modelCommitment: new Uint8Array(32).fill(9),
  };
  for (let partition = 0; partition < plan.partitions; partition++) {
    const context = {
      ...{ sessionId: session.id, frameSession: session.frame, partition },
      ...{ ...plan, labelBytes: LABEL_BYTES },
    };
    const [own, both] = [rows, matched].map((all) => rowsOf(all, partition, plan.partitions)) as [number, number];
    const from = partition * 2 ** 19;
    const task = { protocol, context } as const;
    if (role === "partner") {
      const columns = Array.from({ length: features }, (_, j) => columnOf(partition, j, own));
      const ids = idsOf(from, own);
      await meter.measure(() =>
        driver.provide(
          { ...task, kind: "provide", labels: new Uint8Array(0), ids, gateKey, score: { ...shape, columns } },
          io,
        ),
      );
    } else {
      // The people of both are the partner's first rows; the bank's others are nobody's.
      const ids = concat(idsOf(from, both), idsOf(from + 2 ** 18, isShared ? 0 : own - both));
      const { masked, matches } = await meter.measure(async () => {
        const received = await driver.receive({ ...task, kind: "receive", ids, score: { ...shape, weights } }, io);
        return { ...received, matches: driver.open({ ...task, kind: "open", sealed: received.sealed, gateKey }) };
      });
      compare(matches, masked ?? new Uint32Array(0), weights, partition, both);
    }
  }
  driver.dispose();
  io.close();
  const round = (value: number) => Math.round(value * 1000) / 1000;
  const line = { role, alignment, rows, matched, features, cpuS: round(meter.cpuS), wallS: round(meter.wallS) };
  const peakRssMB = Math.round(process.resourceUsage().maxRSS / 1024);
  process.send?.({ line: { ...line, bytesSent: meter.bytesSent, peakRssMB } });
}
