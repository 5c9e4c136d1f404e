/** `entente doctor`: what is wrong with a node, why, and what to do. */
import { Command } from "commander";
import type { StoreFinding } from "../../proto/database/check.ts";
import type { FindingValues } from "../../proto/doctor/findings.ts";
import { findingWords, wordsOf } from "../../proto/doctor/words.ts";
import { EntenteError } from "../../proto/errors.ts";
import { FINDING_STATES, type Finding } from "../../proto/http/doctor-routes.ts";
import type { RouteResponse } from "../../proto/http/routes.ts";
import type { Language } from "../../proto/language.ts";
import { clientOf, example, folderOf, type GlobalOptions, languageOption, outputOf } from "./context.ts";
import { EXIT } from "./exit-code.ts";
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
    const down = nodeSilent({ detail: error.detail ?? error.message, folder });
    const isElsewhere = command.optsWithGlobals<GlobalOptions>().url !== undefined;
    return { worst: "fail", findings: [down, ...(isElsewhere ? [] : await examineStopped(folder))] };
  }
}

function nodeSilent(values: FindingValues["node-silent"]): Finding {
  const { what, why = null, fix = null } = findingWords("node-silent", values, "en");
  return { check: "node", subject: null, state: "fail", code: "node-silent", values: { ...values }, what, why, fix };
}

const ORDER = FINDING_STATES.toReversed();

interface Labels {
  readonly why: string;
  readonly fix: string;
  sums(ok: number, warn: number, fail: number): string;
}

const LABELS: Readonly<Record<Language, Labels>> = {
  en: { why: "why: ", fix: "fix: ", sums: (ok, warn, fail) => `${ok} ok, ${warn} to look at, ${fail} wrong` },
  "zh-CN": {
    why: "影响：",
    fix: "处理：",
    sums: (ok, warn, fail) => `正常 ${ok} 项，需关注 ${warn} 项，有问题 ${fail} 项`,
  },
};

/** Of a node, or of a store: the worst first. */
export function describeFindings(findings: readonly StoreFinding[], language: Language = "en"): string {
  const labels = LABELS[language];
  const sorted = findings.toSorted((a, b) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state));
  const width = Math.max(0, ...sorted.map(({ check }) => check.length));
  const lines = sorted.flatMap(({ check, state, what, why, fix }) => {
    const indent = `\n${" ".repeat(6 + width + 2)}`;
    const more = [
      why === null ? "" : `${indent}${labels.why}${printable(why)}`,
      fix === null ? "" : `${indent}${labels.fix}${printable(fix)}`,
    ];
    return `${coloured(state)}  ${check.padEnd(width)}  ${printable(what)}${more.join("")}`;
  });
  const count = (state: Finding["state"]) => findings.filter((finding) => finding.state === state).length;
  return [...lines, "", labels.sums(count("ok"), count("warn"), count("fail"))].join("\n");
}

function describeReport({ findings }: Report, language: Language): string {
  const lines = findings.map((finding) => {
    const { check, subject, state } = finding;
    const { what, why = null, fix = null } = wordsOf(finding, language);
    return { check: subject === null ? check : `${check} ${subject}`, state, what, why, fix };
  });
  return describeFindings(lines, language);
}

interface DoctorFlags {
  readonly language: Language;
}

export function doctorCommand(): Command {
  return new Command("doctor")
    .description("look at runtime, disk, clock, certificates, coordinator, peers, databases, store and evidence")
    .addOption(languageOption())
    .addHelpText("after", example("entente doctor --node bank", "entente doctor --node bank --language zh-CN"))
    .addHelpText("after", "\nExit code 1 when something is wrong. It changes nothing.")
    .action(async ({ language }: DoctorFlags, command: Command) => {
      const report = await examine(command);
      outputOf(command).answer(report, describeReport(report, language));
      if (report.worst === "fail") process.exitCode = EXIT.failed;
    });
}
