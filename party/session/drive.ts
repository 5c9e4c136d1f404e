/** Runs a task's protocols over frames: the one place where steps become a conversation. Knows no thread and no socket. */
import type { Frame } from "../../proto/codec/frame.ts";
import type { Platform } from "../crypto/platform.ts";
import type { EncryptedModel, He, HeKeys } from "../he/he.ts";
import type { PsiRole } from "../protocols/psi.ts";
import * as bank from "../protocols/score-linear/bank.ts";
import type { ScoreContext } from "../protocols/score-linear/params.ts";
import * as partner from "../protocols/score-linear/partner.ts";
import type { PartitionContext, Step } from "../protocols/step.ts";
import { psiProtocol } from "./protocols.ts";
import type { OpenTask, ProvideTask, ReceivedPartition, ReceiveTask } from "./task.ts";

export interface FrameIo {
  send(frame: Frame): Promise<void>;
  receive(): Promise<Frame>;
}

async function converse<S, O>(
  io: FrameIo,
  first: Step<S, Frame, O>,
  next: (state: S, frame: Frame) => Step<S, Frame, O>,
): Promise<O> {
  for (let step = first; ; ) {
    for (const frame of step.send) await io.send(frame);
    if (step.kind === "done") return step.output;
    step = next(step.state, await io.receive());
  }
}

/** Wipes the protocol's last state whatever happens. */
async function conversePsi<I, S, O>(
  io: FrameIo,
  platform: Platform,
  context: PartitionContext,
  role: PsiRole<I, S, O>,
  input: I,
): Promise<O> {
  let last: S | undefined;
  const keep = (step: Step<S, Frame, O>) => {
    if (step.kind === "continue") last = step.state;
    return step;
  };
  try {
    return await converse(io, keep(role.start(platform, context, input)), (state, frame) =>
      keep(role.next(platform, state, frame)),
    );
  } catch (error) {
    if (last !== undefined) role.wipe(last);
    throw error;
  }
}

/** One session's tasks, partition after partition. The encrypted model is sent with the first one and kept. */
export class Driver {
  readonly #platform: Platform;
  readonly #loadHe: () => Promise<He>;
  #he: He | undefined;
  #keys: HeKeys | undefined;
  #model: EncryptedModel | undefined;

  constructor(platform: Platform, loadHe: () => Promise<He>) {
    this.#platform = platform;
    this.#loadHe = loadHe;
  }

  async receive(task: ReceiveTask, io: FrameIo): Promise<ReceivedPartition> {
    const masked = task.score === undefined ? undefined : await this.#scoreAsBank(task, task.score, io);
    const { receiver } = psiProtocol(task.protocol);
    const sealed = await conversePsi(io, this.#platform, task.context, receiver, { ids: task.ids });
    return masked === undefined ? { sealed } : { sealed, masked };
  }

  async provide(task: ProvideTask, io: FrameIo): Promise<undefined> {
    const labels = task.score === undefined ? new Uint8Array(0) : await this.#scoreAsPartner(task, task.score, io);
    const { sender } = psiProtocol(task.protocol);
    return conversePsi(io, this.#platform, task.context, sender, { ids: task.ids, labels, gateKey: task.gateKey });
  }

  open(task: OpenTask) {
    return psiProtocol(task.protocol).openPartition(this.#platform, task.context, task.sealed, task.gateKey);
  }

  dispose(): void {
    this.#keys?.[Symbol.dispose]();
    this.#model?.[Symbol.dispose]();
    this.#keys = undefined;
    this.#model = undefined;
  }

  async #scoreAsBank(task: ReceiveTask, score: NonNullable<ReceiveTask["score"]>, io: FrameIo): Promise<Uint32Array> {
    const platform = await this.#scorePlatform();
    const sendModel = this.#keys === undefined;
    this.#keys ??= platform.he.createKeys();
    const input = { keys: this.#keys, weights: score.weights, sendModel };
    const { masked } = await converse(io, bank.start(platform, scoreContext(task, score), input), (state, frame) =>
      bank.next(platform, state, frame),
    );
    return masked;
  }

  async #scoreAsPartner(task: ProvideTask, score: NonNullable<ProvideTask["score"]>, io: FrameIo): Promise<Uint8Array> {
    const platform = await this.#scorePlatform();
    const rows = score.columns[0]?.length ?? 0;
    const input = { columns: score.columns, rows, ...(this.#model === undefined ? {} : { model: this.#model }) };
    let last: partner.PartnerStep | undefined;
    const keep = (step: partner.PartnerStep) => {
      last = step;
      if (step.kind === "done") this.#model = step.output.model;
      return step;
    };
    try {
      const first = keep(partner.start(platform, scoreContext(task, score), input));
      const { labels } = await converse(io, first, (state, frame) => keep(partner.next(platform, state, frame)));
      return labels;
    } catch (error) {
      if (last?.kind === "continue") partner.abandon(last.state);
      throw error;
    }
  }

  async #scorePlatform(): Promise<Platform & { he: He }> {
    this.#he ??= await this.#loadHe();
    return { ...this.#platform, he: this.#he };
  }
}

function scoreContext(
  task: ReceiveTask | ProvideTask,
  score: { features: number; maxMatchedRows: number },
): ScoreContext {
  return { ...task.context, features: score.features, maxMatchedRows: score.maxMatchedRows };
}
