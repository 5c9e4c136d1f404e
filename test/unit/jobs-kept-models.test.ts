import { randomBytes } from "node:crypto";
import { beforeEach, describe, expect, test } from "vitest";
import { modelForTasks } from "../../party/jobs/attempt.ts";
import { KeptModels, type ModelLimits, type ModelName } from "../../party/jobs/kept-models.ts";
import { SEAL_OVERHEAD_BYTES } from "../../party/store/at-rest.ts";
import { openSqliteStore } from "../../party/store/sqlite.ts";
import type { Store } from "../../party/store/store.ts";
import { nodePorts } from "../../proto/ports/node.ts";
import { MemoryFiles } from "../support/memory-files.ts";

const { random } = nodePorts;
const key = new Uint8Array(randomBytes(32));
const AGREEMENT = "5f".repeat(32);
/** As they lie on the disk. */
const SIZE = 1_000;

let files: MemoryFiles;
let store: Store;

beforeEach(() => {
  files = new MemoryFiles();
  store = openSqliteStore(":memory:");
});

function keptModels(limits: Partial<ModelLimits> = {}): KeptModels {
  const all = { maxBytes: 1e9, maxPeerBytes: 1e9, maxVersions: 1_000, ...limits };
  return new KeptModels({ store, files, random, key, folder: "/models", limits: all });
}

function nameOf(version: number, peer = "bank", role: ModelName["role"] = "partner"): ModelName {
  return { role, peer, commitment: version.toString(16).padStart(64, "0") };
}

const model = new Uint8Array(randomBytes(SIZE - SEAL_OVERHEAD_BYTES));

/** Files on the disk, as peer and last digit of the version. */
async function kept(): Promise<string[]> {
  return (await files.list("/models")).map((name) => name.replace(/^partner-(.*)-0+(.*)\.sealed$/, "$1/$2"));
}

test("a model is there for its role, peer and version only, and sealed", async () => {
  const models = keptModels();
  expect(await models.get(nameOf(1), AGREEMENT)).toBeUndefined();
  await models.put(nameOf(1), AGREEMENT, model);
  expect(await models.get(nameOf(1), AGREEMENT)).toEqual(model);
  for (const other of [nameOf(2), nameOf(1, "telecom"), nameOf(1, "bank", "bank")])
    expect(await models.get(other, AGREEMENT)).toBeUndefined();
  const [path, sealed] = [...files.contents][0] as [string, Uint8Array];
  expect(sealed).toHaveLength(SIZE);
  expect(Buffer.from(sealed).includes(model.subarray(0, 16))).toBe(false);
  // After a restart, too; a changed file, or another's, is as if there were none.
  expect(await keptModels().get(nameOf(1), AGREEMENT)).toEqual(model);
  await models.put(nameOf(2), AGREEMENT, model.slice(1));
  await files.writeDurable(path.replace(nameOf(1).commitment, nameOf(2).commitment), sealed);
  await files.writeDurable(path, sealed.with(40, (sealed[40] as number) ^ 1));
  for (const version of [1, 2]) expect(await models.get(nameOf(version), AGREEMENT)).toBeUndefined();
  expect(await kept()).toEqual([]);
});

