/** A session's tasks, score and PSI together: what is kept of a model from session to session. */
import { expect, test } from "vitest";
import { combine } from "../../party/protocols/score-linear/bank.ts";
import { readLabel } from "../../party/protocols/score-linear/messages.ts";
import { Driver, type FrameIo } from "../../party/session/drive.ts";
import type { ProvidedPartition, ReceivedPartition } from "../../party/session/task.ts";
import type { Frame } from "../../proto/codec/frame.ts";
import { SCORE_LINEAR_TYPE } from "../../proto/codec/score-linear.ts";
import { plainScores, scoreContext, scorePlatform, sequence } from "../support/score-run.ts";

const ROWS = 8;
const WEIGHTS = Int32Array.of(1000, -77);
const gateKey = new Uint8Array(32).fill(3);
const next = sequence(5);
const columns = [0, 1].map(() => Int16Array.from({ length: ROWS }, () => Math.floor(next() * 4000) - 2000));
const ids = Uint8Array.from({ length: 16 * ROWS }, (_, i) => (i * 37) & 255);

function pair(): [FrameIo, FrameIo, Frame[]] {
  const sent: Frame[] = [];
  const ends = [0, 1].map(() => ({ frames: [] as Frame[], wake: () => {} }));
  const io = (own: number): FrameIo => ({
    async send(frame) {
      sent.push(frame);
      ends[1 - own]?.frames.push(frame);
      ends[1 - own]?.wake();
    },
    async receive() {
      const end = ends[own] as (typeof ends)[number];
      while (end.frames.length === 0) await new Promise<void>((resolve) => (end.wake = resolve));
      return end.frames.shift() as Frame;
    },
  });
  return [io(0), io(1), sent];
}

interface Kept {
  readonly bank?: Uint8Array | undefined;
  readonly partner?: Uint8Array | undefined;
}

/** One session of some partitions with the same rows in each; all scores are compared. */
async function session(partitions: number, kept: Kept, weights = WEIGHTS): Promise<Kept & { ciphertexts: number }> {
  const drivers = [0, 1].map(() => new Driver(scorePlatform, () => scorePlatform.he)) as [Driver, Driver];
  const { modelCommitment, maxMatchedRows } = scoreContext();
  const shape = { kind: "linear", features: 2, maxMatchedRows, modelCommitment } as const;
  const of = (model: Uint8Array | undefined) => (model === undefined ? {} : { keptModel: model });
  const polynomials = Array.from(weights, (weight) => Int32Array.of(weight));
  let ciphertexts = 0;
  let made: Kept = {};
  for (let partition = 0; partition < partitions; partition++) {
    const context = { ...scoreContext({ partition, partitions, receiverCapacity: 16, senderCapacity: 16 }) };
    const [bankIo, partnerIo, sent] = pair();
    const common = { protocol: "psi-dh", context, ids } as const;
    const [received, provided]: [ReceivedPartition, ProvidedPartition] = await Promise.all([
      drivers[0].receive(
        { ...common, kind: "receive", score: { ...shape, ...of(kept.bank), weights: polynomials } },
        bankIo,
      ),
      drivers[1].provide(
        {
          ...common,
          kind: "provide",
          gateKey,
          labels: new Uint8Array(0),
          score: { ...shape, ...of(kept.partner), columns },
        },
        partnerIo,
      ),
    ]);
    ciphertexts += sent.filter(({ type }) => type === SCORE_LINEAR_TYPE.ciphertext).length;
    if (partition === 0) made = { bank: received.madeModel, partner: provided.receivedModel };
    else expect([received.madeModel, provided.receivedModel]).toEqual([undefined, undefined]);
    const { rows, labels } = drivers[0].open({ ...common, kind: "open", sealed: received.sealed, gateKey });
    expect(rows.length).toBe(ROWS);
    const scores = [...rows].map((_, i) => {
      const { slot, share } = readLabel(labels.subarray(8 * i, 8 * i + 8));
      return combine(received.masked as Uint32Array, slot, share);
    });
    expect(scores).toEqual(plainScores(weights, columns));
  }
  for (const driver of drivers) driver.dispose();
  return { ...made, ciphertexts };
}

test("a model's ciphertexts cross the wire once, in the first session's first partition", async () => {
  const first = await session(2, {});
  expect(first.ciphertexts).toBe(3);
  const second = await session(1, first);
  expect(second).toEqual({ bank: undefined, partner: undefined, ciphertexts: 0 });

  // Whoever has lost it gets or makes it again, and everything still fits together.
  const partnerLost = await session(1, { bank: first.bank });
  expect(partnerLost.ciphertexts).toBe(3);
  expect(partnerLost.partner).toEqual(first.partner);
  const bankLost = await session(1, { partner: first.partner });
  expect(bankLost.ciphertexts).toBe(3);
  expect(bankLost.partner).not.toEqual(first.partner);
  // Kept of other weights: made anew.
  const changed = await session(1, first, Int32Array.of(1000, -78));
  expect(changed.ciphertexts).toBe(3);
});
