/** A witness whose store fails at each of its calls, before or after it has done its work: it never signs two histories. */
import { expect, test } from "vitest";
import { type LogOwner, Witness } from "../../party/evidence/witness.ts";
import { openSqliteStore } from "../../party/store/sqlite.ts";
import type { Store } from "../../party/store/store.ts";
import type { WireLogOffer } from "../../proto/codec/session-messages.ts";
import { utf8 } from "../../proto/encoding/bytes.ts";
import { EntenteError, toEntenteError } from "../../proto/errors.ts";
import { EvidenceLog } from "../../proto/evidence/log.ts";
import { encodeNote } from "../../proto/evidence/note.ts";
import { nodePorts } from "../../proto/ports/node.ts";
import { AGREEMENT, testKey } from "../support/evidence-world.ts";
import { MemoryFiles } from "../support/memory-files.ts";

const { collaboration } = AGREEMENT;
const OWNER: LogOwner = { party: "bank", collaboration, logKey: testKey("bank", "log") };

interface Fault {
  readonly call: number;
  readonly persisted: boolean;
}

/** Fails once at the call of that number, or never. */
function failing(store: Store, fault: Fault | undefined): { store: Store; calls: () => number } {
  let calls = 0;
  const proxy = new Proxy(store, {
    get: (target, name) => {
      const member = (target as unknown as Record<PropertyKey, (...args: unknown[]) => Promise<unknown>>)[name];
      if (typeof member !== "function") return member;
      return async (...args: unknown[]) => {
        if (++calls !== fault?.call) return member.apply(target, args);
        if (fault.persisted) await member.apply(target, args);
        throw new EntenteError("STORAGE_FAILED");
      };
    },
  });
  return { store: proxy, calls: () => calls };
}

function witnessOn(store: Store): Witness {
  const standings = {
    requireWritable: async () => undefined,
    of: async () => ({ state: "open" }),
    change: async () => {},
  };
  const logbook = { standings, record: async () => undefined, now: () => "" } as never;
  const forks = { keep: async () => "00".repeat(32) } as never;
  const signers = { keys: { cosigner: testKey("partner", "cosigner") } };
  return new Witness({ store, clock: nodePorts.clock, signers, logbook, forks });
}

/** Two histories that part after the first entry: heads of sizes 1 to 4 of each. */
async function histories(): Promise<Record<"left" | "right", EvidenceLog>> {
  const open = async (names: readonly string[]) => {
    const origin = `bank/${collaboration}/2026`;
    const files = new MemoryFiles();
    const log = await EvidenceLog.open({ files, folder: "/log", origin, key: testKey("bank", "log") });
    await log.append(names.map(utf8));
    return log;
  };
  return { left: await open(["a", "b", "c", "d"]), right: await open(["a", "x", "y", "z"]) };
}

async function offer(log: EvidenceLog, oldSize: number, size: number): Promise<WireLogOffer> {
  const files = new MemoryFiles();
  const shorter = await EvidenceLog.open({ files, folder: "/l", origin: log.origin, key: testKey("bank", "log") });
  for (let i = 0; i < size; i++) await shorter.append([await log.entry(i)]);
  const proof = oldSize === 0 || oldSize === size ? [] : log.consistencyProof(oldSize, size);
  return { oldSize, proof, note: encodeNote(shorter.checkpointNote()) };
}

test.each([{ persisted: false }, { persisted: true }])("each call of the store fails in turn (%j)", async (mode) => {
  const { left, right } = await histories();
  const [a1, a2, b2, a3, b3] = await Promise.all([
    offer(left, 0, 1),
    offer(left, 1, 2),
    offer(right, 1, 2),
    offer(left, 2, 3),
    offer(right, 2, 3),
  ]);
  let faults = 0;
  for (let call = 1; ; call++) {
    const disk = openSqliteStore(":memory:");
    const signed: string[] = [];
    const tryOn = async (store: Store, offered: WireLogOffer) => {
      try {
        const { head } = await witnessOn(store).cosign(OWNER, offered);
        signed.push(`${head.size} ${head.root}`);
        return "signed";
      } catch (error) {
        return toEntenteError(error).code;
      }
    };
    await tryOn(disk, a1);
    const faulty = failing(disk, { call, ...mode });
    const first = await tryOn(faulty.store, a2);
    // After the fault, as after a start, the other history is offered, then the first again, then both go on.
    const outcomes = [
      first,
      await tryOn(disk, b2),
      await tryOn(disk, a2),
      await tryOn(disk, b3),
      await tryOn(disk, a3),
    ];
    if (faulty.calls() < call) {
      expect(outcomes.slice(0, 2)).toEqual(["signed", "LOG_BEHIND"]);
      break;
    }
    faults++;
    expect(["signed", "STORAGE_FAILED"]).toContain(first);
    // One history only, whichever it became.
    const isLeft = (line: string) => [1, 2, 3].some((size) => line === `${size} ${left.rootAt(size)}`);
    const isRight = (line: string) => [1, 2, 3].some((size) => line === `${size} ${right.rootAt(size)}`);
    expect(signed.every(isLeft) || signed.every(isRight), signed.join(", ")).toBe(true);
    expect(signed.length).toBeGreaterThan(1);
    // What was signed was stored first.
    const known = await witnessOn(disk).state(OWNER);
    expect(Number(signed.at(-1)?.split(" ")[0])).toBe(known.size);
  }
  expect(faults).toBeGreaterThan(2);
});

test("two offers at once: one is signed, and the other is of the same history or refused", async () => {
  const { left, right } = await histories();
  const store = openSqliteStore(":memory:");
  await witnessOn(store).cosign(OWNER, await offer(left, 0, 1));
  const [a, b] = [await offer(left, 1, 3), await offer(right, 1, 2)];
  const results = await Promise.allSettled([witnessOn(store).cosign(OWNER, a), witnessOn(store).cosign(OWNER, b)]);
  expect(results.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
});
