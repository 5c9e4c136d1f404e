/**
 * The files of a folder whose secrets are encrypted, as `Files` that decrypt what is read and encrypt what is secret when it is
 * written: whoever reads a key through them does not know the difference.
 */
import { EntenteError } from "../errors.ts";
import type { Files, Ports } from "../ports/ports.ts";
import { KEY_BYTES, type KeySource, type KeyText, readKeyText, relativePath } from "./key-source.ts";
import {
  isSealed,
  openContent,
  openHeader,
  readHeader,
  type SealingState,
  sealContent,
  writeHeader,
} from "./sealing.ts";

/** Secret whatever is in it, in a party's folder or a coordinator's. */
const SECRET = /^(?:keys\/(?:[a-z0-9]+\/)?[a-z0-9-]+\.seed|ca\/ca-key\.pem|enrolment\.json|secrets\/[^/]+)$/;
const TEMPORARY = /(?:^|\/)\.[0-9a-f]+\.tmp$/;
const HEADER = "keys/sealing.json";

type FolderPorts = Pick<Ports, "files" | "random" | "key">;

const at = (folder: string, path: string) => `${folder.replace(/\/+$/, "")}/${path}`;

export async function sealingState(files: Pick<Files, "read">, folder: string): Promise<"plain" | SealingState> {
  const bytes = await files.read(at(folder, HEADER));
  return bytes === undefined ? "plain" : readHeader(bytes).state;
}

/**
 * The same ports, for what is in `folder` (absolute). A conversion that was broken off is ended first. Throws KEY_REQUIRED,
 * KEY_WRONG, KEY_UNREADABLE, KEY_UNUSED (a key for a folder that is not sealed), STORAGE_FAILED; nothing has changed then.
 */
export async function unlock<P extends FolderPorts>(ports: P, folder: string): Promise<P> {
  const { files, key: source } = ports;
  const bytes = await files.read(at(folder, HEADER));
  if (bytes === undefined) {
    if (source !== undefined) throw new EntenteError("KEY_UNUSED");
    return { ...ports, files: lockedFiles(files) };
  }
  const header = readHeader(bytes);
  if (source === undefined) throw new EntenteError("KEY_REQUIRED");
  const text = await readKeyText(files, folder, source);
  const folderKey = openHeader(header, text);
  if (header.state === "sealing") await convert(ports, folder, { text, folderKey });
  return { ...ports, files: openFiles(ports, folder, folderKey) };
}

/** The same for a folder that may be plain yet, and then needs no key. */
export async function unlockAsIs<P extends FolderPorts>(ports: P, folder: string, key: KeySource): Promise<P> {
  const isPlain = (await sealingState(ports.files, folder)) === "plain";
  return unlock({ ...ports, key: isPlain ? undefined : key }, folder);
}

/** Before anything secret is in it: what is written through `unlock` is encrypted. */
export async function beginSealed(ports: FolderPorts, folder: string, source: KeySource): Promise<void> {
  const text = await readKeyText(ports.files, folder, source);
  await convert(ports, folder, { text, folderKey: ports.random.bytes(KEY_BYTES) });
}

/**
 * Encrypts the secrets of a folder whose process is not running, and what is plain of one that is sealed. A stop at any time leaves a
 * folder that `unlock` opens with the key, and ends; the key must be safe before. Throws KEY_WRONG when it was sealed with another.
 */
export async function sealFolder(ports: FolderPorts, folder: string, source: KeySource): Promise<void> {
  const { files, random } = ports;
  const text = await readKeyText(files, folder, source);
  const bytes = await files.read(at(folder, HEADER));
  const header = bytes && readHeader(bytes);
  const folderKey = header === undefined ? random.bytes(KEY_BYTES) : openHeader(header, text);
  if (header === undefined)
    await files.writeDurable(at(folder, HEADER), writeHeader({ state: "sealing", text, folderKey, random }));
  await convert(ports, folder, { text, folderKey });
}

/**
 * Encrypts another file with a secret in a folder that is sealed, where it lies: read through `unlock`, it is as before. False for
 * one outside of the folder, which is left alone. Throws as `unlock`.
 */
