/** What a node keeps on its disk when nothing runs: rows that were set aside, results, models. */
import { join } from "node:path";
import { limitRefusal } from "../../proto/limits/limit.ts";
import type { NodeLimitName } from "../../proto/limits/node-limits.ts";
import type { Files } from "../../proto/ports/ports.ts";
import type { InspectBounds } from "../data/inspect.ts";
import type { NodeLimits } from "./limits.ts";

const MIB = 1024 * 1024;

export interface KeptOptions {
  readonly files: Pick<Files, "usedBytes" | "list">;
  readonly limits: NodeLimits;
  /** Absolute. */
  readonly quarantineFolder: string;
  /** Absolute; in it a folder for each job. */
  readonly resultFolder: string;
  /** The job's other party. */
  readonly peerOf: (jobId: string) => Promise<string>;
  /** Bytes of each kept model, with the peer. */
  readonly models: () => Promise<readonly { readonly peer: string; readonly bytes: number }[]>;
}

export class Kept {
  readonly #options: KeptOptions;

  constructor(options: KeptOptions) {
    this.#options = options;
  }

  /** For a dataset that is read through, and whose rows that are set aside go to this file, which may be there from before. */
  async boundsOf(quarantinePath: string): Promise<InspectBounds> {
    const { files, limits, quarantineFolder } = this.#options;
    const others = (await files.usedBytes(quarantineFolder)) - (await files.usedBytes(quarantinePath));
    let left = limits.values.quarantineMib * MIB - others;
    return {
      rows(rows) {
        if (rows > limits.values.datasetRows) throw limitRefusal(limits, "datasetRows");
      },
      setAside(bytes) {
        left -= bytes;
        if (left < 0) throw limitRefusal(limits, "quarantineMib");
      },
    };
  }

  /** Before a job whose result is kept; one that has run is kept whatever it takes. Throws LIMIT_EXCEEDED. */
  async requireResultRoom(peer: string): Promise<void> {
    const { limits } = this.#options;
    const held = await this.#results();
    const full = (name: "resultsMib" | "resultsPerPeerMib", bytes: number) => {
      if (bytes >= limits.values[name] * MIB) throw limitRefusal(limits, name);
    };
    full("resultsPerPeerMib", held.get(peer) ?? 0);
    full("resultsMib", sumOf(held));
  }

  async used(): Promise<Partial<Record<NodeLimitName, number>>> {
    const { files, quarantineFolder, models } = this.#options;
    const results = await this.#results();
    const kept = byPeer(await models());
    return {
      quarantineMib: inMib(await files.usedBytes(quarantineFolder)),
      resultsMib: inMib(sumOf(results)),
      resultsPerPeerMib: inMib(mostOf(results)),
      keptModelsMib: inMib(sumOf(kept)),
      keptModelsPerPeerMib: inMib(mostOf(kept)),
    };
  }

  /** Bytes by peer. */
  async #results(): Promise<ReadonlyMap<string, number>> {
    const { files, resultFolder, peerOf } = this.#options;
    const all = [];
    for (const jobId of await files.list(resultFolder))
      all.push({ peer: await peerOf(jobId), bytes: await files.usedBytes(join(resultFolder, jobId)) });
    return byPeer(all);
  }
}

export function inMib(bytes: number): number {
  return Math.ceil(bytes / MIB);
}

function byPeer(all: readonly { readonly peer: string; readonly bytes: number }[]): Map<string, number> {
  const sums = new Map<string, number>();
  for (const { peer, bytes } of all) sums.set(peer, (sums.get(peer) ?? 0) + bytes);
  return sums;
}

function sumOf(held: ReadonlyMap<string, number>): number {
  return [...held.values()].reduce((sum, bytes) => sum + bytes, 0);
}

function mostOf(held: ReadonlyMap<string, number>): number {
  return Math.max(0, ...held.values());
}
