#!/usr/bin/env node
// Plain JavaScript that an older Node can read: it either finds a Node that can run the rest, or says what to do.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { constants } from "node:os";
import { fileURLToPath } from "node:url";

const pinned = fileURLToPath(new URL("../../node_modules/node/bin/node", import.meta.url));
if (Number.parseInt(process.versions.node, 10) >= 26) {
  const { main } = await import("./main.ts");
  await main(process.argv.slice(2));
} else if (existsSync(pinned)) {
  const child = spawn(pinned, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: "inherit" });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  child.on("exit", (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
} else {
  console.error(`entente needs Node 26 or newer; this is ${process.version}.`);
  console.error(
    "Run 'npm install' in the checkout, which brings the right one, or install it from https://nodejs.org.",
  );
  process.exitCode = 1;
}
