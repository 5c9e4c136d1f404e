/** Images to build from and to run beside, made of Debian's packages: for machines that reach no registry of images. */
import { spawn } from "node:child_process";
import { copyFile, cp, mkdtemp, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Docker } from "./daemon.ts";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const DEBIAN = "entente-test/debian";
const BUILDER = "entente-test/builder";
export const POSTGRES = "entente-test/postgres";
export const ENTENTE = "entente";
/** Most that the image may have above its base. */
const MOST_BYTES = 330_000_000;
const CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt";

/** For every `docker build`: where npm looks is this machine's setting, and no part of an image. */
export const BUILD_ARGUMENTS = [
  ...["--network", "host", "--build-arg", `BASE=${DEBIAN}`, "--build-arg", `BUILD_BASE=${BUILDER}`],
  ...["--secret", `id=npmrc,src=${join(homedir(), ".npmrc")}`],
];

const BUILDER_FILE = `FROM ${DEBIAN}
COPY node libatomic.so.1 /usr/bin/
RUN mv /usr/bin/libatomic.so.1 /usr/lib/$(uname -m)-linux-gnu/
COPY npm /usr/lib/node_modules/npm
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/bin/npm && ln -s ../lib/node_modules/npm/bin/npx-cli.js /usr/bin/npx
COPY certificates ${CERTIFICATES}
ENV NODE_EXTRA_CA_CERTS=${CERTIFICATES} npm_config_cafile=${CERTIFICATES}
`;

/** As the official image is, as far as docker-compose.yml uses it. */
const POSTGRES_FILE = `FROM ${DEBIAN}
RUN apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes --no-install-recommends postgresql > /dev/null \\
    && ln -s /usr/lib/postgresql/*/bin/* /usr/local/bin/ && chmod 3777 /run/postgresql \\
    && install -d -o postgres -g postgres -m 1777 /var/lib/postgresql/data
COPY entrypoint /entrypoint
ENTRYPOINT ["sh", "/entrypoint"]
`;
const POSTGRES_ENTRYPOINT = `set -eu
data=/var/lib/postgresql/data
if [ ! -s "$data/PG_VERSION" ]; then
  initdb $POSTGRES_INITDB_ARGS --locale=C.UTF-8 --pgdata="$data" --username="$POSTGRES_USER" \\
    --pwfile="$POSTGRES_PASSWORD_FILE" --auth=scram-sha-256 > /dev/null
  echo "host all all all scram-sha-256" >> "$data/pg_hba.conf"
  echo "CREATE DATABASE \\"$POSTGRES_DB\\"" | postgres --single -D "$data" postgres > /dev/null
fi
exec postgres -D "$data" -c listen_addresses='*' -c unix_socket_directories=/run/postgresql
`;

/** Makes what is not there yet. */
export async function makeBases(docker: Docker): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "entente-images-"));
  try {
    if (!(await has(docker, DEBIAN))) await importDebian(docker, join(folder, "debian"));
    if (!(await has(docker, BUILDER))) await build(docker, BUILDER, BUILDER_FILE, withNode);
    const writeEntrypoint = (to: string) => writeFile(join(to, "entrypoint"), POSTGRES_ENTRYPOINT);
    if (!(await has(docker, POSTGRES))) await build(docker, POSTGRES, POSTGRES_FILE, writeEntrypoint);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** What the image has above its base, in bytes. Throws when that is too much. */
export async function sizeAboveBase(docker: Docker): Promise<number> {
  const [all, base] = await Promise.all([ENTENTE, DEBIAN].map((image) => sizeOf(docker, image)));
  const above = (all ?? 0) - (base ?? 0);
  if (!(above > 0 && above <= MOST_BYTES)) throw new Error(`the image has ${above} bytes above its base`);
  return above;
}

/** The checkout, as `docker build` there does it. */
export async function buildEntente(docker: Docker): Promise<void> {
  await piped(docker, "nice", "docker", "build", "--quiet", "--tag", ENTENTE, ROOT);
}

async function sizeOf({ docker }: Docker, image: string): Promise<number> {
  return Number(await docker("image", "inspect", "--format", "{{.Size}}", image));
}

async function has({ docker }: Docker, image: string): Promise<boolean> {
  return docker("image", "inspect", image).then(
    () => true,
    () => false,
  );
}

async function importDebian(docker: Docker, folder: string): Promise<void> {
  const release = /VERSION_CODENAME=(\w+)/.exec(await readFile("/etc/os-release", "utf8"))?.[1] ?? "stable";
  await piped(docker, "nice", "debootstrap", "--variant=minbase", "--include=ca-certificates", release, folder);
  await piped(
    docker,
    "sh",
    "-c",
    `rm -rf '${folder}'/var/cache/apt/archives/*.deb '${folder}'/var/lib/apt/lists/*
    tar -C '${folder}' -c . | docker import - ${DEBIAN}`,
  );
}

/** This machine's Node and npm, which only have to be able to run `npm ci`. */
async function withNode(folder: string): Promise<void> {
  const node = await realpath("/usr/bin/node");
  await copyFile(node, join(folder, "node"));
  await cp(join(dirname(dirname(node)), "lib/node_modules/npm"), join(folder, "npm"), { recursive: true });
  await copyFile(CERTIFICATES, join(folder, "certificates"));
  const library = { x64: "x86_64", arm64: "aarch64" }[process.arch as "x64" | "arm64"];
  await copyFile(`/usr/lib/${library}-linux-gnu/libatomic.so.1`, join(folder, "libatomic.so.1"));
}

async function build(docker: Docker, tag: string, file: string, fill: (to: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "entente-image-"));
  try {
    await writeFile(join(folder, "Dockerfile"), file);
    await fill(folder);
    await piped(docker, "nice", "docker", "build", "--quiet", "--tag", tag, folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Runs a program to its end; throws with the last that it printed when it fails. */
async function piped({ env }: Docker, ...command: readonly string[]): Promise<void> {
  const [program, ...args] = command as [string, ...string[]];
  const child = spawn(program, args, { env, stdio: ["ignore", "pipe", "pipe"] });
  let printed = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => {
      printed = (printed + text).slice(-4_000);
    });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  if (code !== 0) throw new Error(`${command.join(" ")}\nexit ${code}\n${printed}`);
}
