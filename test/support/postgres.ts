/**
 * A real PostgreSQL server for one test file or bench: a cluster of its own in a temporary folder, on a loopback port, with
 * a password, as a user without rights when the tests run as root. It ends when its starter does, even by `kill -9`.
 * Found in PATH, in Debian's and in Homebrew's folders; installed by apt-get when there is none and that can be done.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chownSync, existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";

export interface Postgres {
  /** With user and password; the user may do everything in the database. */
  readonly url: string;
  /** One statement, or several without parameters; rows of the last one, numbers of 64 bits as text. */
  query<Row extends object = Record<string, unknown>>(sql: string, parameters?: readonly unknown[]): Promise<Row[]>;
  stop(): Promise<void>;
}

/** Debian's folders by version, Homebrew's on both of its processors, and the installer's on macOS. */
const PARENTS = [
  "/usr/lib/postgresql",
  "/opt/homebrew/opt",
  "/usr/local/opt",
  "/Applications/Postgres.app/Contents/Versions",
];

function programFolder(): string | undefined {
  const versioned = PARENTS.filter((parent) => existsSync(parent)).flatMap((parent) =>
    readdirSync(parent)
      .sort((a, b) => b.localeCompare(a, "en", { numeric: true }))
      .map((version) => join(parent, version, "bin")),
  );
  const candidates = [...(process.env.PATH ?? "").split(delimiter).filter((folder) => folder !== ""), ...versioned];
  return candidates.find((folder) => existsSync(join(folder, "initdb")) && existsSync(join(folder, "postgres")));
}

/** As root on a machine with apt-get; its lock is waited for when another test file installs at the same time. */
function install(): void {
  if (process.getuid?.() !== 0 || !existsSync("/usr/bin/apt-get")) return;
  const apt = (...args: string[]) =>
    spawnSync("apt-get", ["-qq", "-o", "DPkg::Lock::Timeout=120", ...args], {
      env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
      stdio: ["ignore", "ignore", "inherit"],
      timeout: 300_000,
    }).status === 0;
  const isInstalled = () => apt("install", "--yes", "--no-install-recommends", "postgresql");
  if (!isInstalled() && apt("update")) isInstalled();
}

/** The server refuses to run as root. */
function unprivileged(): { readonly uid?: number; readonly gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const users = readFileSync("/etc/passwd", "utf8")
    .split("\n")
    .map((line) => line.split(":"));
  const user = ["postgres", "nobody"].map((name) => users.find(([known]) => known === name)).find(Boolean);
  return user === undefined ? {} : { uid: Number(user[2]), gid: Number(user[3]) };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as { port: number };
  await new Promise((closed) => server.close(closed));
  return port;
}

/** The shell outlives a starter that is killed, sees its pipe end, and stops the server and removes its folder. */
const WATCHED = '"$@" & server=$!; cat > /dev/null; kill -INT $server; wait $server; rm -rf "$0"';

async function untilReady(client: () => pg.Client, server: ChildProcess): Promise<pg.Client> {
  for (let attempt = 0; ; attempt++) {
    const one = client();
    try {
      await one.connect();
      return one;
    } catch (error) {
      if (attempt === 100 || server.exitCode !== null) throw error;
      await sleep(100);
    }
  }
}

async function start(programs: string, durable: boolean): Promise<Postgres> {
  const folder = await mkdtemp(join(tmpdir(), "entente-pg-"));
  const user = unprivileged();
  const password = randomBytes(16).toString("hex");
  const data = join(folder, "data");
  await writeFile(join(folder, "password"), password);
  if (user.uid !== undefined)
    for (const path of [folder, join(folder, "password")]) chownSync(path, user.uid, user.gid ?? user.uid);
  const initdb = spawnSync(
    join(programs, "initdb"),
    [
      "-D",
      data,
      "-U",
      "entente",
      "-A",
      "scram-sha-256",
      `--pwfile=${join(folder, "password")}`,
      "-E",
      "UTF8",
      "--no-locale",
      "--no-sync",
    ],
    { ...user, cwd: folder, encoding: "utf8" },
  );
  if (initdb.status !== 0) {
    await rm(folder, { recursive: true, force: true });
    throw new Error(`initdb failed: ${initdb.stderr || initdb.error}`);
  }
  const port = await freePort();
  const settings = [`port=${port}`, "listen_addresses=127.0.0.1", "unix_socket_directories=", "logging_collector=off"];
  if (!durable) settings.push("fsync=off", "synchronous_commit=off", "full_page_writes=off");
  const args = [join(programs, "postgres"), "-D", data, ...settings.flatMap((setting) => ["-c", setting])];
  const server = spawn("sh", ["-c", WATCHED, folder, ...args], {
    ...user,
    cwd: folder,
    stdio: ["pipe", "ignore", "ignore"],
  });
  const ended = new Promise<void>((resolve) => server.once("exit", () => resolve()));
  const url = `postgresql://entente:${password}@127.0.0.1:${port}/postgres`;
  const client = await untilReady(() => new pg.Client({ connectionString: url }), server);
  // A test that breaks the server's connections breaks this one too.
  client.on("error", () => {});
  return {
    url,
    async query<Row extends object>(sql: string, parameters?: readonly unknown[]) {
      const results = await client.query(sql, parameters as unknown[] | undefined);
      const last = Array.isArray(results) ? results.at(-1) : results;
      return last.rows as Row[];
    },
    async stop() {
      await client.end();
      server.stdin?.end();
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/**
 * A running server, or undefined where none can be had: then stderr says how to install one, and the caller skips. With
 * `durable` it syncs as in production, for benches; without, it is fast.
 */
export async function startPostgres({ durable = false }: { durable?: boolean } = {}): Promise<Postgres | undefined> {
  if (programFolder() === undefined) install();
  const programs = programFolder();
  if (programs !== undefined) return await start(programs, durable);
  process.stderr.write(
    "SKIPPED: no PostgreSQL server found (initdb, postgres). Install it: `apt-get install postgresql` on Debian and Ubuntu, " +
      "`brew install postgresql@17` on macOS, or put its programs into PATH.\n",
  );
  return undefined;
}
