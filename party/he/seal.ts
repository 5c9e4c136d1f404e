/** SEAL with the parameters of params.ts. This folder is the only importer of node-seal. */
import createSeal, { type MainModule, type Plaintext, type SEALContext } from "node-seal/allows";
import { EntenteError } from "../../proto/errors.ts";
import type { ParameterId } from "./layout.ts";
import { ANSWER_PRIMES, BLOCK_ROWS, DATA_PRIMES, PLAIN_MODULUS_BITS, SPECIAL_PRIME } from "./params.ts";

/** One set of data primes. */
export interface SealContext {
  readonly context: SEALContext;
  /** Of ciphertexts (data primes) and of keys (all primes). */
  readonly dataId: ParameterId;
  readonly keyId: ParameterId;
}

export interface Seal {
  readonly module: MainModule;
  /** For weights, modulo q. */
  readonly weights: SealContext;
  /** For answers, modulo q'. */
  readonly answers: SealContext;
}

function parameterId(values: unknown): ParameterId {
  const words = BigUint64Array.from(values as ArrayLike<bigint>);
  return new Uint8Array(words.buffer);
}

function createContext(module: MainModule, dataPrimes: readonly number[]): SealContext {
  using parameters = new module.EncryptionParameters(module.SchemeType.bfv);
  const moduli = [...dataPrimes, SPECIAL_PRIME].map((prime) => new module.Modulus(BigInt(prime)));
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
  return { context, dataId: parameterId(data.values()), keyId: parameterId(key.values()) };
}

/**
 * Loads the WASM module and makes the contexts, 0.3 to 0.5 s; meant to live as long as its thread. The `allows` build
 * multiplies by a zero plaintext like by any other. A modulus switching chain in one context would cost more than two.
 */
export async function loadSeal(): Promise<Seal> {
  const module = await createSeal();
  return { module, weights: createContext(module, DATA_PRIMES), answers: createContext(module, ANSWER_PRIMES) };
}

export function loadPlaintext(seal: Seal, target: Plaintext, buffer: Uint8Array): void {
  target.loadFromArray(seal.weights.context, buffer);
}
