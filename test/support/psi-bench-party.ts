/** One party of the psi bench, in a process of its own: hashes its ids, runs the protocol over a socket, opens. */
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { discard } from "../../party/crypto/okvs/discard.ts";
import { hashPacked } from "../../party/crypto/okvs/packed-hash.ts";
import { MAX_AUDIENCE_ROWS, partitionPlan } from "../../party/protocols/plan.ts";
import type { AnyPsiProtocol } from "../../party/protocols/psi.ts";
import type { Profile } from "../../party/protocols/psi-vole/params.ts";
import type { PsiVolePlatform } from "../../party/protocols/psi-vole/platform.ts";
import { psiVole } from "../../party/protocols/psi-vole/protocol.ts";
import type { PartitionContext, SealedPartition } from "../../party/protocols/step.ts";
import { decodeHeader, encodeHeader, type Frame, HEADER_BYTES } from "../../proto/codec/frame.ts";
import { sizeClassOf } from "../../proto/size-class.ts";
import { psiVolePlatform } from "./psi-vole-platform.ts";

export interface PartyOptions {
  readonly role: "sender" | "receiver";
  readonly n: number;
  readonly profile: Profile;
  /** 0: listen and tell the parent the port; else connect to it. */
  readonly port: number;
}

const BATCH_IDS = 2 ** 18;
const ID_BYTES = 16;
const DIGITS = 11;
export const session = { id: new Uint8Array(32).fill(7), frame: new Uint8Array(8).fill(8) };
const jobKey = new Uint8Array(32).fill(5);
const gateKey = new Uint8Array(32).fill(6);

/** CPU seconds by phase. */
class Phases {
  readonly seconds: Record<string, number> = {};
  #at = process.cpuUsage();

  /** What ran since the last mark belongs to `phase`; undefined: to nothing. */
  mark(phase: string | undefined): void {
    const { user, system } = process.cpuUsage(this.#at);
    this.#at = process.cpuUsage();
    if (phase !== undefined) this.seconds[phase] = (this.seconds[phase] ?? 0) + (user + system) / 1e6;
  }
}

/** Distinct ids of 11 to 20 characters for the numbers from .. from+count-1, packed. */
function packedIds(from: number, count: number): { bytes: Uint8Array; offsets: Uint32Array } {
  const bytes = new Uint8Array(count * 20);
  const offsets = new Uint32Array(count + 1);
  let at = 0;
  for (let i = 0; i < count; i++) {
    let rest = from + i;
    for (let d = DIGITS - 1; d >= 0; d--, rest = Math.floor(rest / 10)) bytes[at + d] = 48 + (rest % 10);
    at += DIGITS;
    for (let extra = (from + i) % 10; extra > 0; extra--) bytes[at++] = 96 + extra;
    offsets[i + 1] = at;
  }
  return { bytes: bytes.subarray(0, at), offsets };
}

/** Keyed hashes of this side's ids (half of them the other side's too), spilled to a file per partition. */
function spillIds(
  platform: PsiVolePlatform,
  phases: Phases,
  { role, n }: PartyOptions,
  files: readonly number[],
): void {
  const first = role === "receiver" ? 0 : Math.floor(n / 2);
  for (let done = 0; done < n; done += BATCH_IDS) {
    const packed = packedIds(first + done, Math.min(BATCH_IDS, n - done));
    phases.mark(undefined);
    const hashes = hashPacked(platform.kernels.okvs, jobKey, packed);
    const view = new DataView(hashes.buffer);
    const parts = files.map(() => new Uint8Array(files.length === 1 ? 0 : hashes.length));
    const lengths = files.map(() => 0);
    if (files.length === 1) writeSync(files[0] as number, hashes);
    else {
      for (let at = 0; at < hashes.length; at += ID_BYTES) {
        const leading = view.getUint32(at);
        const part = Math.floor((leading * files.length) / 2 ** 32);
        const to = lengths[part] as number;
        const target = parts[part] as Uint8Array;
        for (let b = 0; b < ID_BYTES; b++) target[to + b] = hashes[at + b] as number;
        lengths[part] = to + ID_BYTES;
      }
      parts.forEach((part, i) => {
        writeSync(files[i] as number, part, 0, lengths[i]);
      });
    }
    phases.mark("hashIds");
  }
}

/** Frames over a socket, in order. */
export class Channel {
  bytesSent = 0;
  readonly #socket: Socket;
  readonly #frames: Frame[] = [];
  #wake: (() => void) | undefined;
  #header = new Uint8Array(HEADER_BYTES);
  #filled = 0;
  #frame: { frame: Frame; filled: number } | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on("data", (data) => this.#take(data as Buffer));
  }

