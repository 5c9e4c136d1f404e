/** Everything that a node and a coordinator hold, printed in every way there is: no secret is in it. */
import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { pino } from "pino";
import { afterAll, beforeAll, expect, test } from "vitest";
import { initCoordinator, readCoordinatorConfig } from "../../coordinator/main.ts";
import { initParty, readNodeConfig, recoverIdentity, rekeyParty, sealParty } from "../../party/main.ts";
import { Node } from "../../party/node.ts";
import { traceOf } from "../../party/trace.ts";
import { takeKeySource } from "../../proto/keys/key-source.ts";
import { unlock } from "../../proto/keys/sealed-folder.ts";
import { Secret } from "../../proto/keys/secret.ts";
import { nodePorts } from "../../proto/ports/node.ts";
import { entente } from "../support/command-line.ts";
import { TestCoordinator } from "../support/coordinator.ts";

const PASSWORD = "planted-password";
const URL = `postgresql://reader:${PASSWORD}@127.0.0.1:1/warehouse`;
const NEW_KEY = randomBytes(32).toString("hex");
const KEY = randomBytes(32).toString("base64");

let coordinator: TestCoordinator;
let folder: string;
let secrets: Map<string, Uint8Array | string>;
beforeAll(async () => {
  coordinator = await TestCoordinator.start();
  folder = await mkdtemp(join(tmpdir(), "entente-printed-"));
  const ports = { ...nodePorts, key: undefined };
  await initParty({ folder: join(folder, "bank"), party: "bank", ports });
  const path = join(folder, "bank", "node.json");
  const config = JSON.parse(await readFile(path, "utf8"));
  await writeFile(path, JSON.stringify({ ...config, databases: { warehouse: { url: URL } } }));
  secrets = new Map<string, Uint8Array | string>([
    ["database", PASSWORD],
    ["key", KEY],
    ["new key", NEW_KEY],
  ]);
  for (const role of ["identity", "at-rest", "epoch", "session", "jobs", "log", "cosigner"])
    secrets.set(role, await readFile(join(folder, "bank", "keys", `${role}.seed`)));
  for (const role of ["identity", "log"])
    secrets.set(
      `coordinator ${role}`,
      (await readFile(join(coordinator.folder, "keys", `${role}.seed`), "utf8")).trim(),
    );
  const pem = await readFile(join(coordinator.folder, "ca", "ca-key.pem"), "utf8");
  secrets.set("authority", pem.split("\n")[1] as string);
});
afterAll(async () => {
  await rm(folder, { recursive: true });
  await coordinator.close();
});

/** As text, and bytes in the forms in which things print them. */
function formsOf(secret: Uint8Array | string): string[] {
  if (typeof secret === "string") return [secret];
  const bytes = Buffer.from(secret);
  const decimals = [...bytes.subarray(0, 8)].join(",");
  const hex = bytes.toString("hex");
  return [
    ...[hex, bytes.toString("base64").slice(0, 40), bytes.toString("latin1"), decimals, decimals.replaceAll(",", ", ")],
    // As `util.inspect` shows a Buffer.
    (hex.slice(0, 32).match(/../g) ?? []).join(" "),
    JSON.stringify([...bytes.subarray(0, 8)]).slice(1, -1),
  ];
}

/** Names of the secrets that stand in the text. */
function found(text: string): string[] {
  return [...secrets].filter(([, secret]) => formsOf(secret).some((form) => text.includes(form))).map(([name]) => name);
}

/** Every way in which a program prints an object. What is in circles has no JSON, and says so without quoting it. */
function printed(value: unknown): string {
  const lines: string[] = [];
  const logger = pino(
    { level: "trace", serializers: { err: traceOf } },
    { write: (line: string) => void lines.push(line) },
  );
  logger.info({ value }, "printed");
  logger.error({ err: value });
  const json = (() => {
    try {
      return JSON.stringify(value);
    } catch (error) {
      return String(error);
    }
  })();
  const options = { depth: 12, showHidden: true, maxArrayLength: null, maxStringLength: null, getters: false };
  return [...lines, json, String(value), `${inspect(value, options)}`].join("\n");
}

test("the search finds what is there", () => {
  for (const [name, secret] of secrets) {
    expect(found(printed({ secret })), name).toContain(name);
    expect(found(printed(new Secret(secret))), name).toEqual([]);
    expect(found(printed({ deep: [{ secret: new Secret(secret) }] })), name).toEqual([]);
  }
});

