/**
 * Keys that rotate with the epoch of an agreement's budgets: what is tagged or sketched under one cannot be compared with
 * anything of another epoch. Derived from a seed of the node, so that they outlive its database.
 */
import { uintBe, utf8 } from "../../proto/encoding/bytes.ts";
import { commit } from "../../proto/evidence/commitment.ts";
import { type DatasetRegistration, effectiveVersion } from "../data/dataset.ts";

const DAY_MS = 86_400_000;

export interface Epoch {
  readonly epochDays: number;
  /** Whole epochs since 1970. */
  readonly number: number;
  readonly endsAtMs: number;
}

export function epochAt(epochDays: number, nowMs: number): Epoch {
  const number = Math.floor(nowMs / (epochDays * DAY_MS));
  return { epochDays, number, endsAtMs: (number + 1) * epochDays * DAY_MS };
}

/** 32 bytes: HMAC-SHA-256(seed, domain, days || number). */
function epochKey(seedSecret: Uint8Array, domain: string, { epochDays, number }: Epoch): Uint8Array<ArrayBuffer> {
  return commit(
    seedSecret,
    `entente ${domain} epoch key/1`,
    new Uint8Array([...uintBe(epochDays, 4), ...uintBe(number, 4)]),
  );
}

/** Keys the id hashes of difference sketches, and the noise of aggregate outputs. */
export function sketchKey(seedSecret: Uint8Array, epoch: Epoch): Uint8Array<ArrayBuffer> {
  return epochKey(seedSecret, "sketch", epoch);
}

export function noiseKey(seedSecret: Uint8Array, epoch: Epoch): Uint8Array<ArrayBuffer> {
  return epochKey(seedSecret, "noise", epoch);
}

/** What a peer and the evidence see of a dataset's version: equal for one effective version within an epoch, and nothing else.
 * 32 bytes. */
export function versionTag(
  seedSecret: Uint8Array,
  epoch: Epoch,
  dataset: Pick<DatasetRegistration, "name" | "version" | "optedOut">,
): Uint8Array<ArrayBuffer> {
  const key = epochKey(seedSecret, "version", epoch);
  return commit(key, "entente dataset version/1", utf8(`${dataset.name}\n${effectiveVersion(dataset)}`));
}
