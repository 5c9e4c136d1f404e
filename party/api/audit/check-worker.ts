/** The thread that runs the offline verifier over an export, away from the node's own work. */
import { parentPort, workerData } from "node:worker_threads";
import { toEntenteError } from "../../../proto/errors.ts";
import { withBundles } from "../../../sdk/verify/bundles.ts";
import { reportOf } from "../../../sdk/verify/report.ts";
import { examineFolders } from "../../../sdk/verify/verify.ts";
import type { CheckTask, FromCheck } from "./check.ts";

const { name, files, trust } = workerData as CheckTask;
const tell = (message: FromCheck) => parentPort?.postMessage(message);
const nothing = { read: async () => undefined, list: async () => [] };

try {
  const examination = await examineFolders([name], {
    files: withBundles(nothing, new Map([[name, new Map(files.map(({ path, bytes }) => [path, bytes]))]])),
    trust,
    onEntries: (done, total) => tell({ kind: "progress", done, total }),
  });
  tell({ kind: "done", report: reportOf(examination) });
} catch (error) {
  const { code, detail, stack } = toEntenteError(error);
  tell({ kind: "error", code, ...(detail === undefined ? {} : { detail }), ...(stack === undefined ? {} : { stack }) });
}
