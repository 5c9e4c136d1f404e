/** A node that is started from a description, as a container: made at the first start, and enrolled by the invite in a file. */
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pino } from "pino";
import { afterEach, beforeEach, expect, test } from "vitest";
import { configureCoordinator, createInvite, startCoordinator } from "../../coordinator/main.ts";
import { joinByFile } from "../../party/joining.ts";
import { configureParty, initParty, readNodeConfig, startParty } from "../../party/main.ts";
import { utf8 } from "../../proto/encoding/bytes.ts";
import { EntenteError } from "../../proto/errors.ts";
import { nodePorts } from "../../proto/ports/node.ts";
import { type DataFolder, dataFolder, failure } from "../support/data-folder.ts";

let folder: DataFolder;
beforeEach(async () => {
  folder = await dataFolder();
});
afterEach(() => folder[Symbol.asyncDispose]());
const silent = { write: () => {} } as never;
const at = (...names: string[]) => join(folder.path, ...names);

test("makes a folder once, and has its configuration follow the description", async () => {
  const dir = at("node");
  const describe = (settings: unknown) => configureParty({ folder: dir, party: "bank", settings });
  const made = await describe({ api: { host: "0.0.0.0" }, dataFolders: ["/files"] });
  expect(made?.party).toBe("bank");
  expect(await readNodeConfig({ folder: dir })).toMatchObject({ api: { host: "0.0.0.0", port: 7430 } });
  const before = await readFile(join(dir, "token"), "utf8");

  expect(await describe({ dataFolders: null, limits: { jobs: 3 } })).toBeUndefined();
  const config = await readNodeConfig({ folder: dir });
  expect([config.api.host, config.dataFolders, config.limits.jobs]).toEqual(["0.0.0.0", undefined, 3]);
  expect(await readFile(join(dir, "token"), "utf8")).toBe(before);

  const text = await readFile(join(dir, "node.json"), "utf8");
  expect(await failure(describe({ dataFolder: ["/files"] }))).toEqual({
    code: "BAD_REQUEST",
    detail: 'node.json: Unrecognized key: "dataFolder"',
  });
  expect((await failure(configureParty({ folder: dir, party: "bureau", settings: {} }))).detail).toMatch(
    /keeps its name/,
  );
  expect(await readFile(join(dir, "node.json"), "utf8")).toBe(text);
  const wrong = { folder: at("other"), party: "bank", settings: { api: 1 } };
  expect((await failure(configureParty(wrong))).code).toBe("BAD_REQUEST");
  await expect(readdir(at("other"))).rejects.toThrow();
});

test("goes on with a folder whose making was broken off, under the key that it had", async () => {
  const dir = at("node");
  const key = { kind: "file", path: await folder.write("key", `${"5a".repeat(32)}\n`) } as const;
  const ports = { ...nodePorts, key };
  const first = await initParty({ folder: dir, party: "bank", ports });
  // What is written last had not been written yet.
  await rm(join(dir, "node.json"));
  const again = await configureParty({ folder: dir, party: "bank", settings: {}, ports });
  expect(again?.fingerprint).toBe(first.fingerprint);
});

test("enrols by itself when the file has an invite, and then leaves it alone", async () => {
  const [hub, dir, invite] = [at("hub"), at("node"), at("invite")];
  await configureCoordinator({ folder: hub, settings: { port: 0, enrolPort: 0 } });
  const coordinator = await startCoordinator({ folder: hub, log: silent });
  await configureParty({ folder: dir, party: "bank", settings: { api: { port: 0 } } });
  const { code } = await createInvite({ folder: hub, party: "bank" });
  await writeFile(invite, `${code}\n`);
  const log: string[] = [];
  const options = { folder: dir, inviteFile: invite, logTo: { write: (line: string) => void log.push(line) } as never };
  const enrolled = () => log.join("").includes("enrolled with the invite");
  try {
    const node = await startParty(options);
    for (let i = 0; i < 400 && !enrolled(); i++) await new Promise((resolve) => setTimeout(resolve, 10));
    await node.close();
    expect(enrolled()).toBe(true);
    expect(log.join("")).not.toContain(code);
    log.length = 0;
    const again = await startParty(options);
    await again.close();
    expect(log.join("")).not.toMatch(/invite/);
  } finally {
    await coordinator.close();
  }
});

/** A node that answers invites as the test says, pauses that end at once, and what the log was told. */
async function joining(files: readonly (string | undefined)[], answers: Readonly<Record<string, EntenteError | "ok">>) {
  let isEnrolled = false;
  const tried: string[] = [];
  const told: { msg: string; code?: string; who?: string }[] = [];
  const pauses: number[] = [];
  const left = [...files];
  const ended = Promise.withResolvers<void>();
  const node = {
    get isEnrolled() {
      return isEnrolled;
    },
    needsInvite: () => !isEnrolled,
    enrol: async (code: string) => {
      tried.push(code);
      const answer = answers[code];
      if (answer instanceof EntenteError) throw answer;
      isEnrolled = true;
    },
  };
  const closing = joinByFile("/secrets/invite", {
    node,
    files: {
      read: async () => {
        const text = left.shift();
        return text === undefined ? undefined : utf8(text);
      },
    },
    timers: {
      after: (ms, run) => {
        pauses.push(ms);
        if (left.length === 0) ended.resolve();
        else queueMicrotask(run);
        return () => {};
      },
    },
    random: { bytes: (length) => new Uint8Array(length) },
    logger: pino({ base: null }, { write: (line: string) => void told.push(JSON.parse(line)) }),
  });
  await ended.promise;
  await closing.close();
  return { isEnrolled, tried, told, pauses };
}

test("waits for the file, for a code in it and for the coordinator, and says once what it waits for", async () => {
  const away = new EntenteError("COORDINATOR_UNREACHABLE");
  const late = await joining([undefined, "", "\n", "good\n", "good"], { good: "ok" });
  expect([late.isEnrolled, late.tried]).toEqual([true, ["good"]]);
  expect(late.told.map(({ msg }) => msg)).toEqual([
    "waiting for an invite in this file",
    "enrolled with the invite in the file",
  ]);

  const patient = await joining(["a", "a", "a"], { a: away });
  expect(patient.tried).toEqual(["a", "a", "a"]);
  expect(patient.pauses).toEqual([1_000, 2_000, 4_000]);
  expect(patient.told[0]).toMatchObject({ code: "COORDINATOR_UNREACHABLE", who: expect.any(String) });
});

test("does not try a refused code again, but another one", async () => {
  const { isEnrolled, tried, told } = await joining(["used", "used", "used", "good"], {
    used: new EntenteError("INVITE_INVALID"),
    good: "ok",
  });
  expect([isEnrolled, tried]).toEqual([true, ["used", "good"]]);
  expect(told.map(({ code }) => code)).toEqual(["INVITE_INVALID", undefined]);
});
