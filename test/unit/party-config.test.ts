/** `node.json`: what an operator may say of limits and of where data is. */
import { expect, test } from "vitest";
import { readConfig, writeConfig } from "../../party/config.ts";
import { nodeLimits } from "../../party/limits/limits.ts";
import { utf8 } from "../../proto/encoding/bytes.ts";
import type { EntenteError } from "../../proto/errors.ts";
import { partyId } from "../../proto/ids.ts";
import { MemoryFiles } from "../support/memory-files.ts";

const config = { format: "entente-node/1", party: partyId("bank"), api: { host: "127.0.0.1", port: 0 } } as const;

async function limitsOf(limits: unknown) {
  const files = new MemoryFiles();
  await files.writeDurable("/node/node.json", utf8(JSON.stringify({ ...config, limits })));
  return nodeLimits((await readConfig(files, "/node")).limits).values;
}

test("limits: by default, or as they are written", async () => {
  const defaults = nodeLimits().values;
  expect(await limitsOf(undefined)).toEqual(defaults);
  expect(await limitsOf({ keptModelsPerPeerMib: 3, connections: 9 })).toEqual({
    ...defaults,
    ...{ keptModelsPerPeerMib: 3, connections: 9 },
  });
  for (const bad of [{ keptModelsMib: -1 }, { keptModelVersions: 0 }, { connections: 1.5 }, { conections: 1 }])
    await expect(limitsOf(bad)).rejects.toMatchObject({
      code: "BAD_REQUEST",
      detail: expect.stringMatching(/^node.json: limits/),
    });
  const files = new MemoryFiles();
  await writeConfig(files, "/node", config);
  expect(nodeLimits((await readConfig(files, "/node")).limits).values).toEqual(defaults);
});

test("a refusal names the field, and what is expected of it or that there is none of the name", async () => {
  const refusal = async (more: object) => {
    const files = new MemoryFiles();
    await files.writeDurable("/node/node.json", utf8(JSON.stringify({ ...config, ...more })));
    return readConfig(files, "/node").catch((error: EntenteError) => error.detail);
  };
  expect(await refusal({ limits: { jbs: 1 } })).toBe('node.json: limits: Unrecognized key: "jbs"');
  expect(await refusal({ limts: {} })).toBe('node.json: Unrecognized key: "limts"');
  expect(await refusal({ limits: { jobs: -1 } })).toBe("node.json: limits.jobs: Too small: expected number to be >=1");
  expect(await refusal({ api: { port: 80 } })).toMatch(/^node.json: api.host: .*expected string/);
  const secret = "postgresql://user:secret@host/db";
  for (const databases of [
    { warehouse: secret },
    { warehouse: { url: 7 } },
    { warehouse: { url: secret, use: secret } },
  ])
    expect(await refusal({ databases })).toSatisfy((text: string) => !text.includes("secret"));
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