export async function sealFile(ports: FolderPorts, folder: string, source: KeySource, path: string): Promise<boolean> {
  const { files, random } = ports;
  const name = relativePath(folder, path);
  if (name === undefined) return false;
  const bytes = await files.read(path);
  if (bytes === undefined || isSealed(bytes)) return true;
  const header = await files.read(at(folder, HEADER));
  if (header === undefined) throw new EntenteError("KEY_UNUSED");
  const folderKey = openHeader(readHeader(header), await readKeyText(files, folder, source));
  await files.writeDurable(path, sealContent(folderKey, random, name, bytes));
  folderKey.fill(0);
  return true;
}

/** Another operator's key in the place of `ports.key`, in one write. Throws as `unlock`, and KEY_UNREADABLE for the new one. */
export async function rekeyFolder(ports: FolderPorts, folder: string, source: KeySource): Promise<void> {
  const { files, random, key } = ports;
  const text = await readKeyText(files, folder, source);
  const bytes = await files.read(at(folder, HEADER));
  if (bytes === undefined) throw new EntenteError("KEY_UNUSED");
  if (key === undefined) throw new EntenteError("KEY_REQUIRED");
  const header = readHeader(bytes);
  const folderKey = openHeader(header, await readKeyText(files, folder, key));
  await files.writeDurable(at(folder, HEADER), writeHeader({ state: header.state, text, folderKey, random }));
  folderKey.fill(0);
}

interface Key {
  readonly text: KeyText;
  readonly folderKey: Uint8Array;
}

/** Each file is replaced at once; the header says last that all are. */
async function convert({ files, random }: FolderPorts, folder: string, { text, folderKey }: Key): Promise<void> {
  for (const path of await secretPaths(files, folder)) {
    // What a write that was broken off has left.
    if (TEMPORARY.test(path)) await files.remove(at(folder, path));
    if (!SECRET.test(path)) continue;
    const bytes = await files.read(at(folder, path));
    if (bytes === undefined || isSealed(bytes)) continue;
    await files.writeDurable(at(folder, path), sealContent(folderKey, random, path, bytes));
    bytes.fill(0);
  }
  await files.writeDurable(at(folder, HEADER), writeHeader({ state: "sealed", text, folderKey, random }));
}

/** Of everything that lies where secrets are. */
async function secretPaths(files: Files, folder: string): Promise<string[]> {
  const below = async (path: string) => (await files.list(at(folder, path))).map((name) => `${path}/${name}`);
  const keys = await below("keys");
  const deeper = await Promise.all(keys.filter((path) => /^keys\/(?:identities|[0-9]+)$/.test(path)).map(below));
  return [
    ...(await files.list(folder)),
    ...keys,
    ...deeper.flat(),
    ...(await below("secrets")),
    ...(await below("ca")),
  ];
}

function openFiles({ files, random }: FolderPorts, folder: string, folderKey: Uint8Array): Files {
  return {
    ...bound(files),
    async read(path) {
      const bytes = await files.read(path);
      const name = relativePath(folder, path);
      if (bytes === undefined || name === undefined) return bytes;
      if (isSealed(bytes)) return openContent(folderKey, name, bytes);
      if (SECRET.test(name)) throw new EntenteError("STORAGE_FAILED", { detail: `${name} is not sealed` });
      return bytes;
    },
    writeDurable(path, bytes) {
      const name = relativePath(folder, path);
      if (name === undefined || !SECRET.test(name)) return files.writeDurable(path, bytes);
      const content = bytes instanceof Uint8Array ? bytes : Buffer.concat(bytes);
      return files.writeDurable(path, sealContent(folderKey, random, name, content));
    },
  };
}

/** Of a folder that is not sealed: a sealed file in it is another's, or its header was lost. */
function lockedFiles(files: Files): Files {
  return {
    ...bound(files),
    async read(path) {
      const bytes = await files.read(path);
      if (bytes !== undefined && isSealed(bytes)) throw new EntenteError("KEY_REQUIRED");
      return bytes;
    },
  };
}

function bound(files: Files): Files {
  return {
    read: (path) => files.read(path),
    writeDurable: (path, bytes) => files.writeDurable(path, bytes),
    fileIdentity: (path) => files.fileIdentity(path),
    freeBytes: (path) => files.freeBytes(path),
    usedBytes: (path) => files.usedBytes(path),
    list: (path) => files.list(path),
    makeFolder: (path) => files.makeFolder(path),
    remove: (path) => files.remove(path),
  };
}
