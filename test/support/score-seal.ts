/**
 * The partner's side in node-seal alone: the same answers as the kernels', bit for bit, from the same streams. The oracle of
 * the tests, and the other path of the bench.
 */
import type { AnswerRandomness, EncryptedModel, He } from "../../party/he/he.ts";
import {
  CIPHERTEXT_HEAD_BYTES,
  ciphertextBuffer,
  type ParameterId,
  PLAINTEXT_HEAD_BYTES,
  plaintextBuffer,
  savedWords,
} from "../../party/he/layout.ts";
import { ALL_PRIMES, ANSWER_PRIMES, BLOCK_ROWS, DATA_PRIMES } from "../../party/he/params.ts";
import type { Released } from "../../party/he/released.ts";
import { loadSeal, type Seal } from "../../party/he/seal.ts";
import { errorsTwin, maskTwin, packResidues, ternaryTwin, unpackResidues } from "./score-twin.ts";

type Context = Seal["weights"]["context"];
type Ciphertext = InstanceType<Seal["module"]["Ciphertext"]>;
const L = DATA_PRIMES.length;

/** The weights' primes with a chain of smaller moduli below them. */
export interface SealChain {
  readonly seal: Seal;
  readonly context: Context;
  readonly dataId: ParameterId;
  /** Of ANSWER_PRIMES. */
  readonly answerId: ReturnType<Context["firstParmsId"]>;
}

export async function loadChain(): Promise<SealChain> {
  const seal = await loadSeal();
  const { module } = seal;
  const parameters = new module.EncryptionParameters(module.SchemeType.bfv);
  parameters.setPolyModulusDegree(BLOCK_ROWS);
  parameters.setCoeffModulus(module.vecFromArrayModulus(ALL_PRIMES.map((prime) => new module.Modulus(BigInt(prime)))));
  parameters.setPlainModulus(new module.Modulus(1n << 32n));
  const context = new module.SEALContext(parameters, true, module.SecLevelType.tc192);
  const answerId = context.firstContextData().nextContextData().nextContextData().parmsId();
  return { seal, context, dataId: seal.weights.dataId, answerId };
}

export function loadCiphertext({ seal, context, dataId }: SealChain, residues: Uint32Array, ntt = false): Ciphertext {
  const ciphertext = new seal.module.Ciphertext();
  ciphertext.loadFromArray(context, ciphertextBuffer(residues, dataId, ntt));
  return ciphertext;
}

export function residuesOf({ seal }: SealChain, ciphertext: Ciphertext): Uint32Array<ArrayBuffer> {
  const saved = ciphertext.saveToArray(seal.module.ComprModeType.none) as Uint8Array;
  return savedWords(saved, CIPHERTEXT_HEAD_BYTES, 2 * ciphertext.coeffModulusSize() * BLOCK_ROWS);
}

export class SealModel implements EncryptedModel {
  readonly features: number;
  readonly #chain: SealChain;
  readonly #evaluator;
  /** The public key and the weights, transformed. */
  readonly #weights: Ciphertext[] = [];

  constructor(chain: SealChain, features: number) {
    this.features = features;
    this.#chain = chain;
    this.#evaluator = new chain.seal.module.Evaluator(chain.context);
  }

  get complete(): boolean {
    return this.#weights.length === this.features + 1;
  }

  add(ciphertext: Uint8Array): void {
    const weight = loadCiphertext(this.#chain, unpackResidues(ciphertext));
    this.#evaluator.cipherTransformToNttInplace(weight);
    this.#weights.push(weight);
  }

  /** sum_j Enc(w_j) * column_j, weight 0 being the public key; columns beyond the weights' number are refused. */
  weightedSum(columns: readonly (Int16Array | undefined)[]): Ciphertext {
    const { module } = this.#chain.seal;
    const sum = new module.Ciphertext();
    using product = new module.Ciphertext();
    using plain = new module.Plaintext();
    using transformed = new module.Plaintext();
    let target: Ciphertext = sum;
    for (const [j, column] of columns.entries()) {
      if (column === undefined) continue;
      const buffer = plaintextBuffer(BLOCK_ROWS);
      const low = new Uint32Array(buffer.buffer, PLAINTEXT_HEAD_BYTES);
      for (let i = 0; i < BLOCK_ROWS; i++) low[2 * i] = column[i] as number;
      plain.loadFromArray(this.#chain.context, buffer);
      using id = this.#chain.context.firstParmsId();
      this.#evaluator.plainTransformToNtt(plain, id, transformed);
      this.#evaluator.multiplyPlain(this.#weights[j] as Ciphertext, transformed, target);
      if (target === product) this.#evaluator.addInplace(sum, product);
      target = product;
    }
    this.#evaluator.cipherTransformFromNttInplace(sum);
    return sum;
  }

  /** Before it is cut: c0 then c1, modulo each data prime. */
  wholeAnswer(columns: readonly Int16Array[], { mask, zero }: AnswerRandomness): Uint32Array {
    using sum = this.weightedSum([ternaryTwin(zero), ...columns]);
    const residues = residuesOf(this.#chain, sum);
    const errors = errorsTwin(zero);
    const maskSecret = maskTwin(mask);
    for (const [k, prime] of DATA_PRIMES.entries())
      for (let i = 0; i < BLOCK_ROWS; i++) {
        const [c0, c1] = [k * BLOCK_ROWS + i, (L + k) * BLOCK_ROWS + i];
        residues[c0] = ((residues[c0] as number) + (maskSecret[c0] as number)) % prime;
        residues[c1] = ((residues[c1] as number) + (errors[i] as number) + prime) % prime;
      }
    return residues;
  }

  answer(columns: readonly Int16Array[], randomness: AnswerRandomness, released: Released): Uint8Array {
    using whole = loadCiphertext(this.#chain, this.wholeAnswer(columns, randomness));
    this.#evaluator.cipherModSwitchToInplace(whole, this.#chain.answerId);
    const residues = residuesOf(this.#chain, whole);
    const { first, stride, count } = released;
    const half = ANSWER_PRIMES.length * BLOCK_ROWS;
    const kept = new Uint32Array(ANSWER_PRIMES.length * count + half);
    for (let k = 0; k < ANSWER_PRIMES.length; k++)
      for (let i = 0; i < count; i++) kept[k * count + i] = residues[k * BLOCK_ROWS + first + stride * i] as number;
    kept.set(residues.subarray(half), ANSWER_PRIMES.length * count);
    return packResidues(kept);
  }

  [Symbol.dispose](): void {
    for (const weight of this.#weights) weight.delete();
    this.#evaluator.delete();
  }
}

/** `he` with the partner's model in node-seal. */
export async function sealOnly(he: He): Promise<He> {
  const chain = await loadChain();
  return { ...he, createEncryptedModel: (features) => new SealModel(chain, features) };
}
