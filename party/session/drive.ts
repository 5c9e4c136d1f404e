/** Runs a task's protocols over frames: the one place where steps become a conversation. Knows no thread and no socket. */
import type { Frame } from "../../proto/codec/frame.ts";
import { EntenteError } from "../../proto/errors.ts";
import type { BulkAes } from "../crypto/bulk.ts";
import type { Platform } from "../crypto/platform.ts";
import type { EncryptedModel, He } from "../he/he.ts";
import { listedContext } from "../protocols/aligned/params.ts";
import { gatherLabels, joinLabels } from "../protocols/label-parts.ts";
import type { PsiRole } from "../protocols/psi.ts";
import * as bank from "../protocols/score-linear/bank.ts";
import { type BankModel, encryptModel, exportModel, importModel } from "../protocols/score-linear/bundle.ts";
import { columnRows } from "../protocols/score-linear/columns.ts";
import { checkContext, LABEL_BYTES, type ScoreContext, type ScorePlatform } from "../protocols/score-linear/params.ts";
import * as partner from "../protocols/score-linear/partner.ts";
import { treeRows } from "../protocols/score-trees/tree-rows.ts";
import { ID_BYTES, type PartitionContext, type Step } from "../protocols/step.ts";
import { ALIGNED, alignmentProtocol, psiProtocol, scorePacking } from "./protocols.ts";
import type {
  OpenTask,
  ProvidedColumns,
  ProvidedPartition,
  ProvideTask,
  ReceivedPartition,
  ReceiveTask,
} from "./task.ts";

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

/** One session's tasks, partition after partition. The encrypted model is announced with the first one and kept. */
export class Driver {
  readonly #platform: Platform & { readonly bulkAes: BulkAes };
  readonly #loadHe: () => He;
  #he: He | undefined;
  #bankModel: BankModel | undefined;
  #model: EncryptedModel | undefined;

  constructor(platform: Platform & { readonly bulkAes: BulkAes }, loadHe: () => He) {
    this.#platform = platform;
    this.#loadHe = loadHe;
  }