test("configurations, by code and by command line", async () => {
  const own = join(folder, "bank");
  const config = await readNodeConfig({ folder: own });
  expect(config.databases).toMatchObject({ warehouse: { url: expect.any(Secret) } });
  expect(found(printed(config))).toEqual([]);
  expect(printed(config)).toContain("[secret]");
  expect(found(printed(await readCoordinatorConfig({ folder: coordinator.folder })))).toEqual([]);
  const { code, stdout, stderr } = await entente(["party", "config", "--dir", own, "--json"]);
  expect([code, found(stdout + stderr)]).toEqual([0, []]);
});

test("a node and all it consists of, plain and sealed, and what it logs and refuses", async () => {
  const own = join(folder, "bank");
  const lines: string[] = [];
  const logger = pino(
    { level: "trace", serializers: { err: traceOf } },
    { write: (line: string) => void lines.push(line) },
  );
  const { databases } = await readNodeConfig({ folder: own });
  const open = (key: ReturnType<typeof takeKeySource>) =>
    Node.open({
      ...{ ports: { ...nodePorts, key }, folder: own, party: "bank", logger, databases },
      dial: (enrolled) => coordinator.dial(enrolled),
    });
  const plain = await open(undefined);
  await plain.enrol((await coordinator.invite("bank")).code);
  const { keyPem } = plain.connected.renewal.enrolled;
  secrets.set("transport", keyPem.expose().split("\n")[1] as string);
  await plain.connected.renewal.renew();
  for (const part of [plain, plain.keyring, plain.connected, plain.connected.enrolled, plain.databases, plain.ports])
    expect(found(printed(part))).toEqual([]);
  await plain.databases.connect("warehouse").catch((error: unknown) => lines.push(printed(error)));
  await plain.close();

  const environment: Record<string, string | undefined> = { ENTENTE_KEY: KEY };
  const source = takeKeySource(environment);
  const ports = { ...nodePorts, key: source };
  lines.push(printed(source), printed(ports), printed(environment));
  const sealed = await sealParty({ folder: own, ports });
  lines.push(printed(sealed), await readFile(join(own, "node.json"), "utf8"));
  const node = await open(source);
  lines.push(printed(node), printed(await unlock(ports, own)));
  await node.close();
  const wrong = { ...nodePorts, key: takeKeySource({ ENTENTE_KEY: randomBytes(32).toString("hex") }) };
  for (const attempt of [unlock(wrong, own), unlock({ ...nodePorts, key: undefined }, own)])
    lines.push(printed(await attempt.catch((error: unknown) => error)));
  const broken = { ...nodePorts, key: takeKeySource({ ENTENTE_KEY: `${KEY}!` }) };
  lines.push(printed(await unlock(broken, own).catch((error: unknown) => error)));
  lines.push(printed(await rekeyParty({ folder: own, ports, newKeyFile: "/none" }).catch((error: unknown) => error)));
  const newKeyFile = join(folder, "new.key");
  await writeFile(newKeyFile, `${NEW_KEY}\n`);
  const rekey = ["keys", "rekey", "--dir", own, "--new-key-file", newKeyFile, "--json"];
  const rekeyed = await entente(rekey, { env: { ENTENTE_KEY: KEY, ENTENTE_KEY_FILE: "" } });
  expect([rekeyed.code, JSON.parse(rekeyed.stdout)]).toEqual([0, { folder: own, rekeyed: true }]);
  lines.push(rekeyed.stdout, rekeyed.stderr);
  lines.push(
    printed(await initCoordinator({ folder: join(folder, "hub"), ports: broken }).catch((error: unknown) => error)),
  );
  expect(found(lines.join("\n"))).toEqual([]);
  expect(lines.join("\n")).toContain("KEY_WRONG");
});

test("a folder made with a key has no plain key from the beginning", async () => {
  const own = join(folder, "born");
  const ports = { ...nodePorts, key: takeKeySource({ ENTENTE_KEY: KEY }) };
  expect(found(printed(await initParty({ folder: own, party: "bank", ports })))).toEqual([]);
  expect((await readFile(join(own, "keys", "identity.seed"))).subarray(0, 16).toString()).toBe("entente-sealed/1");
  const plain = { ...nodePorts, key: undefined };
  const recovery = { folder: own, recoveryKeyFile: join(own, "recovery.key"), ports: plain };
  await expect(recoverIdentity(recovery)).rejects.toMatchObject({ code: "KEY_REQUIRED" });
});

test("a coordinator, and what it logs", () => {
  expect(found(printed(coordinator.running))).toEqual([]);
  expect(found(coordinator.log)).toEqual([]);
});
