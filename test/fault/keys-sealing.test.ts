/** Secrets encrypted at rest: what is on the disk, who opens it, and a stop at every file call of a conversion. */
import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { initCoordinator, sealCoordinator, startCoordinator } from "../../coordinator/main.ts";
import { Keyring } from "../../party/store/keyring.ts";
import { sealNode } from "../../party/store/seal-secrets.ts";
import { fromUtf8, toHex, utf8 } from "../../proto/encoding/bytes.ts";
import { type KeySource, takeKeySource } from "../../proto/keys/key-source.ts";
import { beginSealed, rekeyFolder, sealFolder, sealingState, unlock } from "../../proto/keys/sealed-folder.ts";
import { Secret } from "../../proto/keys/secret.ts";
import { nodePorts } from "../../proto/ports/node.ts";
import { codeOf } from "../support/coordinator.ts";
import { type Fault, MemoryFiles } from "../support/memory-files.ts";

const FOLDER = "/node";
const URL = "postgresql://reader:planted-password@db/warehouse";
const key = (text: string): KeySource => ({ kind: "text", text: new Secret(text) });
const ONE = key(toHex(randomBytes(32)));
const OTHER = key(randomBytes(32).toString("base64"));

function portsOf(files: MemoryFiles, source?: KeySource) {
  return { ...nodePorts, files, key: source };
}

const portsOfKey = (source: KeySource) => ({ ...nodePorts, key: source });

/** A plain folder with keys of two generations, an enrolment and an inline URL. */
async function plainFolder(): Promise<MemoryFiles> {
  const files = new MemoryFiles();
  const keyring = await Keyring.open(portsOf(files), FOLDER, "bank");
  await keyring.firstKeyset();
  await keyring.prepareIdentity();
  await keyring.activateNext();
  await files.writeDurable(`${FOLDER}/enrolment.json`, utf8("planted-transport-key"));
  const config = {
    ...{ format: "entente-node/1", party: "bank", api: { host: "127.0.0.1", port: 0 } },
    databases: { inline: { url: URL, use: "datasets" }, file: { urlFile: "own.url" }, mounted: { urlFile: "/run/x" } },
  };
  await files.writeDurable(`${FOLDER}/node.json`, utf8(JSON.stringify(config)));
  await files.writeDurable(`${FOLDER}/own.url`, utf8(URL));
  await files.writeDurable(`${FOLDER}/shop.whsec`, utf8("planted-webhook-secret"));
  return files;
}

function secretsOf(files: MemoryFiles): Uint8Array[] {
  const seeds = [...files.contents].filter(([path]) => path.endsWith(".seed")).map(([, bytes]) => bytes);
  return [...seeds, utf8("planted-transport-key"), utf8("planted-password"), utf8("planted-webhook-secret")];
}

function copyOf(files: MemoryFiles): MemoryFiles {
  const copy = new MemoryFiles();
  for (const [path, bytes] of files.contents) copy.contents.set(path, bytes);
  return copy;
}

/** How many of the secrets stand somewhere in the folder as they are. */
function found(files: MemoryFiles, secrets: readonly Uint8Array[]): number {
  const all = Buffer.concat(
    [...files.contents].filter(([p]) => p !== `${FOLDER}/recovery.key`).map(([, bytes]) => bytes),
  );
  return secrets.filter((secret) => all.includes(secret)).length;
}

const sealing = { source: ONE, feedSecrets: [`${FOLDER}/shop.whsec`, "/etc/elsewhere"] };

