/** `entente doctor`: what is wrong with a node, why, and what to do. */
import { Command } from "commander";
import { EntenteError } from "../../proto/errors.ts";
import { FINDING_STATES, type Finding } from "../../proto/http/doctor-routes.ts";
import type { RouteResponse } from "../../proto/http/routes.ts";
import { clientOf, example, folderOf, type GlobalOptions, outputOf } from "./context.ts";
import { coloured, printable } from "./output.ts";
import { examineStopped } from "./party.ts";

type Report = RouteResponse<"doctor">;

/** Where the node does not answer its folder is looked at, unless it is on another machine. */
async function examine(command: Command): Promise<Report> {
  const folder = folderOf(command);
  try {
    return await (await clientOf(command)).call("doctor", {});
  } catch (error) {
    if (!(error instanceof EntenteError) || error.code !== "NODE_UNREACHABLE") throw error;
    const down: Finding = {
      check: "node",
      state: "fail",
      what: "the node does not answer",
      why: error.detail ?? error.message,
      fix: `entente party start --dir ${folder}`,
    };
    const isElsewhere = command.optsWithGlobals<GlobalOptions>().url !== undefined;
    return { worst: "fail", findings: [down, ...(isElsewhere ? [] : await examineStopped(folder))] };
  }
}

const ORDER = FINDING_STATES.toReversed();

export function describeReport({ findings }: Report): string {
  const sorted = findings.toSorted((a, b) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state));
  const width = Math.max(0, ...sorted.map(({ check }) => check.length));
  const lines = sorted.flatMap(({ check, state, what, why, fix }) => {
    const indent = `\n${" ".repeat(6 + width + 2)}`;
    const more = [
      why === null ? "" : `${indent}why: ${printable(why)}`,
      fix === null ? "" : `${indent}fix: ${printable(fix)}`,
    ];
    return `${coloured(state)}  ${check.padEnd(width)}  ${printable(what)}${more.join("")}`;
  });
  const count = (state: Finding["state"]) => findings.filter((finding) => finding.state === state).length;
  return [...lines, "", `${count("ok")} ok, ${count("warn")} to look at, ${count("fail")} wrong`].join("\n");
}

export function doctorCommand(): Command {
  return new Command("doctor")
    .description("look at runtime, disk, clock, certificates, coordinator, peers, databases, store and evidence")
    .addHelpText("after", example("entente doctor --node bank"))
    .addHelpText("after", "\nExit code 1 when something is wrong. It changes nothing.")
    .action(async (_options: object, command: Command) => {
      const report = await examine(command);
      outputOf(command).answer(report, describeReport(report));
      if (report.worst === "fail") process.exitCode = 1;
    });
}
