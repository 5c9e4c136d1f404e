/**
 * `npm run bench -- NAME [options]`: what a step costs, as CPU seconds and as a ratio to a peer in the same run. Never a
 * timed test: machines are shared.
 */
import { readdirSync } from "node:fs";

const names = readdirSync(new URL(".", import.meta.url))
  .filter((file) => file.endsWith(".ts") && file !== "main.ts")
  .map((file) => file.slice(0, -3));
const [name = "steps"] = process.argv.slice(2);
if (!names.includes(name)) {
  process.stderr.write(`Benches: ${names.join(", ")}\n`);
  process.exit(64);
}
await import(`./${name}.ts`);
