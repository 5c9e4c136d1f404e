/** What an operator is told of a configuration that is not of its form. */
import type * as z from "zod";
import { EntenteError } from "../errors.ts";

/** Names the first field at fault and what is expected of it, or a field that there is none of; no value. */
export function refusedConfig(file: "node.json" | "coordinator.json", { issues }: z.core.$ZodError): EntenteError {
  const [issue] = issues;
  const field = issue?.path.join(".") ?? "";
  return new EntenteError("BAD_REQUEST", {
    detail: [file, ...(field === "" ? [] : [field]), issue?.message ?? "not of the form"].join(": "),
  });
}
