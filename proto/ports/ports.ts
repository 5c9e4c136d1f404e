/**
 * What a process needs of its surroundings, as one object made in `main.ts` and passed down. Code that takes its clock,
 * randomness and files from here can be run by a simulator, and fails where a test tells it to.
 */
import type { KeySource } from "../keys/key-source.ts";

export interface Clock {
  /** Wall clock, milliseconds since 1970-01-01T00:00Z. May jump; never used to measure a duration. */
  nowMs(): number;
  /** Monotonic milliseconds from an arbitrary origin. */
  monotonicMs(): number;
}

export interface Timers {
  /** Calls `run` once after `delayMs`; the returned function cancels it. Does not keep the process alive. */
  after(delayMs: number, run: () => void): () => void;
}

export interface Random {
  /** Fresh bytes from the operating system's generator. */
  bytes(length: number): Uint8Array;
}

/**
 * File access with the durability that an acknowledged write needs. Paths are absolute. What the disk
 * refuses is STORAGE_FAILED, or DISK_FULL, and leaves nothing half-written.
 */
export interface Files {
  /** Resolves to undefined when there is no such file. */
  read(path: string): Promise<Uint8Array | undefined>;
  /** Writes a temporary sibling (several parts one after another), syncs it, renames it over `path`, syncs the folder. Mode 0600. Creates folders. */
  writeDurable(path: string, bytes: Uint8Array | readonly Uint8Array[]): Promise<void>;
  /** What tells the file at a path from a copy of it put back later; undefined when there is none. Opaque. */
  fileIdentity(path: string): Promise<string | undefined>;
  /** What an ordinary user may still write where `path` is. */
  freeBytes(path: string): Promise<number>;
  /** Of a file, or of all files in a folder; 0 when it is absent. */
  usedBytes(path: string): Promise<number>;
  /** Names in a folder, sorted; empty when there is none. */
  list(path: string): Promise<string[]>;
  makeFolder(path: string): Promise<void>;
  /** Removes a file or a folder with all in it; no error when absent. */
  remove(path: string): Promise<void>;
}

export interface Ports {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly files: Files;
  /** Of the key that encrypts a folder's secrets; without one they are as plain as the file system keeps them. */
  readonly key?: KeySource | undefined;
}
