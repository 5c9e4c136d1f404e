/** The API's route on what a job found. */
import { fileAnswer } from "../api/file-answer.ts";
import type { Handlers } from "../api/server.ts";
import type { Node } from "../node.ts";
import { exportResult } from "./export-result.ts";

export function resultHandlers(node: Node): Pick<Handlers, "exportResult"> {
  return {
    exportResult: ({ jobId, format, destination = "", forSpreadsheet }, { person }) =>
      fileAnswer(node, { name: "result", format }, (path) =>
        exportResult(node, { jobId, format, path, person, destination, forSpreadsheet: forSpreadsheet === "yes" }),
      ),
  };
}
