/**
 * The node's disk: how much of it spills may take, and the room that is kept for what has begun. Below `freeDiskMib` nothing new
 * begins; endings, evidence and revocations still write, into what is kept for them. It passes by itself, when there is room.
 */
import { DiskRoom, type DiskRoomOptions } from "../../proto/limits/disk-room.ts";
import type { Gate, Place } from "../../proto/limits/gate.ts";
import { limitRefusal } from "../../proto/limits/limit.ts";
import type { NodeLimitName } from "../../proto/limits/node-limits.ts";
import { inMib } from "./kept.ts";
import { gateOf, type NodeLimits } from "./limits.ts";

const MIB = 1024 * 1024;
/** A spill that grows asks after so many bytes: what is small has its place in what is kept. */
const ASK_BYTES = 16 * MIB;

export interface DiskOptions extends Pick<DiskRoomOptions, "files" | "folder" | "clock"> {
  readonly limits: NodeLimits;
}

/** What a spill, or a job's received partitions, have of the disk; given back by disposing. */
export interface DiskClaim extends Disposable {
  /** To be called before so many bytes are written. Throws DISK_FULL, OVERLOADED. */
  grow(bytes: number): Promise<void>;
}

export class Disk extends DiskRoom {
  /** Bytes, by peer. */
  readonly #spills: Gate;

  constructor({ limits, ...where }: DiskOptions) {
    const keptBytes = limits.values.freeDiskMib * MIB;
    super({ ...where, keptBytes, refusal: () => limitRefusal(limits, "freeDiskMib") });
    this.#spills = gateOf(limits, { all: "spillMib", each: "spillPerPeerMib" });
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