  async receive(task: ReceiveTask, io: FrameIo): Promise<ReceivedPartition> {
    if (task.protocol === "aligned") return this.#receiveAligned(task, io);
    const scored = task.score === undefined ? {} : await this.#scoreAsBank(task, task.score, io);
    const { receiver } = psiProtocol(task.protocol);
    const sealed = await conversePsi(io, this.#platform, task.context, receiver, { ids: task.ids });
    return { sealed, ...scored };
  }

  async provide(task: ProvideTask, io: FrameIo): Promise<ProvidedPartition> {
    if (task.protocol === "aligned") return this.#provideAligned(task, io);
    const { context, ids, gateKey, score } = task;
    const { labels: scored, ...kept } =
      score === undefined ? { labels: undefined } : await this.#scoreAsPartner(task, score, io);
    const labels = wholeLabels(task, scored, task.labels, ids.length / ID_BYTES);
    const { sender } = psiProtocol(task.protocol);
    await conversePsi(io, this.#platform, context, sender, { ids, labels, gateKey });
    return kept;
  }

  open(task: OpenTask) {
    return alignmentProtocol(task.protocol).openPartition(this.#platform, task.context, task.sealed, task.gateKey);
  }

  dispose(): void {
    this.#bankModel?.[Symbol.dispose]();
    this.#model?.[Symbol.dispose]();
    this.#bankModel = undefined;
    this.#model = undefined;
  }

  /** The list first, then its score, then the labels. */
  async #receiveAligned(task: ReceiveTask, io: FrameIo): Promise<ReceivedPartition> {
    const { context, ids, score } = task;
    if (score === undefined) throw new EntenteError("INTERNAL", { detail: "aligned: only a score is" });
    // Before the peer is told who they are.
    checkContext(scoreContext({ ...task, context: listedContext(context) }, score));
    const listing = ALIGNED.receiver.start(this.#platform, context, { ids });
    for (const frame of listing.send) await io.send(frame);
    const scored = await this.#scoreAsBank({ ...task, context: listedContext(context) }, score, io);
    const sealed = await converse(io, { ...listing, send: [] }, ALIGNED.receiver.next);
    return { sealed, ...scored };
  }

  async #provideAligned(task: ProvideTask, io: FrameIo): Promise<ProvidedPartition> {
    const { context, ids, gateKey, score } = task;
    if (score === undefined) throw new EntenteError("INTERNAL", { detail: "aligned: only a score is" });
    checkContext(scoreContext({ ...task, context: listedContext(context) }, score));
    const { rows } = await converse(io, ALIGNED.sender.start(context, { ids }), ALIGNED.sender.next);
    const onList = { ...task, context: listedContext(context) };
    const { labels: scored, ...kept } = await this.#scoreAsPartner(onList, { ...score, ...gathered(score, rows) }, io);
    const ofRows = gatherLabels({ bytes: task.labels, width: context.labelBytes - LABEL_BYTES }, rows);
    const labels = wholeLabels(task, scored, ofRows, rows.length);
    for (const frame of ALIGNED.sender.sealLabels(this.#platform, context, { labels, gateKey })) await io.send(frame);
    return { listedRows: rows.length, ...kept };
  }

  async #scoreAsBank(
    task: ReceiveTask,
    score: NonNullable<ReceiveTask["score"]>,
    io: FrameIo,
  ): Promise<{ masked: Uint32Array; madeModel?: Uint8Array }> {
    const platform = this.#scorePlatform();
    const announce = this.#bankModel === undefined;
    let madeModel: Uint8Array | undefined;
    if (this.#bankModel === undefined) {
      const { keptModel, weights } = score;
      this.#bankModel = keptModel && (await importModel(platform, keptModel, weights));
      if (this.#bankModel === undefined) {
        this.#bankModel = await encryptModel(platform, weights);
        madeModel = exportModel(this.#bankModel);
      }
    }
    const input = { model: this.#bankModel, announce };
    const { masked } = await converse(io, bank.start(platform, scoreContext(task, score), input), (state, frame) =>
      bank.next(platform, state, frame),
    );
    return madeModel === undefined ? { masked } : { masked, madeModel };
  }

  async #scoreAsPartner(
    task: ProvideTask,
    score: NonNullable<ProvideTask["score"]>,
    io: FrameIo,
  ): Promise<{ labels: Uint8Array; receivedModel?: Uint8Array }> {
    const platform = this.#scorePlatform();
    const { keptModel } = score;
    const input: partner.PartnerInput = {
      rows: partnerRows(score),
      ...(this.#model === undefined ? {} : { model: this.#model }),
      ...(keptModel === undefined ? {} : { held: keptModel }),
    };
    let last: partner.PartnerStep | undefined;
    const keep = (step: partner.PartnerStep) => {
      last = step;
      if (step.kind === "done") this.#model = step.output.model;
      return step;
    };
    try {
      const first = keep(partner.start(platform, scoreContext(task, score), input));
      const done = await converse(io, first, (state, frame) => keep(partner.next(platform, state, frame)));
      const { labels, received } = done;
      return received === undefined ? { labels } : { labels, receivedModel: received };
    } catch (error) {
      if (last?.kind === "continue") partner.abandon(last.state);
      throw error;
    }
  }

  #scorePlatform(): ScorePlatform {
    this.#he ??= this.#loadHe();
    return { ...this.#platform, he: this.#he };
  }
}

function partnerRows(score: NonNullable<ProvideTask["score"]>): partner.PartnerRows {
  const count = score.columns[0]?.length ?? 0;
  return score.kind === "trees" ? treeRows(score.view, score.columns, count) : columnRows(score.columns, count);
}

function scoreContext(
  { context }: ReceiveTask | ProvideTask,
  { kind, features, maxMatchedRows, modelCommitment }: NonNullable<(ReceiveTask | ProvideTask)["score"]>,
): ScoreContext {
  // The score knows of its own part of the labels only.
  const labelBytes = LABEL_BYTES;
  return { ...context, labelBytes, packing: scorePacking(kind), features, maxMatchedRows, modelCommitment };
}

/** What travels with each row: slot and share, when there is a score, then the label columns. */
function wholeLabels(
  { context }: ProvideTask,
  scored: Uint8Array | undefined,
  columns: Uint8Array,
  count: number,
): Uint8Array {
  const first = scored === undefined ? [] : [{ bytes: scored, width: LABEL_BYTES }];
  const width = context.labelBytes - (scored === undefined ? 0 : LABEL_BYTES);
  return joinLabels([...first, { bytes: columns, width }], count);
}

/** The columns of some rows, in their order. */
function gathered(score: ProvidedColumns, rows: Uint32Array): ProvidedColumns {
  if (score.kind === "linear")
    return {
      kind: score.kind,
      columns: score.columns.map((column) => Int16Array.from(rows, (row) => column[row] as number)),
    };
  const columns = score.columns.map((column) => Float64Array.from(rows, (row) => column[row] as number));
  return { kind: score.kind, columns, view: score.view };
}