  #take(data: Uint8Array): void {
    for (let at = 0; at < data.length; ) {
      if (this.#frame === undefined) {
        const part = data.subarray(at, at + HEADER_BYTES - this.#filled);
        this.#header.set(part, this.#filled);
        this.#filled += part.length;
        at += part.length;
        if (this.#filled < HEADER_BYTES) return;
        const { header, bodyLength } = decodeHeader(this.#header, session.frame);
        this.#frame = { frame: { ...header, body: new Uint8Array(bodyLength) }, filled: 0 };
        this.#filled = 0;
      }
      const { frame } = this.#frame;
      const part = data.subarray(at, at + frame.body.length - this.#frame.filled);
      frame.body.set(part, this.#frame.filled);
      this.#frame.filled += part.length;
      at += part.length;
      if (this.#frame.filled === frame.body.length) {
        this.#frames.push(frame);
        this.#frame = undefined;
        this.#wake?.();
      }
    }
  }

  async send(frame: Frame): Promise<void> {
    const header = encodeHeader(frame, frame.body.length, session.frame);
    this.bytesSent += header.length + frame.body.length;
    this.#socket.cork();
    this.#socket.write(header);
    await new Promise<void>((resolve) => {
      this.#socket.write(frame.body, () => resolve());
      this.#socket.uncork();
    });
  }

  async receive(): Promise<Frame> {
    for (;;) {
      const frame = this.#frames.shift();
      if (frame !== undefined) return frame;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  close(): void {
    this.#socket.end();
  }
}

/** `port` 0: listens, and tells the parent process the port. */
export async function channel(port: number): Promise<Channel> {
  if (port !== 0)
    return new Promise((resolve) => {
      const socket = connect(port, "127.0.0.1", () => resolve(new Channel(socket)));
    });
  return new Promise((resolve) => {
    const server = createServer((socket) => {
      server.close();
      resolve(new Channel(socket));
    }).listen(0, "127.0.0.1", () => {
      const address = server.address();
      process.send?.({ port: typeof address === "object" ? address?.port : undefined });
    });
  });
}

/** One partition to the end; phases are named for what the state was waiting for. */
async function runRole<Input extends { readonly ids: Uint8Array }>(
  platform: PsiVolePlatform,
  role: { start: AnyPsiProtocol["receiver"]["start"] | AnyPsiProtocol["sender"]["start"]; next: unknown },
  context: PartitionContext,
  input: Input,
  io: Channel,
  phases: Phases,
): Promise<unknown> {
  const driven = role as unknown as AnyPsiProtocol["receiver"];
  let step = driven.start(platform, context, input as never);
  let phase = "hashRows";
  let started = false;
  for (;;) {
    for (const frame of step.send) {
      phases.mark(phase);
      await io.send(frame);
      phases.mark("socket");
    }
    phases.mark(phase);
    // The rows are hashed: the ids are not read again.
    if (!started) discard(input.ids);
    started = true;
    if (step.kind === "done") return step.output;
    const { round } = step.state as { round: string };
    const frame = await io.receive();
    phases.mark("socket");
    step = driven.next(platform, step.state, frame);
    const after = step.kind === "done" ? round : (step.state as { round: string }).round;
    phase = round === "vole" && after !== "vole" && after !== "await-masked" ? "store" : round;
  }
}

/** Runs the party and sends its line to the parent. */
export async function runParty(options: PartyOptions): Promise<void> {
  const { role, n, port, profile } = options;
  const platform = await psiVolePlatform();
  const protocol = psiVole({ profile }) as AnyPsiProtocol;
  const io = await channel(port);
  const hello: Frame = { type: 1, round: 1, partition: 0, chunk: 0, body: new Uint8Array(1) };
  await io.send(hello);
  await io.receive();

  const sizeClass = sizeClassOf(n);
  const plan = partitionPlan({ receiverClass: sizeClass, senderClass: sizeClass, maxRows: MAX_AUDIENCE_ROWS });
  const dir = mkdtempSync(join(tmpdir(), "psi-bench-"));
  try {
    const paths = Array.from({ length: plan.partitions }, (_, i) => join(dir, `${role}-${i}`));
    const files = paths.map((path) => openSync(path, "w", 0o600));
    const phases = new Phases();
    spillIds(platform, phases, options, files);
    for (const file of files) closeSync(file);
    // Both start together, as after the handshake.
    await io.send(hello);
    await io.receive();
    phases.mark(undefined);
    const started = performance.now();
    const hashSeconds = phases.seconds.hashIds as number;
    const kept: { context: PartitionContext; sealed: SealedPartition }[] = [];
    for (const [partition, path] of paths.entries()) {
      const context: PartitionContext = {
        sessionId: session.id,
        frameSession: session.frame,
        partition,
        partitions: plan.partitions,
        receiverCapacity: plan.receiverCapacity,
        senderCapacity: plan.senderCapacity,
        labelBytes: 0,
      };
      const file = readFileSync(path);
      const ids = new Uint8Array(file.buffer, file.byteOffset, file.length);
      phases.mark("readSpill");
      const input = role === "receiver" ? { ids } : { ids, labels: new Uint8Array(0), gateKey };
      const sealed = await runRole(platform, protocol[role] as never, context, input, io, phases);
      if (role === "receiver") {
        // Opened at once: a node keeps it on disk until the gate opens, not in memory.
        kept.push({ context, sealed: sealed as SealedPartition });
      }
      if (role === "receiver" && plan.partitions > 1) matched += openAll(platform, protocol, kept.splice(0), phases);
    }
    if (role === "receiver") matched += openAll(platform, protocol, kept, phases);
    const wallS = (performance.now() - started) / 1000 + hashSeconds;
    await io.send(hello);
    await io.receive();
    io.close();
    const expected = n - Math.floor(n / 2);
    if (role === "receiver" && matched !== expected) throw new Error(`${matched} matches instead of ${expected}`);
    const cpuS = Object.values(phases.seconds).reduce((sum, s) => sum + s, 0);
    const round = (x: number) => Math.round(x * 1000) / 1000;
    process.send?.({
      line: {
        role,
        profile,
        n,
        cpuS: round(cpuS),
        wallS: round(wallS),
        bytesSent: io.bytesSent,
        peakRssMB: Math.round(process.resourceUsage().maxRSS / 1024),
        phases: Object.fromEntries(Object.entries(phases.seconds).map(([name, s]) => [name, round(s)])),
      },
    });
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

let matched = 0;

function openAll(
  platform: PsiVolePlatform,
  protocol: AnyPsiProtocol,
  kept: readonly { context: PartitionContext; sealed: SealedPartition }[],
  phases: Phases,
): number {
  let rows = 0;
  for (const { context, sealed } of kept) {
    rows += protocol.openPartition(platform, context, sealed, gateKey).rows.length;
    discard(sealed.outputs);
  }
  phases.mark("open");
  return rows;
}
