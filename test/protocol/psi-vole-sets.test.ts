import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { keyedState } from "../../party/crypto/okvs/blake2s.ts";
import { twinRow } from "../../party/crypto/okvs/twin.ts";
import { sealKey, unseal } from "../../party/crypto/seal.ts";
import type { PsiProtocol } from "../../party/protocols/psi.ts";
import { frameHeader, psiVoleParams } from "../../party/protocols/psi-vole/params.ts";
import { psiVole, psiVoleOver } from "../../party/protocols/psi-vole/protocol.ts";
import type { PartitionContext } from "../../party/protocols/step.ts";
import { concat, uintBe, utf8 } from "../../proto/encoding/bytes.ts";
import { dealtVole } from "../support/dealt-vole.ts";
import { fixedRandom } from "../support/fixed-random.ts";
import {
  idsOf,
  labelsOf,
  type PsiRun,
  plainMatches,
  runPsi,
  testContext,
  transcriptDigest,
  wireShape,
} from "../support/psi-run.ts";
import { psiVolePlatform } from "../support/psi-vole-platform.ts";

const platform = await psiVolePlatform();
const gateKey = new Uint8Array(32).fill(0x47);
const silent = psiVole();
const dealt = psiVoleOver(dealtVole, { chunkRows: 4 });
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

function run<R, S>(
  protocol: PsiProtocol<R, S>,
  context: PartitionContext,
  receiver: readonly number[],
  sender: readonly number[],
  on = platform,
): PsiRun {
  return runPsi(on, protocol, context, {
    receiverIds: idsOf(...receiver),
    senderIds: idsOf(...sender),
    labels: labelsOf(sender, context.labelBytes),
    gateKey,
  });
}

/** Small sets are a trap of their own: depth-0 trees and fits out of range gave empty answers without an error. */
describe.each(["field", "planes"] as const)("matches the plain answer over the silent VOLE, profile %s", (profile) => {
  const protocol = psiVole({ profile });
  test.each([
    { what: "both empty", receiver: [], sender: [], labelBytes: 8 },
    { what: "sender empty", receiver: range(0, 10), sender: [], labelBytes: 0 },
    { what: "1 and 1", receiver: [5], sender: [5], labelBytes: 256 },
    { what: "2 and 10", receiver: [7, 3], sender: range(0, 10), labelBytes: 8 },
    { what: "10 and 10", receiver: range(0, 10), sender: range(0, 10).reverse(), labelBytes: 0 },
    { what: "100 and 100", receiver: range(0, 100), sender: range(50, 150), labelBytes: 8 },
    { what: "999 and 999", receiver: range(0, 999), sender: range(500, 1499), labelBytes: 65 },
    { what: "999 and 10,000", receiver: range(0, 999), sender: range(900, 10_900), labelBytes: 8 },
    { what: "10,000 and 1", receiver: range(0, 10_000), sender: [77], labelBytes: 0 },
    { what: "10,000 and 10,000", receiver: range(0, 10_000), sender: range(5000, 15_000), labelBytes: 256 },
  ])("$what, labels of $labelBytes bytes", ({ receiver, sender, labelBytes }) => {
    const context = testContext({
      labelBytes,
      receiverCapacity: Math.max(1024, receiver.length),
      senderCapacity: Math.max(1024, sender.length),
    });
    const { sealed } = run(protocol, context, receiver, sender);
    expect(protocol.openPartition(platform, context, sealed, gateKey)).toEqual(
      plainMatches(receiver, sender, labelBytes),
    );
  });
});

