/** A temporary folder for files of one test, and the shortest way to register one of them. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import type { DatasetRegistration } from "../../party/data/dataset.ts";
import { type InspectInput, inspectDataset } from "../../party/data/inspect.ts";
import type { QuarantineEntry } from "../../party/data/quarantine.ts";
import { EntenteError } from "../../proto/errors.ts";
import { datasetName } from "../../proto/ids.ts";

export interface DataFolder extends AsyncDisposable {
  readonly path: string;
  write(name: string, content: string | Uint8Array): Promise<string>;
  /** The result of a query as a Parquet file. */
  parquet(name: string, query: string): Promise<string>;
  /** `name` ends in the format. Id column `phone`, quarantine in the folder. */
  inspect(name: string, options?: Partial<InspectInput>): Promise<DatasetRegistration>;
  /** Of `inspect` without a path. */
  quarantine(path?: string): Promise<QuarantineEntry[]>;
}

export async function dataFolder(): Promise<DataFolder> {
  const path = await mkdtemp(join(tmpdir(), "entente-data-"));
  const quarantinePath = join(path, "quarantine.jsonl");
  return {
    path,
    async write(name, content) {
      await writeFile(join(path, name), content);
      return join(path, name);
    },
    async parquet(name, query) {
      const instance = await DuckDBInstance.create(":memory:");
      const connection = await instance.connect();
      await connection.run(`COPY (${query}) TO '${join(path, name)}' (FORMAT parquet, COMPRESSION zstd)`);
      connection.closeSync();
      instance.closeSync();
      return join(path, name);
    },
    inspect: (name, options = {}) =>
      inspectDataset({
        name: datasetName("test"),
        path: join(path, name),
        ids: [{ column: "phone", normaliser: "phone-e164" }],
        quarantinePath,
        ...options,
      }),
    async quarantine(path = quarantinePath) {
      const lines = (await readFile(path, "utf8")).split("\n").slice(0, -1);
      return lines.map((line) => JSON.parse(line) as QuarantineEntry);
    },
    async [Symbol.asyncDispose]() {
      await rm(path, { recursive: true, force: true });
    },
  };
}

/** Code and detail of the typed error that a promise ends in; "none" when it resolves. */
export async function failure(promise: Promise<unknown>): Promise<{ code: string; detail?: string | undefined }> {
  try {
    await promise;
    return { code: "none" };
  } catch (error) {
    if (!(error instanceof EntenteError)) throw error;
    return { code: error.code, detail: error.detail };
  }
}
