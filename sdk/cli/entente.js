#!/usr/bin/env node
// Plain JavaScript that an older Node can read: it either finds a Node that can run the rest, or says what to do.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { constants } from "node:os";
import { fileURLToPath } from "node:url";

const here = (path) => new URL(path, import.meta.url);
// The package `node`: of this checkout, or beside this package where it is installed.
const pinned = [here("../../node_modules/node/bin/node"), here("../../../node/bin/node")].find((path) =>
  existsSync(path),
);
if (Number.parseInt(process.versions.node, 10) >= 26) {
  // A checkout has the sources, an installed package what was made of them.
  const sources = here("./main.ts");
  const { main } = await import((existsSync(sources) ? sources : here("../../dist/sdk/cli/main.js")).href);
  await main(process.argv.slice(2));
} else if (pinned !== undefined) {
  const child = spawn(fileURLToPath(pinned), [fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
    stdio: "inherit",
  });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  child.on("exit", (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
} else {
  console.error(`entente needs Node 26 or newer; this is ${process.version}.`);
  console.error(
    "Run 'npm install' in a checkout, or 'npm install node@26' beside the installed package, which brings the",
  );
  console.error("right one, or install it from https://nodejs.org.");
  process.exitCode = 1;
}