describe("matches the plain answer over any VOLE", () => {
  test("any lists, capacities, frames, label lengths and profiles", () => {
    const list = fc.uniqueArray(fc.integer({ min: 0, max: 30 }), { maxLength: 12 });
    fc.assert(
      fc.property(
        fc.record({
          receiver: list,
          sender: list,
          spareReceiver: fc.integer({ min: 0, max: 6 }),
          spareSender: fc.integer({ min: 0, max: 6 }),
          chunkRows: fc.integer({ min: 1, max: 9 }),
          labelBytes: fc.integer({ min: 0, max: 256 }),
          partition: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
          profile: fc.constantFrom("field", "planes"),
        }),
        ({ receiver, sender, spareReceiver, spareSender, chunkRows, labelBytes, partition, profile }) => {
          const context = testContext({
            receiverCapacity: Math.max(1, receiver.length + spareReceiver),
            senderCapacity: Math.max(1, sender.length + spareSender),
            labelBytes,
            partition,
          });
          const protocol = psiVoleOver(dealtVole, { chunkRows, profile });
          const { sealed } = run(protocol, context, receiver, sender);
          expect(protocol.openPartition(platform, context, sealed, gateKey)).toEqual(
            plainMatches(receiver, sender, labelBytes),
          );
        },
      ),
      { numRuns: 60 },
    );
  });

  test.each(["field", "planes"] as const)("several bins, a much longer sender list, profile %s", (profile) => {
    const protocol = psiVoleOver(dealtVole, { profile });
    for (const [receiver, sender] of [
      [range(0, 35_000), range(30_000, 40_000)],
      [range(0, 10), range(5, 70_005)],
    ] as const) {
      const context = testContext({ receiverCapacity: receiver.length, senderCapacity: sender.length, labelBytes: 3 });
      const { sealed } = run(protocol, context, receiver, sender);
      expect(protocol.openPartition(platform, context, sealed, gateKey)).toEqual(plainMatches(receiver, sender, 3));
    }
  });
});

describe("what the wire shows", () => {
  test("depends on capacities and label length, not on the lists", () => {
    const context = testContext();
    const lists = [
      [[], []],
      [[1], [1]],
      [range(0, 16), range(0, 16)],
      [range(0, 16), range(20, 25)],
    ] as const;
    const shapes = lists.map(([receiver, sender]) => wireShape(run(dealt, context, receiver, sender)));
    for (const other of shapes) expect(other).toEqual(shapes[0]);
    expect(wireShape(run(dealt, testContext({ labelBytes: 9 }), [], []))).not.toEqual(shapes[0]);
    expect(wireShape(run(silent, context, [], []))).toEqual(wireShape(run(silent, context, [1, 2], [2])));
  });

  test("no id, tag or label crosses in the clear; nothing opens but under G", () => {
    const context = testContext({ labelBytes: 16 });
    const numbers = range(0, 16);
    const { sealed, frames } = run(silent, context, numbers, numbers);
    const held = Buffer.concat([sealed.outputs, ...sealed.sealed.flatMap(({ header, body }) => [header, body])]);
    for (const bytes of [held, ...frames.map(({ frame }) => Buffer.from(frame.body))])
      for (const number of numbers) {
        expect(bytes.includes(idsOf(number))).toBe(false);
        expect(bytes.includes(labelsOf([number], 16))).toBe(false);
      }
    for (let i = 0; i < 16; i++) {
      const tag = sealed.outputs.subarray(i * 32, i * 32 + 7);
      for (const { frame } of frames) expect(Buffer.from(frame.body).includes(tag)).toBe(false);
    }
    expect(() => silent.openPartition(platform, context, sealed, new Uint8Array(32))).toThrow(
      expect.objectContaining({ code: "SEAL_INVALID" }),
    );
    expect(silent.openPartition(platform, context, sealed, gateKey).rows).toHaveLength(16);
  });

  test("two runs share no masked slot and no output: keys and VOLE are new each time", () => {
    const context = testContext();
    const runs = [run(silent, context, [4], [4]), run(silent, context, [4], [4])];
    expect(runs[0]?.sealed.outputs).not.toEqual(runs[1]?.sealed.outputs);
    const slots = runs.map(({ frames }) => {
      const body = Buffer.from(frames.find(({ frame }) => frame.type === 32)?.frame.body as Uint8Array);
      return new Set(Array.from({ length: 1600 }, (_, i) => body.subarray(16 + i * 16, 32 + i * 16).toString("hex")));
    });
    expect([...(slots[0] as Set<string>)].some((slot) => slots[1]?.has(slot))).toBe(false);
  });

  test("rows cross in an order of the whole partition, not bin by bin", () => {
    const rows = 20_000;
    const context = testContext({ receiverCapacity: rows, senderCapacity: rows, labelBytes: 0 });
    const protocol = psiVoleOver(dealtVole);
    const params = psiVoleParams(context);
    expect(params.okvs.bins).toBe(2);
    const numbers = range(0, rows);
    const { sealed } = run(protocol, context, numbers, numbers);
    const label = utf8("entente psi-vole row/1");
    const key = platform.sha256(
      concat(uintBe(label.length, 1), label, context.sessionId, uintBe(context.partition, 4)),
    );
    expect(keyedState(key, 32)).toHaveLength(32);
    const byTag = new Map(
      numbers.map((n) => [Buffer.from(sealed.outputs.subarray(n * 32, n * 32 + params.tagBytes)).toString("hex"), n]),
    );
    const body = sealed.sealed[0]?.body as Uint8Array;
    const header = frameHeader(context.partition, "sealedTags", 0);
    const input = { key: sealKey(platform, gateKey, context), header, frameSession: context.frameSession };
    const tags = Buffer.from(unseal(platform, input, body));
    const order = range(0, 400).map(
      (i) => byTag.get(tags.subarray(i * params.tagBytes, (i + 1) * params.tagBytes).toString("hex")) as number,
    );
    const mask = new Uint8Array(16).fill(0xff);
    const bins = order.map((n) => twinRow(key, idsOf(n), 0, params.okvs, mask).bin);
    const changes = bins.filter((bin, i) => i > 0 && bin !== bins[i - 1]).length;
    // Binomial(399, 1/2), deviation 10: seven deviations. Bin by bin there would be none.
    expect(Math.abs(changes - 199)).toBeLessThan(70);
    const ascents = order.filter((n, i) => i > 0 && n > (order[i - 1] as number)).length;
    expect(Math.abs(ascents - 199)).toBeLessThan(45);
  });
});

