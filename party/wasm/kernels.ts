/**
 * The loader of the WebAssembly kernels: the only place that touches their memory. It takes module bytes and opens no
 * file. `memory.grow` detaches every JavaScript view, so that memory is reached through regions, whose views are made
 * anew at each use: never keep one over a call that allocates.
 *
 * Memory is handed out as a stack: `mark`, allocate, compute, `release`. Nothing a kernel keeps lies outside of it.
 */

/** The part of the JavaScript API (W3C WebAssembly) that is used: TypeScript has it only in its browser library. */
interface WasmMemory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}
declare class WasmModule {
  private readonly compiled: true;
}
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array<ArrayBuffer>) => WasmModule;
  readonly Instance: new (module: WasmModule) => { readonly exports: Readonly<Record<string, unknown>> };
};

const PAGE_BYTES = 65_536;
const ALIGN_BYTES = 64;

/** What a module of `party/wasm/assembly` exports beside its memory: functions of 32-bit integers. */
type KernelFunction = (...args: number[]) => number | undefined;

/** A stretch of kernel memory. */
export interface Region {
  /** Address, to be passed to a kernel; a multiple of 64. */
  readonly at: number;
  readonly length: number;
  /** A fresh view; stale after the next allocation. */
  bytes(): Uint8Array;
  /** The same as little-endian words. */
  words(): Uint32Array;
  /** A copy in JavaScript memory. */
  copy(): Uint8Array;
}

export interface KernelMemory {
  /** `length` bytes with undefined content. */
  allocate(length: number): Region;
  /** A region that holds these bytes. */
  place(bytes: Uint8Array): Region;
  /** A fresh view of memory inside a region. */
  view(at: number, length: number): Uint8Array;
  /** The height of the stack, for `release`. */
  mark(): number;
  /** Gives back everything allocated since `mark`, overwritten with zeros: it may have held secrets. */
  release(mark: number): void;
  /** Runs `work` and gives back what it allocated, also when it throws. */
  scoped<T>(work: () => T): T;
  /** Bytes that the module's memory has now; it never shrinks. */
  size(): number;
}

export type Kernels<Name extends string> = KernelMemory & {
  readonly call: { readonly [K in Name]: (...args: number[]) => number };
};

/** Instantiates a module. `names`: the functions that it must export; a missing one is a build that does not fit. */
export function loadKernels<const Name extends string>(
  wasm: Uint8Array<ArrayBuffer>,
  names: readonly Name[],
): Kernels<Name> {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(wasm));
  const memory = exports.memory as WasmMemory;
  const base = (exports.heapBase as () => number)();
  const call = {} as Record<Name, KernelFunction>;
  for (const name of names) {
    const found = exports[name];
    if (typeof found !== "function") throw new Error(`kernel ${name} is missing: run npm run build`);
    call[name] = found as KernelFunction;
  }
  let top = base;

  const region = (at: number, length: number): Region => ({
    at,
    length,
    bytes: () => new Uint8Array(memory.buffer, at, length),
    words: () => new Uint32Array(memory.buffer, at, length >>> 2),
    copy: () => new Uint8Array(memory.buffer, at, length).slice(),
  });
  const allocate = (length: number): Region => {
    const at = Math.ceil(top / ALIGN_BYTES) * ALIGN_BYTES;
    const end = at + length;
    const missing = end - memory.buffer.byteLength;
    if (missing > 0) memory.grow(Math.ceil(missing / PAGE_BYTES));
    top = end;
    return region(at, length);
  };
  const release = (mark: number): void => {
    new Uint8Array(memory.buffer, mark, top - mark).fill(0);
    top = mark;
  };
  return {
    call: call as Kernels<Name>["call"],
    allocate,
    place(bytes) {
      const placed = allocate(bytes.length);
      placed.bytes().set(bytes);
      return placed;
    },
    view: (at, length) => new Uint8Array(memory.buffer, at, length),
    mark: () => top,
    release,
    scoped(work) {
      const mark = top;
      try {
        return work();
      } finally {
        release(mark);
      }
    },
    size: () => memory.buffer.byteLength,
  };
}
