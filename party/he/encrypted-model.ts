/** The partner's side: encrypted weights times plaintext columns, and what makes the answer say nothing else. */
import type { Ciphertext, Encryptor, Evaluator, ParmsIdType, Plaintext } from "node-seal/allows";
import { EntenteError } from "../../proto/errors.ts";
import type { EncryptedModel } from "./he.ts";
import { ciphertextBuffer, PLAINTEXT_HEAD_BYTES, plaintextBuffer } from "./layout.ts";
import { ALL_PRIMES, BLOCK_ROWS, DATA_PRIMES, MAX_FEATURES } from "./params.ts";
import { packResidues, unpackResidues } from "./residues.ts";
import { ciphertextResidues, loadCiphertext, loadPlaintext, type Seal } from "./seal.ts";

export function createEncryptedModel(seal: Seal, publicKey: Uint8Array): SealEncryptedModel {
  return new SealEncryptedModel(seal, unpackResidues(publicKey, 2, ALL_PRIMES));
}

export class SealEncryptedModel implements EncryptedModel {
  readonly #seal: Seal;
  readonly #encryptor: Encryptor;
  readonly #evaluator: Evaluator;
  readonly #dataId: ParmsIdType;
  /** In NTT form, so that a column costs one transform of the column alone. */
  readonly #weights: Ciphertext[] = [];
  readonly #column: Plaintext;
  readonly #transformed: Plaintext;
  readonly #product: Ciphertext;
  readonly #buffer = plaintextBuffer(BLOCK_ROWS);
  readonly #coefficients = new Uint32Array(this.#buffer.buffer, PLAINTEXT_HEAD_BYTES);

  /** `publicKey`: checked residues, in NTT form as SEAL keeps keys. */
  constructor(seal: Seal, publicKey: Uint32Array) {
    this.#seal = seal;
    const { module, context } = seal;
    using key = new module.PublicKey();
    key.loadFromArray(context, ciphertextBuffer(publicKey, seal.keyId, true));
    this.#encryptor = new module.Encryptor(context, key);
    this.#evaluator = new module.Evaluator(context);
    this.#dataId = context.firstParmsId();
    this.#column = new module.Plaintext();
    this.#transformed = new module.Plaintext();
    this.#product = new module.Ciphertext();
  }

  get features(): number {
    return this.#weights.length;
  }

  addWeight(ciphertext: Uint8Array): void {
    if (this.#weights.length >= MAX_FEATURES) throw new EntenteError("WIRE_TOO_LARGE", { detail: "number of weights" });
    using weight = loadCiphertext(this.#seal, unpackResidues(ciphertext, 2, DATA_PRIMES));
    const transformed = new this.#seal.module.Ciphertext();
    this.#evaluator.cipherTransformToNtt(weight, transformed);
    this.#weights.push(transformed);
  }

  /**
   * sum_j Enc(w_j) * column_j, coefficient form, to be disposed by the caller. Never for a peer as it is: its second
   * polynomial is sum_j a_j * column_j with a_j of the key's owner, who reads the columns off it.
   */
  weightedSum(columns: readonly Int16Array[]): Ciphertext {
    if (columns.length !== this.#weights.length || columns.length === 0)
      throw new EntenteError("INTERNAL", { detail: "one column for each weight" });
    const sum = new this.#seal.module.Ciphertext();
    for (const [j, column] of columns.entries()) {
      this.#transform(column);
      const target = j === 0 ? sum : this.#product;
      this.#evaluator.multiplyPlain(this.#weights[j] as Ciphertext, this.#transformed, target);
      if (j > 0) this.#evaluator.addInplace(sum, this.#product);
    }
    this.#buffer.fill(0, PLAINTEXT_HEAD_BYTES);
    this.#evaluator.cipherTransformFromNttInplace(sum);
    return sum;
  }

  #transform(column: Int16Array): void {
    if (column.length !== BLOCK_ROWS) throw new EntenteError("INTERNAL", { detail: "length of a column" });
    // Modulo t = 2^32 a negative number is its two's complement; SEAL lifts it to the centred residue modulo q.
    for (let i = 0; i < BLOCK_ROWS; i++) this.#coefficients[2 * i] = column[i] as number;
    loadPlaintext(this.#seal, this.#column, this.#buffer);
    this.#evaluator.plainTransformToNtt(this.#column, this.#dataId, this.#transformed);
  }

  answer(columns: readonly Int16Array[], maskSecret: Uint32Array): Uint8Array {
    using sum = this.weightedSum(columns);
    // u * pk + e hides c1 = sum a_j * x_j behind a fresh RLWE sample; a mask on c0 alone would leave it bare.
    using zero = new this.#seal.module.Ciphertext();
    this.#encryptor.encryptZero(zero);
    this.#evaluator.addInplace(sum, zero);
    const residues = ciphertextResidues(this.#seal, sum);
    addMask(residues, maskSecret);
    return packResidues(residues);
  }

  [Symbol.dispose](): void {
    for (const weight of this.#weights) weight.delete();
    this.#product.delete();
    this.#transformed.delete();
    this.#column.delete();
    this.#dataId.delete();
    this.#evaluator.delete();
    this.#encryptor.delete();
  }
}

/** c0 += R, residue by residue. */
export function addMask(residues: Uint32Array, maskSecret: Uint32Array): void {
  for (const [k, prime] of DATA_PRIMES.entries()) {
    for (let i = k * BLOCK_ROWS; i < (k + 1) * BLOCK_ROWS; i++) {
      const sum = (residues[i] as number) + (maskSecret[i] as number);
      residues[i] = sum >= prime ? sum - prime : sum;
    }
  }
}
