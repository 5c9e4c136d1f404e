/** A process that spills ids and never finishes, to be killed: `node spill-child.ts FOLDER`. Says so on its output. */
import { idHasher } from "../../party/data/id-hash.ts";
import { PartitionSink } from "../../party/data/partition-sink.ts";
import { packed, runKey, spilled } from "./partition-run.ts";

const store = await spilled(process.argv[2] ?? "");
const options = { partitions: 2, quantisers: [], withSubjects: true, expected: 100_000, store, maxBlockBytes: 1000 };
const sink = new PartitionSink(options);
const ids = packed(Array.from({ length: 500 }, (_, i) => `+8613800${String(i).padStart(6, "0")}`));
const rows = Uint32Array.from({ length: 500 }, (_, i) => i);
for (let batch = 0; ; batch++) {
  await sink.write({ count: 500, rows, hashes: idHasher(runKey).hashAll(ids), ids, features: [] });
  if (batch === 3) console.log("spilling");
}
