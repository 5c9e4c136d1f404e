/**
 * What the table of bad input is made of, and how an entry is tried: registered as a user registers it, read as a job reads
 * it. Every id that comes out is compared with what the entry says, so that nothing matches that should not.
 */
import { inspect } from "node:util";
import { expect } from "vitest";
import { Datasets } from "../../party/data/datasets.ts";
import { textAt } from "../../party/data/packed-text.ts";
import type { QuarantineEntry } from "../../party/data/quarantine.ts";
import { readDataset } from "../../party/data/read.ts";
import { totalRejected } from "../../party/data/rejection.ts";
import type { NormaliserName } from "../../proto/agreement/fields.ts";
import { CATALOGUE, EntenteError, type ErrorCode } from "../../proto/errors.ts";
import { setAsideFix } from "../../proto/set-aside.ts";
import { type DataFolder, dataFolder } from "./data-folder.ts";

export type Registering = Parameters<Datasets["register"]>[0];

export interface BadInput {
  readonly name: string;
  /** The end of the file's name says its format; `input.csv` without it. */
  readonly file?: string;
  /** The file's content, or what makes the file, and returns its path where it is another. */
  readonly content: string | Uint8Array | ((folder: DataFolder, path: string) => Promise<string | undefined>);
  /** `phone-e164` without it. The id column is `phone`. */
  readonly normaliser?: NormaliserName;
  readonly register?: Partial<Omit<Registering, "name" | "path" | "ids">>;
  /** Runs beside the registration, until it has ended. */
  readonly meanwhile?: (path: string, signal: AbortSignal) => Promise<void>;
  readonly outcome: Accepted | Refused;
}

export interface Accepted {
  /** All distinct normalised ids, in any order. */
  readonly ids: readonly string[];
  /** "line reason" of every row that is set aside, in any order. */
  readonly setAside: readonly string[];
  /** "name:type" of the columns. */
  readonly columns?: string;
}

export interface Refused {
  readonly code: ErrorCode;
  /** Another, where it depends on when something happens. */
  readonly or?: ErrorCode;
  /** What the detail must say; of codes whose text is the whole fix there is none. */
  readonly detail?: RegExp;
}

/** Good ids, in the one form that both sides hash. */
export const A = "+8613800138000";
export const B = "+8613900139000";
export const C = "+8615012345678";
/** As people write them. */
export const a = "13800138000";
export const b = "13900139000";
export const c = "15012345678";

export function accepted(ids: readonly string[], setAside: readonly string[] = [], columns?: string): Accepted {
  return { ids, setAside, ...(columns === undefined ? {} : { columns }) };
}

export function refused(code: ErrorCode, detail?: RegExp): Refused {
  return { code, ...(detail === undefined ? {} : { detail }) };
}

/** Throws, by vitest's `expect`, where the product does otherwise than the entry says. */
export async function tryBadInput(entry: BadInput): Promise<void> {
  await using folder = await dataFolder();
  const path = await made(entry, folder);
  const outcome = await registered(entry, folder, path);
  if (outcome instanceof EntenteError) {
    const { code, detail } = outcome;
    const { code: expected = "accepted", or } = entry.outcome as Partial<Refused>;
    expect({ code, detail }).toEqual({ code: code === or ? or : expected, detail });
    const wanted = (entry.outcome as Refused).detail;
    if (wanted !== undefined) expect(detail).toMatch(wanted);
    expect(CATALOGUE[code]).toMatchObject({ who: "caller", text: expect.stringMatching(/\. \S.+\.$/) });
    // What an error says goes to logs and to screens: nobody's id, in whichever form.
    expect(inspect(outcome, { depth: 9 }).replaceAll(folder.path, "")).not.toMatch(/13800138|13900139|15012345/);
    return;
  }
  const { registration, quarantinePath } = outcome;
  if ("code" in entry.outcome) expect(registration).toBe(entry.outcome);
  const { ids, setAside, columns } = entry.outcome as Accepted;
  const { rows, accepted: count, duplicates, rejectedByReason } = registration;
  const found = (await folder.quarantine(quarantinePath)).map(
    ({ line, reason }: QuarantineEntry) => `${line} ${reason}`,
  );
  expect(found.sort()).toEqual([...setAside].sort());
  for (const reason of Object.keys(rejectedByReason)) expect(setAsideFix(reason)).toBeDefined();
  expect(count + duplicates + totalRejected(rejectedByReason)).toBe(rows);
  expect({ rows, accepted: count }).toEqual({ rows: ids.length + setAside.length, accepted: ids.length });
  const read = new Set<string>();
  for await (const batch of readDataset(registration, { columns: [] }))
    for (let i = 0; i < batch.count; i++) read.add(textAt(batch.ids, i));
  expect([...read].sort()).toEqual([...ids].sort());
  if (columns !== undefined)
    expect(registration.columns.map(({ name, type }) => `${name}:${type}`).join(" ")).toBe(columns);
}

async function made({ content, file = "input.csv" }: BadInput, folder: DataFolder): Promise<string> {
  const path = `${folder.path}/${file}`;
  if (typeof content === "function") return (await content(folder, path)) ?? path;
  return folder.write(file, content);
}

async function registered(
  { register, normaliser = "phone-e164", meanwhile }: BadInput,
  folder: DataFolder,
  path: string,
) {
  const datasets = new Datasets({
    store: { putDataset: async () => {}, datasets: async () => [] } as never,
    clock: { nowMs: () => 0, monotonicMs: () => 0 },
    quarantineFolder: `${folder.path}/quarantine`,
  });
  const stop = new AbortController();
  const beside = meanwhile?.(path, stop.signal);
  try {
    return await datasets.register({
      name: "input",
      path,
      ids: [{ column: "phone", normaliser }],
      ...register,
    });
  } catch (error) {
    if (error instanceof EntenteError) return error;
    throw error;
  } finally {
    stop.abort();
    await beside;
  }
}

/** Cells of one column, tried in one file. */
export interface BadCell {
  readonly name: string;
  /** As it stands in the file, quoted where it has to be. */
  readonly cell: string;
  /** Its id, or the reason for which the row is set aside. */
  readonly becomes: string;
}

export function cell(name: string, text: string, becomes: string): BadCell {
  const quoted = /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  return { name, cell: quoted, becomes };
}

/** What becomes of each cell, in their order: its id or the reason. Duplicates keep their ids. */
export async function tryCells(cells: readonly BadCell[], normaliser: NormaliserName): Promise<string[]> {
  await using folder = await dataFolder();
  const path = await folder.write("input.csv", `x,phone\n${cells.map((one) => `1,${one.cell}\n`).join("")}`);
  const outcome = await registered({ name: "", content: "", normaliser, outcome: accepted([]) }, folder, path);
  if (outcome instanceof EntenteError) throw outcome;
  const { registration, quarantinePath } = outcome;
  const { rows, accepted: count, duplicates, rejectedByReason } = registration;
  expect(count + duplicates + totalRejected(rejectedByReason)).toBe(rows);
  expect(rows).toBe(cells.length);
  const found: string[] = [];
  for (const { line, reason } of await folder.quarantine(quarantinePath))
    if (reason !== "duplicate") found[line - 2] = reason;
  for await (const { ids, rows, count } of readDataset(registration, { columns: [] }))
    for (let i = 0; i < count; i++) {
      const row = rows[i] as number;
      found[row] = found[row] === undefined ? textAt(ids, i) : `${found[row]} and ${textAt(ids, i)}`;
    }
  return found;
}
