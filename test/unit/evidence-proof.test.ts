import { describe, expect, test } from "vitest";
import { fingerprint } from "../../proto/agreement/identity.ts";
import { fromUtf8, utf8 } from "../../proto/encoding/bytes.ts";
import { encodeKeysets } from "../../proto/evidence/export.ts";
import { encodeProof, holdsEntry, parseProof } from "../../proto/evidence/proof.ts";
import { proveJob, verifyProof } from "../../sdk/verify/prove.ts";
import { examineFolders } from "../../sdk/verify/verify.ts";
import { BANK, JOB, originOf, PARTNER, runJob, type TestParty } from "../support/evidence-world.ts";

const keysetOf = ({ name, keys, keyset }: TestParty) => ({
  ...{ party: name, identity: keys.identity.publicKey, envelope: keyset },
});
const KEYSETS = encodeKeysets([BANK, PARTNER].map(keysetOf));
const PRINTS = [BANK, PARTNER].map(({ keys }) => fingerprint(keys.identity.publicKey));

async function proofs(script: Parameters<typeof runJob>[0] = {}) {
  const { files, dirs } = await runJob(script);
  const made = await proveJob(await examineFolders(dirs, { files }), JOB.jobId);
  return new Map(made.map(({ path, bytes }) => [path, bytes]));
}

test("a job's proofs verify by themselves, from the request to the release", async () => {
  const made = await proofs({ padding: 300 });
  expect([...made.keys()]).toEqual([
    ...[301, 302, 303, 304, 305, 306].map(
      (index, i) =>
        `bank-0${index}-${["job-requested", "policy-decision", "partition-finished", "partition-finished", "receipt", "opened"][i]}.tlog-proof`,
    ),
    "partner-0001-job-requested.tlog-proof",
    "partner-0002-policy-decision.tlog-proof",
    "partner-0003-partition-finished.tlog-proof",
    "partner-0004-partition-finished.tlog-proof",
    "partner-0005-receipt.tlog-proof",
    "partner-0006-gate-key-released.tlog-proof",
  ]);
  for (const bytes of made.values())
    expect(verifyProof(bytes, { keysets: KEYSETS, trust: PRINTS })).toMatchObject({
      verdict: "verified",
      trusted: true,
    });
  expect(verifyProof(made.get("bank-0305-receipt.tlog-proof") as Uint8Array, { keysets: KEYSETS })).toMatchObject({
    ...{ verdict: "verified", trusted: false, origin: originOf(BANK), index: 305, event: "receipt" },
    cosigned: [{ by: "partner", at: "2026-05-01T00:00:00.000Z" }],
    statement: { predicate: { job: JOB } },
  });
});

test("the file is as the specification shows it", async () => {
  const bytes = (await proofs()).get("bank-0005-receipt.tlog-proof") as Uint8Array;
  const lines = fromUtf8(bytes).split("\n");
  expect(lines[0]).toBe("c2sp.org/tlog-proof@v1");
  expect(lines[1]).toMatch(/^extra [A-Za-z0-9+/]+=*$/);
  expect(lines[2]).toBe("index 5");
  expect(lines.slice(3, 6).every((line) => /^[A-Za-z0-9+/]{43}=$/.test(line))).toBe(true);
  expect(lines.slice(6, 9)).toEqual(["", originOf(BANK), "7"]);
  expect(encodeProof(parseProof(bytes))).toEqual(bytes);
  expect(holdsEntry(parseProof(bytes))).toMatchObject({ origin: originOf(BANK), size: 7 });
});

test("any changed byte of it proves nothing", async () => {
  const bytes = (await proofs()).get("bank-0006-opened.tlog-proof") as Uint8Array;
  for (let at = 0; at < bytes.length; at += 7) {
    const changed = bytes.with(at, (bytes[at] as number) ^ (1 << (at % 8)));
    expect(verifyProof(changed, { keysets: KEYSETS }).verdict, `byte ${at}`).not.toBe("verified");
  }
});

describe("what is not enough", () => {
  test("a checkpoint that nobody else cosigned", async () => {
    const made = await proofs({ without: ["cosign", "final cosign"] });
    const report = verifyProof(made.get("bank-0005-receipt.tlog-proof") as Uint8Array, { keysets: KEYSETS });
    expect([report.verdict, report.why]).toEqual(["incomplete", "Nobody else has cosigned that checkpoint."]);
  });

  test("identities that the auditor does not trust, and keysets of others", async () => {
    const bytes = (await proofs()).get("bank-0005-receipt.tlog-proof") as Uint8Array;
    expect(verifyProof(bytes, { keysets: KEYSETS, trust: PRINTS.slice(1) }).verdict).toBe("tampered");
    expect(verifyProof(bytes, { keysets: encodeKeysets([keysetOf(PARTNER)]) }).why).toContain(
      "not signed by the log key",
    );
    expect(verifyProof(bytes, { keysets: utf8("[]") }).verdict).toBe("tampered");
    expect(() => verifyProof(bytes, { keysets: KEYSETS, trust: ["bank"] })).toThrow(
      expect.objectContaining({ code: "BAD_REQUEST" }),
    );
  });

  test("an entry at another place, another entry, a path that is none", async () => {
    const proof = parseProof((await proofs()).get("bank-0005-receipt.tlog-proof") as Uint8Array);
    const changes = [
      { index: 4 },
      { index: 7 },
      { entry: utf8("another") },
      { path: proof.path.slice(1) },
      { path: [...proof.path, new Uint8Array(32)] },
    ];
    for (const change of changes)
      expect(verifyProof(encodeProof({ ...proof, ...change }), { keysets: KEYSETS }).verdict).toBe("tampered");
  });

  test("text that is no proof", () => {
    for (const text of [
      "",
      "x",
      "c2sp.org/tlog-proof@v1\nindex 0\n\n",
      "c2sp.org/tlog-proof@v1\nextra AA==\nindex 00\n\nx\n",
    ])
      expect(() => parseProof(utf8(text))).toThrow(expect.objectContaining({ code: "WIRE_INVALID" }));
  });
});

test("no log knows an unknown job", async () => {
  const { files, dirs } = await runJob();
  expect(await proveJob(await examineFolders(dirs, { files }), "00".repeat(16))).toEqual([]);
});