test("golden transcript: with fixed randomness every byte on the wire is fixed", async () => {
  const fixed = await psiVolePlatform({ random: fixedRandom("psi-vole") });
  const context = testContext();
  const { frames, sealed } = run(dealt, context, [1, 2, 3], [2, 3, 4, 5], fixed);
  expect(frames).toHaveLength(7);
  expect(transcriptDigest({ frames }, context)).toBe(
    "10eb68a184f0a3ca61c742faa23a4e79fef7fff2d060f214f4be8e25e3cca4a4",
  );
  expect(dealt.openPartition(platform, context, sealed, gateKey)).toEqual(plainMatches([1, 2, 3], [2, 3, 4, 5], 8));
});

describe("secrets", () => {
  /** Overwritten, or freed. Each is looked at before too, when it must not be. */
  const zero = (bytes: Uint8Array) => (bytes.buffer as ArrayBuffer).detached || bytes.every((byte) => byte === 0);

  test("are overwritten when a role is done", () => {
    const context = testContext();
    let receiver = dealt.receiver.start(platform, context, { ids: idsOf(1, 2) });
    let sender = dealt.sender.start(platform, context, { ids: idsOf(2), labels: new Uint8Array(8), gateKey });
    const toSender = [...receiver.send];
    const toReceiver = [...sender.send];
    const secrets: Uint8Array[] = [];
    while (sender.kind === "continue") {
      const frame = toSender.shift();
      if (frame !== undefined) {
        sender = dealt.sender.next(platform, sender.state, frame);
        if (sender.kind === "continue" && sender.state.round === "await-masked") {
          const { shareSecret, deltaPowersSecret, rowsSecret, sealKeySecret, own } = sender.state;
          secrets.push(shareSecret, deltaPowersSecret, rowsSecret, sealKeySecret, own.bins().records(0));
          expect(zero(shareSecret) || zero(deltaPowersSecret) || zero(sealKeySecret)).toBe(false);
        }
        toReceiver.push(...sender.send);
        continue;
      }
      const back = toReceiver.shift();
      if (back === undefined || receiver.kind !== "continue") throw new Error("both wait");
      receiver = dealt.receiver.next(platform, receiver.state, back);
      if (receiver.kind === "continue" && receiver.state.round === "await-sealed")
        secrets.push(receiver.state.shareSecret.a, receiver.state.shareSecret.c);
      toSender.push(...receiver.send);
    }
    expect(secrets).toHaveLength(7);
    for (const secret of secrets) expect(zero(secret)).toBe(true);
    expect(gateKey.every((byte) => byte === 0x47)).toBe(true);
  });

  test("are overwritten by wipe, in every state", () => {
    const context = testContext();
    const receiver = dealt.receiver.start(platform, context, { ids: idsOf(1, 2) });
    const sender = dealt.sender.start(platform, context, { ids: idsOf(2), labels: new Uint8Array(8), gateKey });
    const [baseKey] = [...receiver.send];
    for (const _ of sender.send);
    if (receiver.kind !== "continue" || sender.kind !== "continue" || baseKey === undefined)
      throw new Error("they wait");
    const own = [receiver.state.own.bins().records(0), sender.state.own.bins().records(0)];
    expect(own.some(zero)).toBe(false);
    const masked = dealt.sender.next(platform, sender.state, baseKey);
    const [choices] = [...masked.send];
    if (masked.kind !== "continue" || masked.state.round !== "await-masked" || choices === undefined) throw new Error();
    const { shareSecret, deltaPowersSecret, sealKeySecret } = masked.state;
    dealt.sender.wipe(masked.state);
    expect([shareSecret, deltaPowersSecret, sealKeySecret].every(zero)).toBe(true);
    const waiting = dealt.receiver.next(platform, receiver.state, choices);
    for (const _ of waiting.send);
    if (waiting.kind !== "continue" || waiting.state.round !== "await-sealed") throw new Error();
    expect(zero(waiting.state.outputs)).toBe(false);
    dealt.receiver.wipe(waiting.state);
    expect([waiting.state.outputs, waiting.state.shareSecret.c, ...own].every(zero)).toBe(true);

    const early = dealt.receiver.start(platform, context, { ids: idsOf(1, 2) });
    for (const _ of early.send);
    if (early.kind !== "continue") throw new Error();
    const records = early.state.own.bins().records(0);
    expect(zero(records)).toBe(false);
    dealt.receiver.wipe(early.state);
    expect(zero(records)).toBe(true);
  });
});

test("a list that does not fit its partition is refused before anything is sent", () => {
  const context = testContext({ receiverCapacity: 2, senderCapacity: 2 });
  const INTERNAL = expect.objectContaining({ code: "INTERNAL" });
  expect(() => dealt.receiver.start(platform, context, { ids: idsOf(1, 2, 3) })).toThrow(INTERNAL);
  expect(() => dealt.receiver.start(platform, context, { ids: new Uint8Array(17) })).toThrow(INTERNAL);
  for (const wrong of [
    { ids: idsOf(1, 2, 3), labels: new Uint8Array(24), gateKey },
    { ids: idsOf(1), labels: new Uint8Array(7), gateKey },
    { ids: idsOf(1), labels: new Uint8Array(8), gateKey: gateKey.subarray(1) },
  ])
    expect(() => dealt.sender.start(platform, context, wrong)).toThrow();
});

test("a receiver that lists a row twice ends the attempt, rather than with a wrong answer", () => {
  expect(() => run(dealt, testContext(), [1, 2, 1], [1])).toThrow(expect.objectContaining({ code: "INTERNAL" }));
});
