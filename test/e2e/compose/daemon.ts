/** A Docker daemon: the one that is there, or one of this script's own where Debian's docker.io can start it. */
import { execFile, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, mkdir, mkdtemp, open, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const START_MS = 30_000;

export interface Docker extends AsyncDisposable {
  /** With a `docker` on its path that builds with this script's bases, and knows `docker compose`. */
  readonly env: NodeJS.ProcessEnv;
  /** Standard output, trimmed. Throws with what was printed when it fails. */
  docker(...args: readonly string[]): Promise<string>;
}

/** Why there is none, as its message. */
export class NoDaemon extends Error {}

/** Words of a shell's command. */
interface Clients {
  readonly docker: string;
  readonly compose: string;
}

/** `buildArguments` go into every `docker build`. Throws NoDaemon. */
export async function openDocker(buildArguments: readonly string[]): Promise<Docker> {
  const clients = await findClients();
  const folder = await mkdtemp(join(tmpdir(), "entente-docker-"));
  const env = { ...process.env, DOCKER_BUILDKIT: "1", COMPOSE_DOCKER_CLI_BUILD: "1" } as NodeJS.ProcessEnv;
  const bin = join(folder, "bin");
  await mkdir(bin);
  await writeFile(join(bin, "docker"), shim(clients, buildArguments));
  await chmod(join(bin, "docker"), 0o755);
  env.PATH = `${bin}${delimiter}${env.PATH}`;
  const docker = async (...args: readonly string[]) => {
    const { stdout } = await run("docker", args, { env, maxBuffer: 1 << 26 });
    return stdout.trim();
  };
  const remove = () => rm(folder, { recursive: true, force: true });
  try {
    await docker("version");
    return { env, docker, [Symbol.asyncDispose]: remove };
  } catch {
    // None answers: this script's own is next.
  }
  try {
    const stop = await startDaemon(folder, env, docker);
    const dispose = async () => {
      await stop();
      await remove();
    };
    return { env, docker, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await remove();
    throw error;
  }
}

async function startDaemon(folder: string, env: NodeJS.ProcessEnv, docker: Docker["docker"]) {
  if (process.getuid?.() !== 0) throw new NoDaemon("no daemon answers, and only root can start one");
  const program = onPath("dockerd").at(0);
  if (program === undefined)
    throw new NoDaemon("no daemon answers, and there is no dockerd: apt-get install docker.io");
  const socket = `unix://${join(folder, "socket")}`;
  const log = await open(join(folder, "log"), "a");
  const places = ["--data-root", "data", "--exec-root", "exec", "--pidfile", "pid"];
  const args = ["--host", socket, ...places.map((word) => (word.startsWith("--") ? word : join(folder, word)))];
  const daemon = spawn(program, args, { stdio: ["ignore", log.fd, log.fd] });
  const ended = new Promise<void>((resolve) => daemon.once("exit", () => resolve()));
  const stop = async () => {
    daemon.kill("SIGTERM");
    await ended;
    await log.close();
  };
  env.DOCKER_HOST = socket;
  for (const untilMs = performance.now() + START_MS; performance.now() < untilMs && daemon.exitCode === null; ) {
    await new Promise((resolve) => setTimeout(resolve, 500));
    if (await docker("version").catch(() => undefined)) return stop;
  }
  const { stdout } = await run("tail", ["-n", "3", join(folder, "log")]);
  await stop();
  throw new NoDaemon(`dockerd does not run here:\n${stdout}`);
}

function onPath(name: string): string[] {
  const folders = (process.env.PATH ?? "").split(delimiter);
  return [...folders, "/usr/bin", "/usr/sbin"].map((folder) => join(folder, name)).filter((path) => existsSync(path));
}

/** A client that can build with secrets: of its own before version 23, by its part buildx since. */
async function findClients(): Promise<Clients> {
  for (const docker of onPath("docker")) {
    const { stdout: version } = await run(docker, ["--version"]).catch(() => ({ stdout: "" }));
    const major = Number(/version (\d+)/.exec(version)?.[1] ?? 0);
    const canBuild = major < 23 ? major >= 20 : await works(docker, "buildx", "version");
    if (!canBuild) continue;
    if (await works(docker, "compose", "version")) return { docker, compose: `${docker} compose` };
    const [compose] = onPath("docker-compose");
    if (compose !== undefined) return { docker, compose };
  }
  throw new NoDaemon("no docker client with compose: apt-get install docker.io docker-compose");
}

async function works(program: string, ...args: readonly string[]): Promise<boolean> {
  return run(program, args).then(
    () => true,
    () => false,
  );
}

/** `docker` as a guide's reader types it, where there is no terminal, and with the bases to build from. */
function shim({ docker, compose }: Clients, buildArguments: readonly string[]): string {
  const quoted = buildArguments.map((word) => `'${word}'`).join(" ");
  return `#!/bin/sh
case "$1" in
  compose)
    shift
    case "$1" in
      exec | run) command=$1; shift; [ "$1" != -T ] || shift; exec ${compose} "$command" -T "$@" ;;
    esac
    exec ${compose} "$@" ;;
  build) shift; exec ${docker} build ${quoted} "$@" ;;
esac
exec ${docker} "$@"
`;
}
