/** `node.json`: what an operator may say of kept models and of where data is. */
import { expect, test } from "vitest";
import { modelLimits, readConfig, writeConfig } from "../../party/config.ts";
import { DEFAULT_MODEL_LIMITS } from "../../party/jobs/kept-models.ts";
import { utf8 } from "../../proto/encoding/bytes.ts";
import { partyId } from "../../proto/ids.ts";
import { MemoryFiles } from "../support/memory-files.ts";

const config = { format: "entente-node/1", party: partyId("bank"), api: { host: "127.0.0.1", port: 0 } } as const;

async function limitsOf(models: unknown) {
  const files = new MemoryFiles();
  await files.writeDurable("/node/node.json", utf8(JSON.stringify({ ...config, models })));
  return modelLimits(await readConfig(files, "/node"));
}

test("limits of kept models: by default, or as they are written", async () => {
  expect(await limitsOf(undefined)).toEqual(DEFAULT_MODEL_LIMITS);
  expect(await limitsOf({ maxPeerMib: 3 })).toEqual({ ...DEFAULT_MODEL_LIMITS, maxPeerBytes: 3 * 2 ** 20 });
  for (const bad of [{ maxMib: -1 }, { maxVersions: 0 }, { maxMB: 1 }])
    await expect(limitsOf(bad)).rejects.toMatchObject({
      code: "BAD_REQUEST",
      detail: expect.stringMatching(/^node.json: /),
    });
  const files = new MemoryFiles();
  await writeConfig(files, "/node", config);
  expect(modelLimits(await readConfig(files, "/node"))).toEqual(DEFAULT_MODEL_LIMITS);
});

test("folders for data are absolute", async () => {
  const read = async (dataFolders: unknown) => {
    const files = new MemoryFiles();
    await files.writeDurable("/node/node.json", utf8(JSON.stringify({ ...config, dataFolders })));
    return (await readConfig(files, "/node")).dataFolders;
  };
  expect(await read(undefined)).toBeUndefined();
  expect(await read(["/srv/data"])).toEqual(["/srv/data"]);
  for (const bad of [["data"], "/srv/data", [""]])
    await expect(read(bad)).rejects.toMatchObject({ code: "BAD_REQUEST" });
});
