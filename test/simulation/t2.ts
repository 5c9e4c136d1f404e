import "./memo.ts";
import { makeBase, disksFrom } from "./base.ts";
import { runSeed } from "./run.ts";
import { planOf } from "./plan.ts";
const base = await makeBase(false);
let n=0, ev=0; let t = process.cpuUsage();
for (let seed=1; seed<=200; seed++) {
  const r = await runSeed(planOf(seed,{tls:false}), { base }); ev+=r.events; n++;
  if (r.problems.length) console.log(seed, r.outcomes.join(), r.problems.join("\n  ").slice(0,600));
  if (seed%40===0) { const u = process.cpuUsage(t); console.log(seed, (u.user+u.system)/1000/n, ev/n); n=0; ev=0; t=process.cpuUsage(); }
}
