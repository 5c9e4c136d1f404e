/** The package as somebody installs it: built, packed and installed with npm into a project of its own, without a network. */
import { execFile } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { cp, mkdir, readdir, readFile, readlink, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../../", import.meta.url));
/** This Node first: npm and the installed command start whatever `node` they find. */
const env = {
  ...process.env,
  PATH: `${dirname(process.execPath)}:${process.env.PATH}`,
  NPM_CONFIG_UPDATE_NOTIFIER: "false",
};

interface Lock {
  readonly packages: Readonly<Record<string, { readonly dev?: boolean }>>;
}

/** Where hard links to the checkout's packages can be made, if anywhere. */
export function roomyFolder(): string {
  const device = (path: string) => statSync(path, { throwIfNoEntry: false })?.dev;
  return ["/tmp", "/var/tmp"].find((path) => device(path) === device(join(root, "node_modules"))) ?? tmpdir();
}

/** A command in `cwd`; throws with what it said when it fails. */
export async function shell(cwd: string, command: string, ...args: readonly string[]): Promise<string> {
  return (await run(command, args, { cwd, env })).stdout;
}

/** Packs what `npm pack` would, without types, which `npm run check` looks at. The path of the tarball. */
export async function packedIn(folder: string): Promise<string> {
  const staged = join(folder, "package");
  await mkdir(staged);
  const { files } = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as { files: string[] };
  for (const path of ["package.json", "README.md", "LICENSE", ...files.filter((name) => name !== "dist")])
    await cp(join(root, path), join(staged, path));
  await shell(root, process.execPath, join(root, "sdk/build.ts"), "--without-types", join(staged, "dist"));
  // Its scripts make the build that is there already.
  await shell(staged, "npm", "pack", "--ignore-scripts", "--silent", "--pack-destination", folder);
  const [tarball] = (await readdir(folder)).filter((name) => name.endsWith(".tgz"));
  return join(folder, tarball as string);
}

/** A project with that tarball in it. What it depends on is there before, so that npm has nothing to fetch. */
export async function projectWith(folder: string, tarball: string): Promise<string> {
  const project = join(folder, "project");
  const { packages } = JSON.parse(await readFile(join(root, "package-lock.json"), "utf8")) as Lock;
  const isOwn = /^node_modules\/((?:@[^/]+\/)?[^/]+)$/;
  const names = Object.entries(packages).flatMap(([path, { dev }]) =>
    dev === true ? [] : (isOwn.exec(path)?.slice(1) ?? []),
  );
  await mkdir(join(project, "node_modules"), { recursive: true });
  const modules = join(root, "node_modules");
  const there = names.filter((name) => existsSync(join(modules, name)));
  // Hard links where that can be had: the whole takes 130 MB.
  await shell(modules, "cp", "-al", "--parents", ...there, join(project, "node_modules")).catch(() =>
    Promise.all(there.map((name) => cp(join(modules, name), join(project, "node_modules", name), { recursive: true }))),
  );
  await linkCommands(modules, join(project, "node_modules"), there);
  await writeFile(join(project, "package.json"), JSON.stringify({ name: "project", version: "1.0.0", type: "module" }));
  await shell(
    project,
    "npm",
    "install",
    "--offline",
    "--ignore-scripts",
    "--silent",
    "--no-audit",
    "--no-fund",
    tarball,
  );
  return project;
}

/** Those of these packages: npm fetches a package anew whose commands it does not find. */
async function linkCommands(from: string, to: string, names: readonly string[]): Promise<void> {
  await mkdir(join(to, ".bin"));
  for (const command of await readdir(join(from, ".bin"))) {
    // A copy in the place of a link is no package's.
    const target = await readlink(join(from, ".bin", command)).catch(() => "");
    if (names.some((name) => target.startsWith(`../${name}/`))) await symlink(target, join(to, ".bin", command));
  }
}
