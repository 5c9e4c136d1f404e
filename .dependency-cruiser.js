/**
 * The import law (see README.md, "Layout"). `test/support/check.ts` also runs it over `test/support/law-fixture`, which
 * breaks every rule once, and fails unless each is reported: a rule that cannot fail is no rule.
 * The fixture has the same folders below its own root, so paths may have a prefix.
 */
const at = (path) => `(^|law-fixture/)${path}`;
const ROOMS = "(?:proto|coordinator|party|sdk)/";

export default {
  forbidden: [
    {
      name: "proto-imports-nothing-of-ours",
      severity: "error",
      from: { path: at("proto/") },
      to: { path: at("(?:coordinator|party|sdk|test)/") },
    },
    {
      name: "coordinator-imports-proto-only",
      severity: "error",
      from: { path: at("coordinator/") },
      to: { path: at("(?:party|sdk|test)/") },
    },
    {
      name: "party-imports-proto-only",
      severity: "error",
      comment: "exceptions: the console uses the SDK's client, the API the offline verifier",
      from: { path: at("party/"), pathNot: at("party/(?:console|api)/") },
      to: { path: at("(?:coordinator|sdk|test)/") },
    },
    {
      name: "api-imports-of-sdk-verify-only",
      severity: "error",
      from: { path: at("party/api/") },
      to: { path: at("(?:coordinator|sdk|test)/"), pathNot: at("sdk/verify/") },
    },
    {
      name: "console-imports-of-sdk-client-only",
      severity: "error",
      from: { path: at("party/console/") },
      to: { path: at("(?:coordinator|sdk|test)/"), pathNot: at("sdk/client") },
    },
    {
      name: "sdk-imports-proto-only",
      severity: "error",
      comment: "exception: the commands that start processes load the two main.ts, and nothing behind them",
      from: { path: at("sdk/"), pathNot: at("sdk/cli/(?:coordinator|party|up)\\.ts$") },
      to: { path: at("(?:coordinator|party|test)/") },
    },
    {
      name: "start-commands-load-main-only",
      severity: "error",
      from: { path: at("sdk/cli/(?:coordinator|party|up)\\.ts$") },
      to: { path: at("(?:coordinator|party|test)/"), pathNot: at("(?:coordinator|party)/main\\.ts$") },
    },
    {
      name: "mains-are-loaded-dynamically",
      severity: "error",
      comment: "so that no other command pays for them",
      from: { path: at("sdk/") },
      to: { path: at("(?:coordinator|party)/main\\.ts$"), dependencyTypesNot: ["dynamic-import"] },
    },
    {
      name: "pure-code-imports-no-node",
      severity: "error",
      comment: "party/crypto and party/protocols take I/O, clock and randomness as arguments or not at all",
      from: { path: at("party/(?:crypto|protocols)/") },
      to: { dependencyTypes: ["core"] },
    },
    {
      name: "pure-code-imports-no-transport-or-logger",
      severity: "error",
      from: { path: at("party/(?:crypto|protocols)/") },
      to: { path: "node_modules/(?:@grpc|pino|express|@duckdb|libsodium|node-seal)" },
    },
    {
      name: "pure-code-stays-in-its-rooms",
      severity: "error",
      from: { path: at("party/(?:crypto|protocols)/") },
      to: { path: at("party/"), pathNot: at("party/(?:crypto|protocols|he|wasm)/") },
    },
    {
      name: "node-seal-behind-one-wrapper",
      severity: "error",
      from: { path: at(ROOMS), pathNot: at("party/he/") },
      to: { path: "node_modules/node-seal" },
    },
    {
      name: "proto-does-no-io",
      severity: "error",
      comment:
        "ports/node.ts, ops/listener.ts and the two drivers of databases are where I/O is; build.ts runs at build time",
      from: {
        path: at("proto/"),
        pathNot: at("proto/(?:ports/node|ops/listener|database/(?:sqlite|postgres)|build)\\.ts$"),
      },
      to: { dependencyTypes: ["core"], pathNot: "^(?:node:)?(?:crypto)$" },
    },
    {
      name: "proto-code-does-not-know-the-real-ports",
      severity: "error",
      from: { path: at("proto/") },
      to: { path: at("proto/(?:ports/node|ops/listener|database/(?:sqlite|postgres))\\.ts$") },
    },
    {
      name: "databases-behind-the-stores",
      severity: "error",
      comment: "what a node or a coordinator keeps goes through its store",
      from: { path: at("(?:coordinator|party|sdk)/"), pathNot: at("(?:coordinator|party)/store/") },
      to: { path: at("proto/database/(?:sqlite|postgres)\\.ts$") },
    },
    {
      name: "client-runs-in-a-browser",
      severity: "error",
      from: { path: at("sdk/client\\.ts$") },
      to: { path: "^(?:node:)?(?:crypto|fs|path|os|net|http|stream|worker_threads)(?:/|$)", reachable: true },
    },
    {
      name: "no-circles",
      severity: "error",
      from: { path: at(ROOMS) },
      to: { circular: true, viaOnly: { dependencyTypesNot: ["type-only"] } },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    exclude: { path: "(?:proto|party/console)/gen/" },
    tsConfig: { fileName: "tsconfig.json" },
    tsPreCompilationDeps: true,
    detectProcessBuiltinModuleCalls: true,
    enhancedResolveOptions: { exportsFields: ["exports"], conditionNames: ["import", "node", "default"] },
  },
};
