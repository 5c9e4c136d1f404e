/** Keys that change within a log: the verifier goes by place, and nothing under keys that were given up passes. */
import { describe, expect, test } from "vitest";
import { type Keyset, signKeyset } from "../../proto/agreement/keyset.ts";
import type { Envelope } from "../../proto/encoding/dsse.ts";
import { type SigningKey, signingKey } from "../../proto/encoding/ed25519.ts";
import { digestOf, domainHash } from "../../proto/encoding/sha256.ts";
import { exportBundle } from "../../proto/evidence/export.ts";
import { EvidenceLog } from "../../proto/evidence/log.ts";
import type { PredicateInput } from "../../proto/evidence/predicates.ts";
import { statementEntry } from "../../proto/evidence/statements.ts";
import { EXIT_CODE } from "../../sdk/verify/verdict.ts";
import { verifyFolders } from "../../sdk/verify/verify.ts";
import {
  AGREEMENT,
  AT,
  BANK,
  cosignBy,
  originOf,
  PARTNER,
  type TestParty,
  testHash,
} from "../support/evidence-world.ts";
import { MemoryFiles } from "../support/memory-files.ts";

const ROLES = ["session", "jobs", "log", "cosigner"] as const;

function nextKey(role: string): SigningKey {
  return signingKey(`bank/${role}`, domainHash("test key", new TextEncoder().encode(`bank/${role}/next`)));
}

const NEXT: TestParty = (() => {
  const keys = Object.fromEntries(ROLES.map((role) => [role, nextKey(role)])) as Record<
    (typeof ROLES)[number],
    SigningKey
  >;
  const keyset: Keyset = {
    party: BANK.name,
    identity: BANK.keys.identity.publicKey,
    validFrom: AT,
    validUntil: "2027-05-01T00:00:00.000Z",
    keys: {
      session: keys.session.publicKey,
      jobs: keys.jobs.publicKey,
      log: keys.log.publicKey,
      cosigner: keys.cosigner.publicKey,
    },
    recovery: null,
  };
  return {
    name: BANK.name,
    keys: { ...keys, identity: BANK.keys.identity },
    keyset: signKeyset(keyset, BANK.keys.identity),
  };
})();

function dataset(label: string, key: SigningKey): Uint8Array {
  const digest = testHash(label);
  return statementEntry(
    "dataset-registered",
    [{ name: "dataset", digest: { sha256: digest } }],
    { datasetCommitment: digest, at: AT },
    key,
  );
}

function rotation(
  changes: Partial<PredicateInput<"keyset-rotated">> = {},
  keys: readonly SigningKey[] = [BANK.keys.jobs, BANK.keys.identity],
): Uint8Array {
  const predicate = {
    party: "bank",
    previousKeysetDigest: digestOf(BANK.keyset.payload),
    keysetDigest: digestOf(NEXT.keyset.payload),
    validFrom: AT,
    at: AT,
    ...changes,
  };
  return statementEntry(
    "keyset-rotated",
    [{ name: "keyset", digest: { sha256: predicate.keysetDigest } }],
    predicate,
    ...keys,
  );
}

interface Story {
  readonly before?: SigningKey;
  readonly rotation?: Uint8Array | null;
  readonly after?: SigningKey;
  /** Signs the checkpoints after the rotation. */
  readonly log?: TestParty;
  readonly keysets?: readonly Envelope[];
}

async function verify(story: Story = {}) {
  const { before = BANK.keys.jobs, after = NEXT.keys.jobs, log: signer = NEXT } = story;
  const { keysets = [BANK.keyset, NEXT.keyset] } = story;
  const files = new MemoryFiles();
  const log = await EvidenceLog.open({ files, folder: "/node", origin: originOf(BANK), key: BANK.keys.log });
  await log.append([dataset("first", BANK.keys.jobs)]);
  await log.append([dataset("second", before)]);
  await cosignBy(log, BANK, PARTNER);
  if (story.rotation !== null) await log.append([story.rotation ?? rotation()]);
  if (signer === NEXT) await log.rekey(NEXT.keys.log);
  await log.append([dataset("third", after)]);
  await cosignBy(log, signer, PARTNER);
  const bundle = exportBundle({
    collaboration: AGREEMENT.collaboration,
    exportingParty: "bank",
    keysets: [
      ...keysets.map((envelope) => ({ party: "bank", identity: BANK.keys.identity.publicKey, envelope })),
      { party: "partner", identity: PARTNER.keys.identity.publicKey, envelope: PARTNER.keyset },
    ],
    agreements: [],
    revocations: [],
    forks: [],
    openings: [],
    witnessed: [],
    logs: [{ origin: log.origin, files: await log.exportFiles() }],
  });
  for (const { path, bytes } of bundle) files.contents.set(`/export/${path}`, bytes);
  const { verdict, problems } = await verifyFolders(["/export"], { files });
  return { verdict, found: problems.map(({ code, index, path }) => [code, index ?? path?.split("/").at(-1)]) };
}

describe("a rotation of keys", () => {
  test("verifies: entries up to and with it under the keyset before, all after it under the next", async () => {
    expect(await verify()).toEqual({ verdict: "verified", found: [] });
  });

  test.each<[string, Story, string, number | string]>([
    ["an entry after it under the old jobs key", { after: BANK.keys.jobs }, "KEY_NOT_IN_FORCE", 3],
    ["an entry before it under the new jobs key", { before: NEXT.keys.jobs }, "KEY_NOT_IN_FORCE", 1],
    ["checkpoints after it under the old log key", { log: BANK }, "KEY_NOT_IN_FORCE", "checkpoint"],
    ["no entry of it", { rotation: null }, "KEY_NOT_IN_FORCE", 2],
    ["one without the identity", { rotation: rotation({}, [BANK.keys.jobs]) }, "SIGNATURE_INVALID", 2],
    ["one without the jobs key", { rotation: rotation({}, [BANK.keys.identity]) }, "SIGNATURE_INVALID", 2],
    [
      "one that the new jobs key signed",
      { rotation: rotation({}, [NEXT.keys.jobs, BANK.keys.identity]) },
      "KEY_NOT_IN_FORCE",
      2,
    ],
    [
      "one from a keyset that was not in force",
      { rotation: rotation({ previousKeysetDigest: testHash("another") }) },
      "ORDER_BROKEN",
      2,
    ],
    [
      "one back to the keyset that it comes from",
      { rotation: rotation({ keysetDigest: digestOf(BANK.keyset.payload) }) },
      "ORDER_BROKEN",
      2,
    ],
    [
      "one to a keyset that is not there",
      { rotation: rotation({ keysetDigest: testHash("another") }) },
      "KEYSET_INVALID",
      2,
    ],
    ["the new keyset left out", { keysets: [BANK.keyset] }, "CHECKPOINT_INVALID", "checkpoint"],
    ["the old keyset left out", { keysets: [NEXT.keyset] }, "SIGNATURE_INVALID", 0],
  ])("%s is caught", async (_what, story, code, where) => {
    const { verdict, found } = await verify(story);
    expect(EXIT_CODE[verdict]).toBe(1);
    expect(found).toContainEqual([code, where]);
  });
});
