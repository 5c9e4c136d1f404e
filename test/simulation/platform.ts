/** The primitives that a simulation's protocols run over: real, but for the randomness, and mostly for the group. */
import type { BulkAes } from "../../party/crypto/bulk.ts";
import type { Platform } from "../../party/crypto/platform.ts";
import { bulkAes } from "../../party/session/bulk-aes.ts";
import { createPlatform } from "../../party/session/platform.ts";
import { easyGroup } from "./group.ts";

/** Shared by all simulations of a thread: only the randomness is each one's own. */
const shared = await createPlatform();

export type Group = "ristretto255" | "easy";

/** `random`: the process's own. */
export async function platformOf(
  random: (length: number) => Uint8Array,
  group: Group,
): Promise<Platform & { readonly bulkAes: BulkAes }> {
  if (group === "ristretto255") return { ...(await createPlatform({ random })), bulkAes };
  return { ...shared, random, ristretto255: easyGroup(random), bulkAes };
}
