/** Where data files may be: what the node can read is more than its users may see. */
import { link, mkdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { DataPlaces } from "../../party/data/data-places.ts";
import type { InspectInput } from "../../party/data/inspect.ts";
import { readDataset } from "../../party/data/read.ts";
import { initParty, type RunningParty, startParty } from "../../party/main.ts";
import type { RouteRequest } from "../../proto/http/routes.ts";
import { EntenteClient } from "../../sdk/client.ts";
import { type DataFolder, dataFolder, failure } from "../support/data-folder.ts";

const CSV = "phone,n\n13800138000,1\n13800138001,2\n";
const URL = "postgresql://reader:s3cret@127.0.0.1:1/warehouse";

let folder: DataFolder;
beforeEach(async () => {
  folder = await dataFolder();
  for (const name of ["node", "data", "other"]) await mkdir(join(folder.path, name));
});
afterEach(() => folder[Symbol.asyncDispose]());

function at(...names: string[]): string {
  return join(folder.path, ...names);
}

function places(folders?: readonly string[], secrets: readonly string[] = []): DataPlaces {
  return { nodeFolder: at("node"), folders, secretFiles: async () => secrets };
}

async function codeOf(path: string, allowed: DataPlaces, more: Partial<InspectInput> = {}): Promise<string> {
  return (await failure(folder.inspect("", { path, access: { places: allowed }, ...more }))).code;
}

describe("a file", () => {
  it("is not data in the node's own folder, however it is called", async () => {
    for (const name of ["node/a.csv", "data/a.csv"]) await folder.write(name, CSV);
    await mkdir(at("node", "keys"));
    await folder.write("node/keys/a.csv", CSV);
    await symlink(at("node", "a.csv"), at("data", "linked.csv"));
    await symlink(at("node"), at("alias"));
    await mkdir(at("node-2"));
    await folder.write("node-2/a.csv", CSV);
    for (const path of [
      ...["node/a.csv", "node/keys/a.csv", "data/linked.csv", "alias/a.csv", "alias/keys/a.csv"].map((name) =>
        at(name),
      ),
      `${at("data")}/../node/a.csv`,
      `/proc/self/root${at("node", "a.csv")}`,
      ...["node", "alias", "alias/keys", "node/*.csv", "*/a.csv", "data/*.csv", "data", "**/a.csv", "d*/l*.csv"].map(
        (name) => at(name),
      ),
    ])
      expect([path, await codeOf(path, places())]).toEqual([path, "DATASET_PLACE"]);
    const aliased = { ...places(), nodeFolder: at("alias") };
    expect(await codeOf(at("node", "a.csv"), aliased)).toBe("DATASET_PLACE");
    for (const path of ["data/a.csv", "node-2/a.csv", "node-*/*.csv"])
      expect(await codeOf(at(path), places())).toBe("none");
  });

  it("is not data where it is a secret's or a process's", async () => {
    await folder.write("other/url.csv", CSV);
    await symlink(at("other", "url.csv"), at("data", "url.csv"));
    // Both names of it, whichever the configuration has.
    for (const secret of ["other/url.csv", "data/url.csv"])
      for (const path of ["other/url.csv", "data/url.csv", "other", "data/*"])
        expect(await codeOf(at(path), places(undefined, [at(secret), at("none")]))).toBe("DATASET_PLACE");
    expect(await codeOf("/proc/self/environ", places(), { format: "csv", delimiter: "=" })).toBe("DATASET_PLACE");
  });

  it("is data only in the folders that are named, if any are", async () => {
    for (const name of ["data/a.csv", "other/a.csv"]) await folder.write(name, CSV);
    await symlink(at("other", "a.csv"), at("data", "linked.csv"));
    await symlink(at("data"), at("alias"));
    const allowed = places([at("alias"), at("not-there")]);
    for (const name of ["data/a.csv", "alias/a.csv", "data/a*.csv"])
      expect(await codeOf(at(name), allowed)).toBe("none");
    // Nobody learns what there is elsewhere.
    for (const name of [
      "other/a.csv",
      "other/none.csv",
      "other",
      "none",
      "data/linked.csv",
      "data",
      "*/a.csv",
      "other/*",
    ])
      expect([name, await codeOf(at(name), allowed)]).toEqual([name, "DATASET_PLACE"]);
    expect(await codeOf(at("data", "none.csv"), allowed)).toBe("DATASET_FILE_MISSING");
    expect(await codeOf(at("alias", "none.csv"), allowed)).toBe("DATASET_FILE_MISSING");
    expect(await codeOf(at("data", "a.csv"), places([]))).toBe("DATASET_PLACE");
    expect(await codeOf(at("node", "a.csv"), places([folder.path]))).toBe("DATASET_PLACE");
  });

  it("is asked about at each read", async () => {
    await folder.write("other/a.csv", CSV);
    const registration = await folder.inspect("", { path: at("other", "a.csv"), access: { places: places() } });
    const read = async (access: DataPlaces) => {
      for await (const _ of readDataset(registration, { columns: [], access: { places: access } }));
    };
    expect((await failure(read(places()))).code).toBe("none");
    expect((await failure(read(places([at("data")])))).code).toBe("DATASET_PLACE");
    await rm(at("other", "a.csv"));
    await link(await folder.write("node/a.csv", CSV), at("node", "b.csv"));
    await symlink(at("node", "b.csv"), at("other", "a.csv"));
    expect((await failure(read(places()))).code).toBe("DATASET_PLACE");
  });

  it("of DuckDB, too", async () => {
    for (const name of ["node", "other"]) {
      const instance = await DuckDBInstance.create(at(name, "a.duckdb"));
      const connection = await instance.connect();
      await connection.run("CREATE TABLE t AS SELECT '13800138000' AS phone");
      connection.closeSync();
      instance.closeSync();
    }
    const from = (name: string) => ({ path: undefined, duckdb: { path: at(name, "a.duckdb"), table: "t" } });
    const inspect = (name: string, allowed: DataPlaces) =>
      folder.inspect("", { ...from(name), access: { places: allowed } });
    expect((await failure(inspect("node", places()))).code).toBe("DATASET_PLACE");
    expect((await failure(inspect("other", places([at("data")])))).code).toBe("DATASET_PLACE");
    const registration = await inspect("other", places());
    const read = readDataset(registration, { columns: [], access: { places: places([at("data")]) } });
    expect((await failure(read.next())).code).toBe("DATASET_PLACE");
  });
});

describe("a node", () => {
  let node: RunningParty;
  let client: EntenteClient;

  async function start(config: object): Promise<void> {
    const own = at("bank");
    await initParty({ folder: own, party: "bank", apiPort: 0 });
    const file = join(own, "node.json");
    await writeFile(file, JSON.stringify({ ...JSON.parse(await readFile(file, "utf8")), ...config }));
    node = await startParty({ folder: own, logTo: { write: () => {} } });
    client = new EntenteClient({ url: node.apiUrl, token: (await readFile(join(own, "token"), "utf8")).trim() });
  }
  afterEach(() => node.close());

  /** As somebody asks who wants to see what is in a file, not to register it. */
  function ask(path: string): RouteRequest<"checkDataset"> {
    const ids = [{ column: "{", normaliser: "opaque" as const }];
    return { name: "x", path, format: "csv", delimiter: "|", ids, showIds: true };
  }

  it("shows nobody its configuration, its secrets or its own files", async () => {
    const urlFile = await folder.write("other/warehouse.url", `{\n${URL}\n`);
    const secretFile = await folder.write("other/hook.secret", `{\n${URL}\n`);
    await start({ databases: { plain: { url: URL }, warehouse: { urlFile } } });
    const target = { kind: "webhook" as const, url: "https://crm.example/hook", secretFile };
    await client.call("addFeed", { name: "crm", target });
    await folder.write("data/customers.csv", CSV);
    const ids = [{ column: "phone", normaliser: "phone-e164" as const }];
    await client.call("registerDataset", { name: "customers", path: at("data", "customers.csv"), ids });
    for (const path of [
      at("bank", "node.json"),
      at("bank", "token"),
      at("bank", "node*"),
      at("bank"),
      urlFile,
      secretFile,
    ]) {
      const asked = client.call("checkDataset", ask(path));
      await expect(asked).rejects.toMatchObject({ code: "DATASET_PLACE" });
      expect(JSON.stringify(await asked.catch((error: object) => error))).not.toContain("s3cret");
      const definition = { kind: "import" as const, path, idColumns: ["{"] };
      const imported = client.call("defineSegment", { name: "x", dataset: "customers", definition });
      await expect(imported).rejects.toMatchObject({ code: "DATASET_PLACE" });
    }
    const duckdb = { path: at("bank", "node.db"), table: "t" };
    await expect(client.call("checkDataset", { name: "x", duckdb, ids })).rejects.toMatchObject({
      code: "DATASET_PLACE",
    });
  });

  it("reads from the folders that its operator has named", async () => {
    await start({ dataFolders: [at("data")] });
    for (const name of ["data/a.csv", "other/a.csv"]) await folder.write(name, CSV);
    const ids = [{ column: "phone", normaliser: "phone-e164" as const }];
    const check = (name: string) => client.call("checkDataset", { name: "x", path: at(name), ids });
    expect(await check("data/a.csv")).toMatchObject({ accepted: 2 });
    await expect(check("other/a.csv")).rejects.toMatchObject({ code: "DATASET_PLACE" });
  });
});