describe("a sealed folder", () => {
  test("holds no secret as it is, and the node reads the same keys", async () => {
    const files = await plainFolder();
    const secrets = secretsOf(files);
    expect(found(files, secrets)).toBe(secrets.length);
    const before = await Keyring.open(portsOf(files), FOLDER, "bank");
    expect(await sealNode(portsOf(files), FOLDER, sealing)).toEqual({
      movedUrls: ["inline"],
      outside: ["/etc/elsewhere", "/run/x"],
    });
    expect(found(files, secrets)).toBe(0);
    const ports = await unlock(portsOf(files, ONE), FOLDER);
    const after = await Keyring.open(ports, FOLDER, "bank");
    expect(after.identity.publicKey).toEqual(before.identity.publicKey);
    expect(after.atRestKey).toEqual(before.atRestKey);
    for (const path of ["own.url", "secrets/database-inline"])
      expect(fromUtf8((await ports.files.read(`${FOLDER}/${path}`)) ?? new Uint8Array())).toBe(URL);
    expect(JSON.parse(fromUtf8(files.contents.get(`${FOLDER}/node.json`) as Uint8Array)).databases.inline).toEqual({
      urlFile: "secrets/database-inline",
      use: "datasets",
    });
    // What is drawn from now on is sealed when it is written.
    await after.prepareNext();
    await after.activateNext();
    const seeds = [...files.contents].filter(([path]) => path.startsWith(`${FOLDER}/keys/2/`));
    expect(seeds).toHaveLength(4);
    for (const [, bytes] of seeds) expect(bytes.length).toBeGreaterThan(32);
    expect((await Keyring.open(ports, FOLDER, "bank")).keysets).toHaveLength(3);
  });

  test.each([
    ["no key", undefined, "KEY_REQUIRED"],
    ["another key", OTHER, "KEY_WRONG"],
    ["a passphrase", key("passphrase:correct horse battery staple"), "KEY_WRONG"],
    ["no key at all", key("abc"), "KEY_UNREADABLE"],
    ["a short passphrase", key("passphrase:tiny"), "KEY_UNREADABLE"],
    ["a file that is not there", { kind: "file", path: "/none" }, "KEY_UNREADABLE"],
    ["a file inside of it", { kind: "file", path: `${FOLDER}/own.url` }, "KEY_UNREADABLE"],
  ] as const)("opens with its key alone: %s", async (_, source, code) => {
    const files = await plainFolder();
    await sealNode(portsOf(files), FOLDER, sealing);
    const before = new Map(files.contents);
    const ports = portsOf(files, source);
    expect(await codeOf(unlock(ports, FOLDER))).toBe(code);
    if (source !== undefined) expect(await codeOf(sealFolder(ports, FOLDER, source))).toBe(code);
    expect(await codeOf(rekeyFolder(ports, FOLDER, ONE))).toBe(code);
    expect(files.contents).toEqual(before);
  });

  test("a plain, changed or exchanged secret in it is refused", async () => {
    const sealed = await plainFolder();
    await sealNode(portsOf(sealed), FOLDER, sealing);
    const path = `${FOLDER}/keys/at-rest.seed`;
    const good = sealed.contents.get(path) as Uint8Array;
    const flipped = Uint8Array.from(good);
    flipped[40] = (flipped[40] as number) ^ 1;
    const other = sealed.contents.get(`${FOLDER}/keys/epoch.seed`) as Uint8Array;
    for (const bad of [new Uint8Array(32), flipped, other, good.subarray(0, 30)]) {
      const files = copyOf(sealed);
      files.contents.set(path, bad);
      const ports = await unlock(portsOf(files, ONE), FOLDER);
      expect(await codeOf(Keyring.open(ports, FOLDER, "bank"))).toBe("STORAGE_FAILED");
    }
    // A header that says it was not finished would let plain files in: it is bound to the key.
    const files = copyOf(sealed);
    const header = fromUtf8(files.contents.get(`${FOLDER}/keys/sealing.json`) as Uint8Array);
    files.contents.set(`${FOLDER}/keys/sealing.json`, utf8(header.replace('"sealed"', '"sealing"')));
    expect(await codeOf(unlock(portsOf(files, ONE), FOLDER))).toBe("KEY_WRONG");
    // Without its header it is not taken for a folder that never had one.
    files.contents.delete(`${FOLDER}/keys/sealing.json`);
    const ports = await unlock(portsOf(files), FOLDER);
    expect(await codeOf(Keyring.open(ports, FOLDER, "bank"))).toBe("KEY_REQUIRED");
  });

  test("a key for a folder that is not sealed is refused, not ignored", async () => {
    const files = await plainFolder();
    expect(await codeOf(unlock(portsOf(files, ONE), FOLDER))).toBe("KEY_UNUSED");
    expect(await codeOf(rekeyFolder(portsOf(files, ONE), FOLDER, OTHER))).toBe("KEY_UNUSED");
  });

  test("opens by a passphrase, and after a change by the new key alone", async () => {
    const files = new MemoryFiles();
    const words = key("passphrase:correct horse battery staple\n");
    await beginSealed(portsOf(files), FOLDER, words);
    const { identity } = await Keyring.open(await unlock(portsOf(files, words), FOLDER), FOLDER, "bank");
    await rekeyFolder(portsOf(files, words), FOLDER, OTHER);
    expect(await codeOf(unlock(portsOf(files, words), FOLDER))).toBe("KEY_WRONG");
    const again = await Keyring.open(await unlock(portsOf(files, OTHER), FOLDER), FOLDER, "bank");
    expect(again.identity.publicKey).toEqual(identity.publicKey);
  });

  test("a coordinator's too; not while it runs", async () => {
    const folder = await mkdtemp(join(tmpdir(), "entente-sealed-"));
    try {
      await initCoordinator({ folder, port: 0, enrolPort: 0, ports: { ...nodePorts, key: undefined } });
      const isPlain = async () => (await readFile(join(folder, "ca", "ca-key.pem"))).includes("PRIVATE KEY");
      const plain = { ...nodePorts, key: undefined };
      const running = await startCoordinator({ folder, ports: plain, log: { write: () => undefined } });
      expect(await codeOf(sealCoordinator({ folder, ports: portsOfKey(ONE) }))).toBe("STORE_IN_USE");
      await running.close();
      expect(await isPlain()).toBe(true);
      await sealCoordinator({ folder, ports: portsOfKey(ONE) });
      expect([await isPlain(), await sealingState(nodePorts.files, folder)]).toEqual([false, "sealed"]);
      expect(await codeOf(startCoordinator({ folder, ports: plain, log: { write: () => undefined } }))).toBe(
        "KEY_REQUIRED",
      );
      const again = await startCoordinator({ folder, ports: portsOfKey(ONE), log: { write: () => undefined } });
      await again.close();
    } finally {
      await rm(folder, { recursive: true });
    }
    const born = new MemoryFiles();
    await initCoordinator({ folder: FOLDER, ports: portsOf(born, ONE) });
    expect(born.writes.some(({ bytes }) => Buffer.from(bytes).includes("PRIVATE KEY"))).toBe(false);
  });
});

