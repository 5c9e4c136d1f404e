/**
 * The image and the compose file for real: a bank's machine and a partner's, whose engineer goes through every line of
 * `sdk/guides/hosting-a-partner-node.md`, up to a joint audience across the containers.
 *
 *     npm run compose-test
 *
 * Uses the Docker daemon that answers, or starts one where it may (root, Debian's docker.io and docker-compose; debootstrap for the
 * base image, which is made once for each daemon). Exit code 0: all of it held. 1: something did not. 2: no daemon can run here, so
 * nothing was tried.
 */
import { createServer } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { EntenteClient } from "../../sdk/client.ts";
import { demoAgreement } from "../support/demo-agreement.ts";
import { readGuide } from "../support/guide.ts";
import { REPAYMENTS, range, writePeople } from "../support/people.ts";
import { openBetween, PUBLISHED_AT } from "./compose/between.ts";
import { type Docker, NoDaemon, openDocker } from "./compose/daemon.ts";
import { BUILD_ARGUMENTS, buildEntente, ENTENTE, makeBases, POSTGRES, sizeAboveBase } from "./compose/images.ts";
import { Machine } from "./compose/machine.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const [BANK_PEOPLE, BUREAU_PEOPLE, SHARED] = [range(0, 2_000), range(600, 2_600), 1_400];

const startedMs = performance.now();
function say(text: string): void {
  console.log(`${((performance.now() - startedMs) / 1_000).toFixed(0).padStart(5)} s  ${text}`);
}

