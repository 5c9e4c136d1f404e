/**
 * Builds the console into `party/console/gen`, from where the node serves it. Run by `npm run build`, or as
 * `node party/console/build.ts`; with `--watch` it builds again at every change. Output is never committed.
 */
import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import { build } from "vite";

const root = fileURLToPath(new URL(".", import.meta.url));

await build({
  root,
  configFile: false,
  logLevel: "warn",
  plugins: [react()],
  build: {
    outDir: "gen",
    emptyOutDir: true,
    assetsDir: "assets",
    // The page's content security policy allows no data: address.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // Of the node's own people, from their own node, and kept by the browser for good.
    chunkSizeWarningLimit: 1_000,
    target: "es2023",
    ...(process.argv.includes("--watch") ? { watch: {} } : {}),
  },
});
