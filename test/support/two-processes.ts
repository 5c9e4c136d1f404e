/** A bench's two roles, each a process of the same script with `--role` and `--port`, over a loopback socket. */
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";

type Told<Line> = { readonly port?: number; readonly line?: Line };

function start<Line>(script: string, args: readonly string[], onTold: (told: Told<Line>) => void): Promise<void> {
  const child = fork(fileURLToPath(script), args, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  child.on("message", (told) => onTold(told as Told<Line>));
  return new Promise((resolve, reject) => {
    child.on("exit", (code) => (code === 0 ? resolve() : reject(new Error(`${args.join(" ")}: exit ${code}`))));
  });
}

/** `script`: the caller's `import.meta.url`. The first of `roles` listens, and tells the port that the second dials; each
 * tells a line, if it has one. Rejects when a process fails. */
export async function runBoth<Line>(
  script: string,
  roles: readonly [string, string],
  args: readonly string[],
): Promise<Line[]> {
  const lines: Line[] = [];
  let dialling: Promise<void> | undefined;
  const take = ({ line }: Told<Line>) => {
    if (line !== undefined) lines.push(line);
  };
  const [listener, dialler] = roles;
  await start<Line>(script, ["--role", listener, ...args, "--port", "0"], (told) => {
    if (told.port !== undefined) dialling = start(script, ["--role", dialler, ...args, "--port", `${told.port}`], take);
    take(told);
  });
  await dialling;
  return lines;
}
