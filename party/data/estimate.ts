/**
 * What a job over a dataset will take of this machine, from what it took of another. An estimate: of the right order, for planning.
 * All constants are here, measured on one of two shared cores of an AMD EPYC, Node 26.10, November 2026:
 * reading with 500,000 rows of 1 and of 21 columns, CPU seconds of the whole process; the protocol with `test/bench/psi.ts`
 * at 2^20 rows a side (receiver 1.22 CPU s, sender 0.93); bytes from `README.md` here and `../protocols/psi-vole/README.md`.
 */
import { classRows, sizeClassOf } from "../../proto/size-class.ts";
import { MAX_AUDIENCE_ROWS, partitionPlan } from "../protocols/plan.ts";
import { FILLING_BYTES, MEMORY_ROWS } from "./limits.ts";

/** Microseconds of one core: to read a row into partitions, and what each column beside the id adds. CSV goes for PostgreSQL, whose
 * rows come as text, and Parquet for DuckDB's own files. */
const READ_US = { text: { row: 1.0, column: 0.05 }, typed: { row: 0.8, column: 0.02 } } as const;
/** psi-vole at the receiver, the dearer side, for each padded row. */
const PROTOCOL_US = 1.2;

/** The process with DuckDB's buffers and the protocol's kernels. */
const BASE_BYTES = 230e6;
/** Of a loaded partition: hash and row number, its index, and what the protocol keeps of a row with its sealed tag. */
const MEMORY_ROW_BYTES = 20 + 12 + 130 + 11;
/** Spilled: hash and row number, length of the id; kept until the gate opens: output and sealed tag. */
const SPILLED_ROW_BYTES = 20 + 2;
const KEPT_ROW_BYTES = 32 + 11;

export interface JobEstimate {
  /** Of one core, from reading to the sealed result; waiting for the peer and storing tags come on top. */
  readonly cpuSeconds: number;
  readonly memoryMB: number;
  readonly diskMB: number;
  readonly partitions: number;
}

export interface EstimateInput {
  readonly rows: number;
  /** Distinct good ids. */
  readonly accepted: number;
  readonly columns: number;
  readonly cells: "text" | "typed";
  /** Bytes of all normalised ids. */
  readonly idBytes: number;
}

/** Of an audience with a peer whose list is as long. Undefined when there is nobody in it, or more than one job takes. */
export function estimateJob({ rows, accepted, columns, cells, idBytes }: EstimateInput): JobEstimate | undefined {
  const sizeClass = accepted > 0 && accepted <= LARGEST ? sizeClassOf(accepted) : undefined;
  if (sizeClass === undefined) return undefined;
  const plan = partitionPlan({ receiverClass: sizeClass, senderClass: sizeClass, maxRows: MAX_AUDIENCE_ROWS });
  const { partitions, receiverCapacity } = plan;
  const { row, column } = READ_US[cells];
  const padded = partitions * receiverCapacity;
  const isSpilled = partitions > 1 || rows > MEMORY_ROWS;
  const spilled = isSpilled ? accepted * SPILLED_ROW_BYTES + idBytes : 0;
  const inMemory = isSpilled ? FILLING_BYTES : accepted * SPILLED_ROW_BYTES + idBytes;
  return {
    cpuSeconds: (rows * (row + columns * column) + padded * PROTOCOL_US) / 1e6,
    memoryMB: Math.ceil((BASE_BYTES + inMemory + receiverCapacity * MEMORY_ROW_BYTES) / 1e6),
    diskMB: Math.ceil((spilled + padded * KEPT_ROW_BYTES) / 1e6),
    partitions,
  };
}

/** The longest list that the plan divides: 2^10 partitions of 2^22 rows, less their margin. */
const LARGEST = classRows(250);
