/** SEAL with the parameters of params.ts. This folder is the only importer of node-seal. */
import createSeal, { type Ciphertext, type MainModule, type Plaintext, type SEALContext } from "node-seal/allows";
import { EntenteError } from "../../proto/errors.ts";
import { CIPHERTEXT_HEAD_BYTES, ciphertextBuffer, type ParameterId, savedWords } from "./layout.ts";
import { ALL_PRIMES, BLOCK_ROWS, DATA_PRIMES, PLAIN_MODULUS_BITS } from "./params.ts";

export interface Seal {
  readonly module: MainModule;
  readonly context: SEALContext;
  /** Of ciphertexts (data primes) and of keys (all primes). */
  readonly dataId: ParameterId;
  readonly keyId: ParameterId;
}

function parameterId(values: unknown): ParameterId {
  const words = BigUint64Array.from(values as ArrayLike<bigint>);
  return new Uint8Array(words.buffer);
}

/**
 * Loads the WASM module and makes the context, about 0.1 to 0.3 s; meant to live as long as its thread. The `allows`
 * build multiplies by a zero plaintext like by any other: the `throws` build would show the peer that a column is zero.
 */
export async function loadSeal(): Promise<Seal> {
  const module = await createSeal();
  using parameters = new module.EncryptionParameters(module.SchemeType.bfv);
  const moduli = ALL_PRIMES.map((prime) => new module.Modulus(BigInt(prime)));
  using plainModulus = new module.Modulus(1n << BigInt(PLAIN_MODULUS_BITS));
  using chain = module.vecFromArrayModulus(moduli);
  for (const modulus of moduli) modulus.delete();
  parameters.setPolyModulusDegree(BLOCK_ROWS);
  parameters.setCoeffModulus(chain);
  parameters.setPlainModulus(plainModulus);
  // No modulus switching below the data primes; refused by SEAL unless within the 192-bit limit.
  const context = new module.SEALContext(parameters, false, module.SecLevelType.tc192);
  if (!context.parametersSet()) throw new EntenteError("INTERNAL", { detail: "encryption parameters were refused" });
  using data = context.firstParmsId();
  using key = context.keyParmsId();
  return { module, context, dataId: parameterId(data.values()), keyId: parameterId(key.values()) };
}

/** `residues`: checked to be below the data primes; coefficient form. */
export function loadCiphertext(seal: Seal, residues: Uint32Array): Ciphertext {
  const ciphertext = new seal.module.Ciphertext();
  ciphertext.loadFromArray(seal.context, ciphertextBuffer(residues, seal.dataId, false));
  return ciphertext;
}

/** Both polynomials modulo the data primes, in whatever form the ciphertext is in. */
export function ciphertextResidues(seal: Seal, ciphertext: Ciphertext): Uint32Array<ArrayBuffer> {
  const saved = ciphertext.saveToArray(seal.module.ComprModeType.none) as Uint8Array;
  return savedWords(saved, CIPHERTEXT_HEAD_BYTES, 2 * DATA_PRIMES.length * BLOCK_ROWS);
}

export function loadPlaintext(seal: Seal, target: Plaintext, buffer: Uint8Array): void {
  target.loadFromArray(seal.context, buffer);
}