function holds(what: string, isSo: boolean, seen: unknown = ""): void {
  if (!isSo) throw new Error(`not so: ${what} ${JSON.stringify(seen)}`);
  say(`ok  ${what}`);
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Coordinator, bank and its PostgreSQL, as the guide sets them up; the code for the partner, and a client of the bank. */
async function startBank(bank: Machine, host: string): Promise<{ invite: string; client: EntenteClient }> {
  const { blocks } = await readGuide("hosting-a-partner-node");
  const port = await freePort();
  const settings = { ENTENTE_COORDINATOR_BIND: PUBLISHED_AT, ENTENTE_BANK_PORT: String(port) };
  Object.assign(bank.names, { HOST: host, ENTENTE_POSTGRES_IMAGE: POSTGRES, ...settings });
  let last = "";
  for (const { words, lines } of blocks)
    for (const line of words.includes("bank-machine") ? lines : []) {
      if (line.includes("peer invite")) await bank.untilHealthy("bank");
      last = await bank.run(line);
      said("The bank's machine", line);
      if (line.startsWith("docker compose up")) await bank.untilHealthy("coordinator");
    }
  const client = new EntenteClient({ url: `http://127.0.0.1:${port}`, token: last });
  return { invite: await bank.run("cat partner-invite"), client };
}

function said(section: string, line: string): void {
  say(`ok  ${section}: ${line.length > 90 ? `${line.slice(0, 89)}…` : line}`);
}

/** What nobody inside may do, and what the daemon was told of limits. */
async function checkConfined(machine: Machine, service: string): Promise<void> {
  const { Config, HostConfig } = await machine.inspect(service);
  const { ReadonlyRootfs, CapDrop, SecurityOpt, Memory, NanoCpus, PidsLimit } = HostConfig;
  const told = { ReadonlyRootfs, CapDrop, SecurityOpt, user: Config.User };
  holds(
    `${service}: read-only, no capabilities, no new privileges, no root`,
    ReadonlyRootfs &&
      CapDrop.includes("ALL") &&
      `${SecurityOpt}`.includes("no-new-privileges") &&
      !/^(root|0)?(:|$)/.test(Config.User),
    told,
  );
  holds(`${service}: limits on memory, cores, processes`, Memory > 0 && NanoCpus > 0 && PidsLimit > 0);
  const inside = await machine.run(
    `docker compose exec ${service} sh -c 'id -u; grep CapEff /proc/self/status; touch /x /usr/x /app/x 2>&1 | grep -c Read-only || true'`,
  );
  const [user, capabilities = "", refused] = inside.split("\n");
  const isHeld = user !== "0" && capabilities.endsWith("0000000000000000") && Number(refused) >= 2;
  holds(`${service}: the same from inside`, isHeld, inside);
}

async function checkPartner(partner: Machine, docker: Docker): Promise<void> {
  await checkConfined(partner, "partner");
  const { HostConfig } = await partner.inspect("partner");
  holds("partner: publishes no port", Object.keys(HostConfig.PortBindings ?? {}).length === 0, HostConfig.PortBindings);
  const [, ...names] = (await partner.run("docker compose ps --services --filter status=running")).split("\n");
  holds("partner: is one container", names.length === 0, names);
  const file = await partner.run("docker compose exec partner sh -c 'touch /files/x 2>&1 || true'");
  holds("partner: cannot write where its data is", file.includes("Read-only"), file);
  const folder = await partner.run(
    "docker compose exec partner sh -c 'stat -c %a:%u /data; head -c 17 /data/keys/identity.seed'",
  );
  holds("partner: its folder is its own, its keys encrypted", folder.startsWith("700:1000\nentente-sealed/1"), folder);
  const history = await docker.docker("image", "history", "--no-trunc", "--format", "{{.CreatedBy}}", ENTENTE);
  holds("the image names no registry", !/npmrc=|registry/i.test(history.replaceAll("id=npmrc", "")), history);
}

/** The lines of the guide, with what happens elsewhere between them. */
async function followGuide(
  docker: Docker,
  { bank, client, invite }: { readonly bank: Machine; readonly client: EntenteClient; readonly invite: string },
): Promise<void> {
  const guide = await readGuide("hosting-a-partner-node");
  await using partner = await Machine.make(docker, "partner", ROOT);
  const port = await freePort();
  const fingerprint = async () => (await partner.entente<{ fingerprint: string }>("partner", "node")).fingerprint;
  const ids = [{ column: "phone", normaliser: "phone-e164" as const }];
  partner.names.INVITE = invite;
  let waiting: Promise<unknown> = Promise.resolve();
  let first = "";

  /** Before a line that begins so. */
  const before: readonly (readonly [string, () => Promise<void>])[] = [
    [
      "entente peer confirm",
      async () => {
        first = await fingerprint();
        bank.names.FINGERPRINT = first;
        await checkPartner(partner, docker);
      },
    ],
    [
      'cp "$PEOPLE"',
      async () => {
        const page = await fetch(`http://127.0.0.1:${port}/`);
        holds(
          "the console is there when its port is published",
          page.status === 200 && (await page.text()).includes("<html"),
        );
        partner.names.PEOPLE = await writePeople(join(partner.folder, "of-the-bureau.csv"), BUREAU_PEOPLE, REPAYMENTS);
      },
    ],
    [
      "docker compose exec partner entente agreement list",
      async () => {
        await writePeople(join(bank.folder, "files", "customers.csv"), BANK_PEOPLE);
        await client.call("registerDataset", { name: "customers", path: "/files/customers.csv", ids });
        const approval = { receiver: "automatic", provider: "every-run" };
        const { operations } = demoAgreement() as { operations: object[] };
        const document = demoAgreement({ operations: operations.map((operation) => ({ ...operation, approval })) });
        partner.names.AGREEMENT = (await client.call("proposeAgreement", { document })).digest;
      },
    ],
    [
      "docker compose exec partner entente approval list",
      async () => {
        const lists = { dataset: "customers", peerDataset: "repayments" };
        const request = {
          operation: "audience",
          agreement: partner.names.AGREEMENT,
          ...lists,
          tag: { key: "joint", value: "yes" },
        };
        const { jobId } = await client.call("startJob", request as never);
        partner.names.JOB = jobId;
        waiting = client.waitForJob(jobId, { pollMs: 500 }).then(async (job) => {
          holds("the job has ended well", job.state === "done" && !job.withheld, job);
          const { tags } = await client.call("tags", {});
          holds("as many tags as there are people on both lists", tags[0]?.count === SHARED, tags);
        });
        waiting.catch(() => {});
        await killed(partner);
      },
    ],
    ["docker compose exec partner entente job list", () => waiting.then(() => undefined)],
    [
      "docker compose down --volumes",
      async () => holds("the backup is there", (await partner.run("ls backup/monday")).includes("backup.json")),
    ],
  ];
  const after: readonly (readonly [string, () => Promise<void>])[] = [
    ["docker compose up --detach", () => partner.untilHealthy("partner")],
    [
      "docker compose stop",
      async () => {
        const { State } = await partner.inspect("partner");
        holds("it stops by itself when asked to", State.Status === "exited" && State.ExitCode === 0, State);
      },
    ],
  ];
  for (const { section, words, lines } of guide.blocks) {
    if (words.includes("bank-machine")) continue;
    for (const line of lines) {
      for (const [start, act] of before) if (line.startsWith(start)) await act();
      if (words.includes("bank")) await bank.run(line.replace("entente", "docker compose exec bank entente"));
      else await partner.run(line.replace("127.0.0.1:7430", `127.0.0.1:${port}`));
      said(section, line);
      for (const [start, act] of after) if (line.startsWith(start)) await act();
    }
  }
  holds("the node that was put back is the one that it was", (await fingerprint()) === first);
}

/** As an out-of-memory killer does it; the container comes back by itself. */
async function killed(partner: Machine): Promise<void> {
  const { State } = await partner.inspect("partner");
  process.kill(State.Pid, "SIGKILL");
  for (let i = 0; i < 100; i++) {
    const { RestartCount } = await partner.inspect("partner");
    if (RestartCount > 0) break;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  await partner.untilHealthy("partner");
  holds("killed, it is back by itself", (await partner.inspect("partner")).RestartCount > 0);
}

async function main(): Promise<void> {
  await using docker = await openDocker(BUILD_ARGUMENTS);
  say("a Docker daemon answers");
  await makeBases(docker);
  say("bases are there");
  await buildEntente(docker);
  holds(`the image has ${Math.round((await sizeAboveBase(docker)) / 1e6)} MB above its base`, true);
  await using between = await openBetween(docker);
  await using bank = await Machine.make(docker, "bank", ROOT);
  const { client, invite } = await startBank(bank, between.address);
  holds("coordinator, bank and PostgreSQL are healthy", true);
  for (const service of ["coordinator", "bank", "postgres"]) await checkConfined(bank, service);
  await followGuide(docker, { bank, client, invite });
}

try {
  await main();
  say("all of it held");
} catch (error) {
  console.log(error instanceof Error ? error.message : error);
  process.exitCode = error instanceof NoDaemon ? 2 : 1;
  if (error instanceof NoDaemon) console.log("Nothing was tried: no Docker daemon can run here.");
}
