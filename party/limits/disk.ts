/**
 * The node's disk: how much of it spills may take, and the room that is kept for what has begun. Below `freeDiskMib` nothing new
 * begins; endings, evidence and revocations still write, into what is kept for them. It passes by itself, when there is room.
 */
import type { EntenteError } from "../../proto/errors.ts";
import type { Gate, Place } from "../../proto/limits/gate.ts";
import { limitRefusal } from "../../proto/limits/limit.ts";
import type { Clock, Files } from "../../proto/ports/ports.ts";
import { inMib } from "./kept.ts";
import { gateOf, type NodeLimitName, type NodeLimits } from "./limits.ts";

const MIB = 1024 * 1024;
/** The system is asked as often at most. */
const FRESH_MS = 500;
/** A spill that grows asks after so many bytes: what is small has its place in what is kept. */
const ASK_BYTES = 16 * MIB;

export interface DiskOptions {
  readonly files: Pick<Files, "freeBytes">;
  /** The node's. */
  readonly folder: string;
  readonly clock: Pick<Clock, "monotonicMs">;
  readonly limits: NodeLimits;
}

/** What a spill, or a job's received partitions, have of the disk; given back by disposing. */
export interface DiskClaim extends Disposable {
  /** To be called before so many bytes are written. Throws DISK_FULL, OVERLOADED. */
  grow(bytes: number): Promise<void>;
}

export class Disk {
  readonly #options: DiskOptions;
  /** Bytes, by peer. */
  readonly #spills: Gate;
  #last: { readonly atMs: number; readonly freeBytes: number } | undefined;

  constructor(options: DiskOptions) {
    this.#options = options;
    this.#spills = gateOf(options.limits, { all: "spillMib", each: "spillPerPeerMib" });
  }

  /** What an ordinary user may still write, as of less than a second ago. Infinite where the system does not say. */
  async freeBytes(): Promise<number> {
    const { files, folder, clock } = this.#options;
    const atMs = clock.monotonicMs();
    if (this.#last === undefined || atMs - this.#last.atMs >= FRESH_MS) {
      const freeBytes = await files.freeBytes(folder).catch(() => Number.POSITIVE_INFINITY);
      this.#last = { atMs, freeBytes };
    }
    return this.#last.freeBytes;
  }

  /** Why nothing new may begin; undefined when it may. */
  async trouble(): Promise<EntenteError | undefined> {
    const { limits } = this.#options;
    const isLow = (await this.freeBytes()) < limits.values.freeDiskMib * MIB;
    return isLow ? limitRefusal(limits, "freeDiskMib") : undefined;
  }

  /** Before new work. Throws DISK_FULL. */
  async require(): Promise<void> {
    const trouble = await this.trouble();
    if (trouble !== undefined) throw trouble;
  }

  /** `peer`: of the job; empty for what no peer has asked for. */
  claim(peer: string): DiskClaim {
    const place: Place = this.#spills.join(peer, 0);
    let unasked = 0;
    return {
      grow: async (bytes) => {
        place.grow(bytes);
        unasked += bytes;
        if (unasked < ASK_BYTES) return;
        unasked = 0;
        await this.require();
      },
      [Symbol.dispose]: () => place[Symbol.dispose](),
    };
  }

  /** Of `freeDiskMib` what is free. */
  async used(): Promise<Partial<Record<NodeLimitName, number>>> {
    const free = await this.freeBytes();
    return {
      ...(Number.isFinite(free) ? { freeDiskMib: Math.floor(free / MIB) } : {}),
      spillMib: inMib(this.#spills.used),
      spillPerPeerMib: inMib(this.#spills.usedByOne),
    };
  }
}
