/** A worker thread that runs seeds: its world's base is made once, then it answers each number with what came of it. */
import "./memo.ts";
import { parentPort, workerData } from "node:worker_threads";
import { makeBase } from "./base.ts";
import { planOf } from "./plan.ts";
import { runSeed } from "./run.ts";

const port = parentPort;
if (port === null) throw new Error("thread.ts runs as a worker thread only");
const { tls } = workerData as { readonly tls: boolean };
const base = await makeBase(tls);
port.on("message", (seed: number) => {
  void runSeed(planOf(seed, { tls }), { base }).then((result) => port.postMessage(result));
});
port.postMessage("ready");
