/** A rotation of the node's keys whose every call of the disk fails in turn: one keyset or the other is in force, whole. */
import { expect, test } from "vitest";
import { Keyring } from "../../party/store/keyring.ts";
import { KEY_ROLES, verifyKeyset } from "../../proto/agreement/keyset.ts";
import { equalBytes } from "../../proto/encoding/bytes.ts";
import { nodePorts } from "../../proto/ports/node.ts";
import { MemoryFiles } from "../support/memory-files.ts";

const open = (files: MemoryFiles) => Keyring.open({ ...nodePorts, files }, "/node", "bank");

function expectWhole(keyring: Keyring): void {
  const keyset = verifyKeyset(keyring.keysets.at(-1) as never, keyring.identity.publicKey);
  for (const role of KEY_ROLES) expect(keyring.keys[role].publicKey).toEqual(keyset.keys[role]);
  expect(keyring.credentials.publicKey).toEqual(keyset.keys.session);
}

const MODES = [
  { persisted: false, forGood: false },
  { persisted: true, forGood: false },
  { persisted: false, forGood: true },
  { persisted: true, forGood: true },
];

test.each([
  ...MODES.map((mode) => ({ ...mode, of: "prepareNext" as const })),
  ...MODES.map((mode) => ({ ...mode, of: "prepareIdentity" as const })),
])("each file call of a rotation fails in turn (%j)", async ({ of, ...mode }) => {
  const rotate = async (keyring: Keyring) => {
    await keyring[of]();
    await keyring.activateNext();
  };
  const template = new MemoryFiles();
  const enrolled = await open(template);
  await enrolled.firstKeyset();
  let faults = 0;
  for (let call = 1; ; call++) {
    const files = new MemoryFiles();
    for (const [path, bytes] of template.contents) files.contents.set(path, bytes);
    const keyring = await open(files);
    files.arm({ call, ...mode });
    await rotate(keyring).catch(() => undefined);
    const reached = files.disarm();
    expectWhole(keyring);
    const again = await open(files);
    expectWhole(again);
    expect(equalBytes(again.identity.publicKey, enrolled.identity.publicKey)).toBe(
      of === "prepareNext" || again.keysets.length === 1,
    );
    if (!reached) {
      expect(again.keysets).toHaveLength(2);
      expect(again.next).toBeUndefined();
      expect(again.earlierLogKeys.map((key) => key.publicKey)).toEqual([enrolled.keys.log.publicKey]);
      break;
    }
    faults++;
    // What was begun is what is ended: no third set of keys comes of it.
    if (again.next !== undefined) {
      const { next } = again;
      await rotate(again);
      expect(equalBytes(again.keysets.at(-1)?.payload as Uint8Array, next.keyset.payload)).toBe(true);
      expect(again.keysets).toHaveLength(2);
    }
  }
  expect(faults).toBeGreaterThan(10);
});

test("seeds that were lost are not silently drawn anew, and a node that is not enrolled has nothing to rotate", async () => {
  const files = new MemoryFiles();
  const keyring = await open(files);
  await expect(keyring.prepareNext()).rejects.toMatchObject({ code: "NOT_ENROLLED" });
  await keyring.firstKeyset();
  files.contents.delete("/node/keys/jobs.seed");
  await expect(open(files)).rejects.toMatchObject({ code: "STORAGE_FAILED" });
});

test.each(MODES)("each file call of a recovery fails in turn (%j)", async (mode) => {
  const template = new MemoryFiles();
  const enrolled = await open(template);
  await enrolled.firstKeyset();
  const key = new TextDecoder().decode(template.contents.get("/node/recovery.key"));
  template.contents.delete("/node/keys/identity.seed");
  template.contents.delete("/node/recovery.key");
  await expect(open(template)).rejects.toMatchObject({ code: "STORAGE_FAILED" });
  for (let call = 1; ; call++) {
    const files = new MemoryFiles();
    for (const [path, bytes] of template.contents) files.contents.set(path, bytes);
    files.arm({ call, ...mode });
    const recover = () => Keyring.recover({ ...nodePorts, files }, "/node", "bank", key);
    await recover().catch(() => undefined);
    const reached = files.disarm();
    // Not made, or made whole: then it is what the node starts with.
    const found = await open(files).catch(() => undefined);
    const publicKey = found?.identity.publicKey ?? (await recover());
    const keyring = await open(files);
    expect(keyring.identity.publicKey).toEqual(publicKey);
    await keyring.activateNext();
    expectWhole(keyring);
    expectWhole(await open(files));
    expect(files.contents.has("/node/recovery.key")).toBe(false);
    if (!reached) break;
    expect(call).toBeLessThan(100);
  }
});

test("a folder draws its recovery key once, with the first identity, and never reads it", async () => {
  const files = new MemoryFiles();
  const { recovery } = await open(files);
  files.contents.delete("/node/recovery.key");
  const again = await open(files);
  expect(again.recovery).toEqual(recovery);
  expect(files.contents.has("/node/recovery.key")).toBe(false);
  expect(verifyKeyset(await again.firstKeyset(), again.identity.publicKey).recovery).toEqual(recovery);
});
