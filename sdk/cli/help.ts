/** Help that teaches by example: every command has one, a group those of its commands, and a usage error ends with one. */
import type { EventEmitter } from "node:events";
import type { Command } from "commander";

/** A command and all below it. */
export function withDescendants(command: Command): Command[] {
  return [command, ...command.commands.flatMap(withDescendants)];
}

/** Its words after `entente`. */
export function wordsOf(command: Command): string[] {
  return command.parent === null ? [] : [...wordsOf(command.parent), command.name()];
}

/** The examples in what follows a command's own help, as they are typed: without the prompt, continued lines joined. */
export function examplesOf(command: Command): string[] {
  let text = "";
  const write = (more: string) => {
    text += more;
  };
  // What `addHelpText` listens to.
  (command as unknown as EventEmitter).emit("afterHelp", { command, error: false, write });
  return [...text.matchAll(/^ {2}\$ ((?:.*\\\n)*.*)$/gm)].map(([, lines = ""]) => lines.replaceAll(/\\\n\s*/g, ""));
}

/** To be called when all commands are in place, and before a line is parsed. */
export function teach(root: Command): void {
  for (const command of withDescendants(root)) {
    command.configureHelp({ showGlobalOptions: true });
    const words = ["entente", ...wordsOf(command)].join(" ");
    if (command !== root && command.commands.length > 0)
      command.helpCommand(false).addHelpText("after", () => groupHelp(command));
    const [first] = command === root ? [] : examplesOf(command);
    const sample = first === undefined ? "" : `\nFor example:\n  $ ${first}\n`;
    command.showHelpAfterError(`${sample}\n'${words} --help' says more.`);
  }
}

function groupHelp(group: Command): string {
  // Its own examples, where it is a command too, stand above.
  const examples = group.commands.flatMap((command) => examplesOf(command).slice(0, 1));
  return `\nExamples:\n${examples.map((line) => `  $ ${line}`).join("\n")}`;
}
