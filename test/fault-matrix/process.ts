/**
 * A party or a coordinator as a process whose every persist is a place to be killed at:
 * `node process.ts party|coordinator FOLDER MATRIX-FOLDER`. The product has nothing of it: the modules that open the stores are
 * replaced as they are loaded, and files and logs are wrapped here.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { registerHooks } from "node:module";
import type { Endpoints } from "../../coordinator/service.ts";
import { EvidenceLog } from "../../proto/evidence/log.ts";
import { nodePorts } from "../../proto/ports/node.ts";
import type { Ports } from "../../proto/ports/ports.ts";
import { KillPoint } from "./kill-point.ts";
import { entryStep, fileStep, storeStep } from "./steps.ts";

const [of, folder, matrixFolder] = process.argv.slice(2) as ["party" | "coordinator", string, string];
const point = new KillPoint(matrixFolder);

/** Called by what stands in the place of `openStore`. */
(globalThis as { wrapStore?: unknown }).wrapStore = <S extends object>(store: S): S =>
  new Proxy(store, {
    get(target, name) {
      const method: unknown = Reflect.get(target, name, target);
      if (typeof method !== "function") return method;
      return (...args: readonly unknown[]) => {
        const step = storeStep(of, String(name), args);
        const run = () => method.apply(target, args) as Promise<unknown>;
        return step === undefined ? run() : point.around(step, run);
      };
    },
  });

const REAL = "?real";
registerHooks({
  resolve(specifier, context, next) {
    const resolved = next(specifier, context);
    const isStore = new RegExp(`/${of}/store/open\\.ts$`).test(resolved.url);
    return isStore ? { ...resolved, url: `${resolved.url}?killed`, shortCircuit: true } : resolved;
  },
  load(url, context, next) {
    if (!url.endsWith("open.ts?killed")) return next(url, context);
    const real = url.replace("?killed", REAL);
    const source = `import * as real from ${JSON.stringify(real)};
      export * from ${JSON.stringify(real)};
      export const openStore = async (...args) => globalThis.wrapStore(await real.openStore(...args));`;
    return { format: "module", source, shortCircuit: true };
  },
});

const append = EvidenceLog.prototype.append;
EvidenceLog.prototype.append = function (this: EvidenceLog, entries) {
  return point.around(entryStep(entries), () => append.call(this, entries));
};

const { files } = nodePorts;
const ports: Ports = {
  ...nodePorts,
  files: {
    ...files,
    writeDurable(path, bytes) {
      const step = fileStep(path, false);
      const write = () => files.writeDurable(path, bytes);
      return step === undefined ? write() : point.around(step, write);
    },
    remove(path) {
      const step = fileStep(path, true);
      const remove = () => files.remove(path);
      return step === undefined ? remove() : point.around(step, remove);
    },
  },
};

if (of === "party") {
  const { startParty } = await import("../../party/main.ts");
  const { apiUrl } = await startParty({ folder, ports });
  console.log(JSON.stringify({ apiUrl }));
} else {
  const { startCoordinator } = await import("../../coordinator/main.ts");
  // The parties look for it where it was.
  const path = `${matrixFolder}/endpoints.json`;
  const before = existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as Endpoints) : undefined;
  const where = before && { port: before.main.port, enrolPort: before.enrolment.port };
  const { endpoints } = await startCoordinator({ folder, ports, ...where });
  writeFileSync(path, JSON.stringify(endpoints));
  console.log(JSON.stringify({ endpoints }));
}