describe("limits", () => {
  test("of one peer: what it used least recently goes, and nothing of another peer", async () => {
    const models = keptModels({ maxPeerBytes: 2 * SIZE });
    await models.put(nameOf(9, "telecom"), AGREEMENT, model);
    await models.put(nameOf(1), AGREEMENT, model);
    await models.put(nameOf(2), AGREEMENT, model);
    await models.get(nameOf(1), AGREEMENT);
    await models.put(nameOf(3), AGREEMENT, model);
    expect(await kept()).toEqual(["bank/1", "bank/3", "telecom/9"]);
    for (let version = 10; version < 15; version++) await models.put(nameOf(version), AGREEMENT, model);
    expect(await kept()).toEqual(["bank/d", "bank/e", "telecom/9"]);
  });

  test("of all: so many bytes are never exceeded on the disk, whatever is sent", async () => {
    const models = keptModels({ maxBytes: 3 * SIZE, maxPeerBytes: 2 * SIZE });
    const onDisk = () => [...files.contents.values()].reduce((sum, { length }) => sum + length, 0);
    for (const [version, peer] of [1, 2, 3, 4, 5, 6].map((n) => [n, n % 2 === 0 ? "bank" : "telecom"] as const)) {
      await models.put(nameOf(version, peer), AGREEMENT, model);
      expect(onDisk()).toBe(Math.min(version, 3) * SIZE);
    }
    expect(await kept()).toEqual(["bank/4", "bank/6", "telecom/5"]);
  });

  test("of versions, and one that is too large by itself is not kept and pushes nothing out", async () => {
    const models = keptModels({ maxVersions: 2, maxPeerBytes: 5 * SIZE });
    for (const version of [1, 2, 3]) await models.put(nameOf(version), AGREEMENT, model);
    expect(await kept()).toEqual(["bank/2", "bank/3"]);
    await models.put(nameOf(4), AGREEMENT, new Uint8Array(5 * SIZE));
    expect(await models.get(nameOf(4), AGREEMENT)).toBeUndefined();
    expect(await kept()).toEqual(["bank/2", "bank/3"]);
  });

  test("that were lowered hold from the next start, when files that nobody counts go, too", async () => {
    const models = keptModels();
    for (const version of [1, 2, 3]) await models.put(nameOf(version), AGREEMENT, model);
    await files.writeDurable("/models/partner-old.sealed", model);
    await keptModels({ maxBytes: 2 * SIZE }).sweep();
    expect(await kept()).toEqual(["bank/2", "bank/3"]);
  });
});

test("an agreement that ended takes along what was used under no other", async () => {
  const models = keptModels();
  const other = "60".repeat(32);
  await models.put(nameOf(1), AGREEMENT, model);
  await models.put(nameOf(2), AGREEMENT, model);
  await models.get(nameOf(2), other);
  await models.put(nameOf(3), other, model);
  await models.forget(AGREEMENT);
  expect(await kept()).toEqual(["bank/2", "bank/3"]);
  await models.forget(other);
  expect(await kept()).toEqual([]);
});

test.each([true, false])("a write that fails (on the disk: %s) leaves nothing uncounted", async (persisted) => {
  for (let call = 1; call < 5; call++) {
    const models = keptModels({ maxBytes: SIZE });
    await models.put(nameOf(1), AGREEMENT, model);
    files.arm({ call, persisted, forGood: true });
    await models.put(nameOf(2), AGREEMENT, model).catch(() => undefined);
    files.disarm();
    const again = keptModels({ maxBytes: SIZE });
    await again.sweep();
    expect((await files.list("/models")).length).toBeLessThanOrEqual(1);
    await again.put(nameOf(3), AGREEMENT, model);
    expect(await again.get(nameOf(3), AGREEMENT)).toEqual(model);
    expect(await kept()).toEqual(["bank/3"]);
    await again.forget(AGREEMENT);
  }
});

test("only a session's first task is given the kept model", async () => {
  const models = keptModels();
  await models.put(nameOf(1), AGREEMENT, model);
  const input = {
    deps: { models },
    spec: { model: { kind: "linear", columns: [], commitment: nameOf(1).commitment } },
    shape: { maxMatchedRows: 5 },
    peer: { party: "bank" },
    agreement: { digest: AGREEMENT },
  } as unknown as Parameters<typeof modelForTasks>[0];
  const task = await modelForTasks(input, "partner");
  expect(task?.()).toMatchObject({ maxMatchedRows: 5, keptModel: model });
  for (let n = 0; n < 3; n++) expect(Object.keys(task?.() ?? {})).not.toContain("keptModel");
  expect(await modelForTasks({ ...input, spec: { ...input.spec, model: undefined } } as never, "bank")).toBeUndefined();
});
