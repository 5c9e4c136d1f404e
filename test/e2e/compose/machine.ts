/** A machine of one organisation: a folder with the compose file, secrets and data, where lines of a shell are run. */
import { execFile } from "node:child_process";
import { copyFile, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Docker } from "./daemon.ts";

const run = promisify(execFile);
const HEALTHY_MS = 180_000;
const LOOK_MS = 1_000;

export interface Inspected {
  readonly State: {
    readonly Pid: number;
    readonly Status: string;
    readonly ExitCode: number;
    readonly Health: { readonly Status: string };
  };
  readonly RestartCount: number;
  readonly Config: { readonly User: string };
  readonly HostConfig: {
    readonly ReadonlyRootfs: boolean;
    readonly CapDrop: readonly string[];
    readonly SecurityOpt: readonly string[];
    readonly PortBindings: Readonly<Record<string, unknown>>;
    readonly Memory: number;
    readonly NanoCpus: number;
    readonly PidsLimit: number;
  };
}

export class Machine implements AsyncDisposable {
  readonly folder: string;
  /** What its lines know as `$NAME`. */
  readonly names: Record<string, string> = {};
  readonly #docker: Docker;
  readonly #root: string;

  private constructor(docker: Docker, folder: string, root: string) {
    this.#docker = docker;
    this.folder = folder;
    this.#root = root;
  }

  /** `root`: the checkout. */
  static async make(docker: Docker, name: string, root: string): Promise<Machine> {
    const folder = await mkdtemp(join(tmpdir(), `entente-${name}-`));
    await copyFile(join(root, "docker-compose.yml"), join(folder, "docker-compose.yml"));
    await mkdir(join(folder, "files"));
    return new Machine(docker, folder, root);
  }

  /** Standard output of one line, trimmed. Throws with all that was printed. */
  async run(line: string): Promise<string> {
    // A reader is in the checkout, where the compose file is, too.
    const here = line.replace(/^(docker build .*) \.$/, `$1 ${this.#root}`);
    const env = { ...this.#docker.env, ...this.names };
    try {
      const { stdout } = await run("bash", ["-euo", "pipefail", "-c", here], {
        cwd: this.folder,
        env,
        maxBuffer: 1 << 26,
      });
      return stdout.trim();
    } catch (error) {
      const { stdout = "", stderr = "", message } = error as Error & { stdout?: string; stderr?: string };
      throw new Error(`${line}\n${stdout}${stderr || message}`);
    }
  }

  /** One command of the command line in a container; what it answers. */
  async entente<T>(service: string, command: string): Promise<T> {
    return JSON.parse(await this.run(`docker compose exec ${service} entente ${command} --json`)) as T;
  }

  async inspect(service: string): Promise<Inspected> {
    const id = await this.run(`docker compose ps --quiet ${service}`);
    const [found] = JSON.parse(await this.#docker.docker("inspect", id)) as [Inspected];
    return found;
  }

  /** Polls until the service is healthy; throws with its log when it is not in time. */
  async untilHealthy(service: string): Promise<void> {
    const untilMs = performance.now() + HEALTHY_MS;
    for (;;) {
      const status = await this.inspect(service).then(
        ({ State }) => State.Health.Status,
        () => "gone",
      );
      if (status === "healthy") return;
      if (performance.now() > untilMs)
        throw new Error(`${service} is ${status}\n${await this.run(`docker compose logs --tail 20 ${service}`)}`);
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.run("docker compose down --volumes --timeout 5").catch((error: unknown) => console.log(error));
    await rm(this.folder, { recursive: true, force: true });
  }
}