/** From the failing call on the disk is gone: a conversion ends with its first error anyway. */
const MODES = [true, false].map((persisted) => ({ persisted, forGood: true }));

test.each(MODES)("each file call of a conversion fails in turn, and no key is lost (%j)", async (mode) => {
  const template = await plainFolder();
  const secrets = secretsOf(template);
  const { identity, atRestKey } = await Keyring.open(portsOf(template), FOLDER, "bank");
  let stops = 0;
  for (let call = 1; ; call++) {
    const files = copyOf(template);
    files.arm({ call, ...mode } satisfies Fault);
    await sealNode(portsOf(files), FOLDER, sealing).catch(() => undefined);
    const reached = files.disarm();
    // As it stands: plain still, or opened by the key, which ends what was begun.
    const state = await sealingState(files, FOLDER);
    const ports = await unlock(portsOf(files, state === "plain" ? undefined : ONE), FOLDER);
    const keyring = await Keyring.open(ports, FOLDER, "bank");
    expect(keyring.identity.publicKey).toEqual(identity.publicKey);
    expect(keyring.atRestKey).toEqual(atRestKey);
    // And once more.
    await sealNode(portsOf(files), FOLDER, sealing);
    expect(found(files, secrets)).toBe(0);
    if (!reached) break;
    stops++;
  }
  expect(stops).toBeGreaterThan(30);
});

test.each(MODES)("each file call of a change of the key fails in turn: one of the two opens it (%j)", async (mode) => {
  const template = await plainFolder();
  await sealNode(portsOf(template), FOLDER, sealing);
  for (let call = 1; ; call++) {
    const files = copyOf(template);
    files.arm({ call, ...mode } satisfies Fault);
    await rekeyFolder(portsOf(files, ONE), FOLDER, OTHER).catch(() => undefined);
    const reached = files.disarm();
    const codes = await Promise.all(
      [ONE, OTHER].map((one) =>
        unlock(portsOf(files, one), FOLDER).then(
          () => "",
          (e) => e.code,
        ),
      ),
    );
    expect(codes.toSorted()).toEqual(["", "KEY_WRONG"]);
    if (!reached) break;
  }
});

test("the key is taken out of the environment, and given once", () => {
  const environment: Record<string, string | undefined> = {
    ENTENTE_KEY: "planted",
    ENTENTE_KEY_FILE: "",
    PATH: "/bin",
  };
  const source = takeKeySource(environment);
  expect(source?.kind).toBe("text");
  expect(environment).toEqual({ PATH: "/bin" });
  expect(takeKeySource(environment)).toBeUndefined();
  const both = { ENTENTE_KEY: "a", ENTENTE_KEY_FILE: "/b" };
  expect(() => takeKeySource(both)).toThrow(/give one/);
  expect(both).toEqual({});
});
