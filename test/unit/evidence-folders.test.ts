/** Which folders are looked at together, and what an auditor brings along: checkpoints, a coordinator's log. */
import { describe, expect, test } from "vitest";
import { fromUtf8, utf8 } from "../../proto/encoding/bytes.ts";
import { encodeEnvelope } from "../../proto/encoding/dsse.ts";
import { signCheckpoint } from "../../proto/evidence/checkpoint.ts";
import { cosign } from "../../proto/evidence/cosignature.ts";
import { encodeKeysets, exportBundle, logFolder } from "../../proto/evidence/export.ts";
import { EvidenceLog } from "../../proto/evidence/log.ts";
import { encodeNote, parseNote } from "../../proto/evidence/note.ts";
import { snapshotLog } from "../../proto/evidence/snapshot.ts";
import { withBundles } from "../../sdk/verify/bundles.ts";
import { splitNotes } from "../../sdk/verify/since.ts";
import { verifyFolders } from "../../sdk/verify/verify.ts";
import {
  AGREEMENT,
  AT,
  BANK,
  type Exports,
  originOf,
  PARTNER,
  remakeManifest,
  runJob,
  type TestParty,
  testHash,
  testParty,
} from "../support/evidence-world.ts";
import { MemoryFiles } from "../support/memory-files.ts";

const HUB = testParty("hub");
const keysetOf = ({ name, keys, keyset }: TestParty) => ({
  ...{ party: name, identity: keys.identity.publicKey, envelope: keyset },
});
const bankFile = (path: string) => `/export/bank/logs/${logFolder(originOf(BANK))}/${path}`;

/** The coordinator's export of its log with the given entries, in the folder `/export/hub`. */
async function hubExport({ files }: Exports, entries: readonly Uint8Array[]): Promise<void> {
  const log = await EvidenceLog.open({ files, folder: "/node/hub", origin: originOf(HUB), key: HUB.keys.log });
  if (entries.length > 0) await log.append(entries);
  const bundle = exportBundle({
    ...{ collaboration: AGREEMENT.collaboration, exportingParty: HUB.name },
    keysets: [HUB, BANK, PARTNER].map(keysetOf),
    ...{ agreements: [], revocations: [], forks: [], openings: [], witnessed: [] },
    logs: [await snapshotLog(files, "/node/hub")],
  });
  for (const { path, bytes } of bundle) files.contents.set(`/export/hub/${path}`, bytes);
}

async function receiptOfBank({ files }: Exports): Promise<Uint8Array> {
  const log = await EvidenceLog.open({ files, folder: "/node/bank", origin: originOf(BANK), key: BANK.keys.log });
  return log.entry(5);
}

describe("a folder of exports", () => {
  test("is verified as its folders are", async () => {
    const { files, dirs } = await runJob();
    const [whole, each] = [await verifyFolders(["/export"], { files }), await verifyFolders(dirs, { files })];
    expect(whole).toEqual(each);
    expect(whole.verdict).toBe("verified");
  });

  test.each([
    ["a file", "/export/notes.txt"],
    ["a hidden file", "/export/.DS_Store"],
    ["a folder that is no export", "/export/old/readme"],
  ])("with %s beside them is tampering", async (_, path) => {
    const { files } = await runJob();
    files.contents.set(path, utf8("x"));
    const { verdict, firstProblem } = await verifyFolders(["/export"], { files });
    expect([verdict, firstProblem?.code, firstProblem?.folder]).toEqual(["tampered", "FILE_EXTRA", "/export"]);
  });

  test("three exports, the coordinator's among them", async () => {
    const exports = await runJob();
    await hubExport(exports, [await receiptOfBank(exports)]);
    const report = await verifyFolders(["/export"], { files: exports.files, requireOpenings: true });
    expect(report.problems).toEqual([]);
    expect(report.summary.logs.map(({ origin, entries }) => [origin, entries])).toEqual([
      [originOf(BANK), 7],
      [originOf(HUB), 1],
      [originOf(PARTNER), 7],
    ]);
    // By itself it holds together, and lacks what it is about.
    const alone = await verifyFolders(["/export/hub"], { files: exports.files });
    expect([alone.verdict, alone.firstProblem?.code]).toEqual(["incomplete", "LOG_MISSING"]);
  });

  test("a coordinator that shows another receipt than the parties' contradicts them", async () => {
    const exports = await runJob();
    const other = await runJob({ receipt: { sizeClasses: { receiver: 80, sender: 95 } } });
    await hubExport(exports, [await receiptOfBank(other)]);
    const { verdict, firstProblem } = await verifyFolders(["/export"], { files: exports.files });
    expect([verdict, firstProblem?.code]).toEqual(["tampered", "LOGS_DISAGREE"]);
  });
});

describe("a snapshot of a log that is being written", () => {
  test("is of one moment, though the files change while they are read", async () => {
    const files = new MemoryFiles();
    const log = await EvidenceLog.open({ files, folder: "/log", origin: originOf(BANK), key: BANK.keys.log });
    await log.append([utf8("a"), utf8("b")]);
    let reads = 0;
    const racing = {
      ...files,
      read: async (path: string) => {
        if (++reads === 3) await log.append([utf8("c")]);
        return files.read(path);
      },
    } as unknown as MemoryFiles;
    const { origin, files: taken } = await snapshotLog(racing, "/log");
    expect([origin, taken]).toEqual([originOf(BANK), await log.exportFiles()]);
    expect(reads).toBeGreaterThan(4);
  });

  test("there is none, and one that does not fit together", async () => {
    const files = new MemoryFiles();
    await expect(snapshotLog(files, "/log")).rejects.toThrow(expect.objectContaining({ code: "NOT_FOUND" }));
    const log = await EvidenceLog.open({ files, folder: "/log", origin: originOf(BANK), key: BANK.keys.log });
    await log.append([utf8("a")]);
    files.contents.set("/log/tile/entries/000.p/1", new Uint8Array([0, 1, 98]));
    await expect(snapshotLog(files, "/log")).rejects.toThrow(expect.objectContaining({ code: "LOG_CORRUPT" }));
  });
});

describe("checkpoints that the auditor kept", () => {
  const sinceOf = (exports: Exports, ...paths: string[]) =>
    splitNotes(utf8(paths.map((path) => fromUtf8(exports.files.contents.get(path) as Uint8Array)).join("")));

  test("of the log's past change nothing", async () => {
    const exports = await runJob();
    const early = await runJob({ without: ["receipt", "cosign", "final cosign", "openings"] });
    const since = [
      ...sinceOf(early, bankFile("checkpoint")),
      ...sinceOf(exports, bankFile("cosigned"), bankFile("checkpoint")),
    ];
    expect(since).toHaveLength(3);
    expect((await verifyFolders(["/export"], { files: exports.files, since })).problems).toEqual([]);
  });

  test("of a longer log show that the export is old, or cut off", async () => {
    const early = await runJob({ without: ["receipt", "cosign", "final cosign", "openings"] });
    const since = sinceOf(await runJob(), bankFile("checkpoint"));
    const { problems } = await verifyFolders(["/export"], { files: early.files, since });
    expect(problems).toContainEqual(
      expect.objectContaining({ code: "LOG_SHORT", log: originOf(BANK), why: "you have seen it at 7 entries" }),
    );
  });

  test("of another history are proof of a rewritten log", async () => {
    const exports = await runJob();
    const forked = signCheckpoint({ origin: originOf(BANK), size: 3, root: new Uint8Array(32) }, BANK.keys.log);
    const report = await verifyFolders(["/export"], { files: exports.files, since: [encodeNote(forked)] });
    expect(report.firstProblem).toMatchObject({ code: "SINCE_BROKEN", why: "the log is not what it was at 3 entries" });
    expect(report.verdict).toBe("tampered");
  });

  test("by another key, or of a log that is not here", async () => {
    const exports = await runJob();
    const since = (party: TestParty, origin: string) => [
      encodeNote(signCheckpoint({ origin, size: 3, root: new Uint8Array(32) }, party.keys.log)),
    ];
    const told = async (notes: Uint8Array[]) =>
      (await verifyFolders(["/export"], { files: exports.files, since: notes })).firstProblem?.code;
    expect(await told(since(PARTNER, originOf(BANK)))).toBe("SINCE_BROKEN");
    expect(await told(since(BANK, originOf(BANK).replace("2026", "2025")))).toBe("LOG_MISSING");
  });

  test("a file of anything else is none", async () => {
    const exports = await runJob();
    const note = exports.files.contents.get(bankFile("checkpoint")) as Uint8Array;
    for (const bytes of [
      utf8(""),
      utf8("x"),
      note.slice(1, -1),
      utf8(`${fromUtf8(note)}\n`),
      utf8(`\n${fromUtf8(note)}`),
    ])
      expect(() => splitNotes(bytes)).toThrow(expect.objectContaining({ code: "WIRE_INVALID" }));
  });
});

describe("cosignatures", () => {
  test("of the coordinator alone do not stand for the other party's", async () => {
    const { files, dirs } = await runJob();
    const { text, signatures } = parseNote(files.contents.get(bankFile("cosigned")) as Uint8Array);
    const byHub = cosign(text, HUB.keys.cosigner, Date.parse(AT) / 1000);
    const [own] = signatures;
    files.contents.set(bankFile("cosigned"), encodeNote({ text, signatures: [own as NonNullable<typeof own>, byHub] }));
    files.contents.set("/export/bank/keysets.json", encodeKeysets([BANK, PARTNER, HUB].map(keysetOf)));
    remakeManifest(files, "/export/bank", BANK);
    const { verdict, firstProblem, summary } = await verifyFolders(dirs, { files });
    expect([verdict, firstProblem?.code, firstProblem?.why]).toEqual(["incomplete", "NOT_COSIGNED", "by partner"]);
    expect(summary.logs[0]?.cosignedSize).toBe(0);
  });

  test("a folder without the keysets of the collaboration's parties is none", async () => {
    const { files, dirs } = await runJob();
    files.contents.set("/export/bank/keysets.json", encodeKeysets([BANK, HUB].map(keysetOf)));
    remakeManifest(files, "/export/bank", BANK);
    const { firstProblem } = await verifyFolders([dirs[0]], { files });
    expect(firstProblem?.code).toBe("AGREEMENT_INVALID");
  });
});

describe("what an exporter cosigned of others' logs", () => {
  const witness = (exports: Exports, size: number, root: Uint8Array, party = PARTNER) => {
    const note = encodeNote(signCheckpoint({ origin: originOf(PARTNER), size, root }, party.keys.log));
    exports.files.contents.set(`/export/bank/witnessed/${logFolder(originOf(PARTNER))}`, note);
    remakeManifest(exports.files, "/export/bank", BANK);
    return verifyFolders(["/export"], { files: exports.files });
  };

  test("contradicts a log that was rewritten, and one that was cut off", async () => {
    const exports = await runJob();
    expect((await witness(exports, 3, new Uint8Array(32))).firstProblem?.code).toBe("LOGS_DISAGREE");
    expect((await witness(exports, 9, new Uint8Array(32))).firstProblem?.code).toBe("LOG_SHORT");
    expect((await witness(exports, 3, new Uint8Array(32), BANK)).firstProblem?.code).toBe("CHECKPOINT_INVALID");
  });

  test("says nothing when the log is what it was", async () => {
    const exports = await runJob();
    const log = await EvidenceLog.open({
      ...{ files: exports.files, folder: "/node/partner", origin: originOf(PARTNER), key: PARTNER.keys.log },
    });
    expect((await witness(exports, 4, Uint8Array.fromHex(log.rootAt(4)))).verdict).toBe("verified");
  });
});

test("an envelope under another digest's name is no agreement", async () => {
  const { files, dirs } = await runJob();
  const path = `/export/bank/agreements/${AGREEMENT.digest}.json`;
  files.contents.set(`/export/bank/agreements/${testHash("x")}.json`, files.contents.get(path) as Uint8Array);
  files.contents.set(`/export/bank/revocations/${testHash("x")}.json`, encodeEnvelope(BANK.keyset));
  remakeManifest(files, "/export/bank", BANK);
  const { problems } = await verifyFolders(dirs, { files });
  expect(problems.map(({ code }) => code)).toEqual(["AGREEMENT_INVALID", "REVOCATION_INVALID"]);
});

describe("an export that came as one file", () => {
  const bundles = async (change: (contents: Map<string, Uint8Array>) => void) => {
    const { files } = await runJob();
    const contents = new Map<string, Uint8Array>();
    for (const [path, bytes] of files.contents)
      if (path.startsWith("/export/bank/")) contents.set(path.slice("/export/bank/".length), bytes);
    change(contents);
    const shown = withBundles(files, new Map([["/from/bank.jsonl", contents]]));
    return verifyFolders(["/from/bank.jsonl", "/export/partner"], { files: shown });
  };

  test("is verified as its folder is", async () => {
    expect(await bundles(() => {})).toMatchObject({ verdict: "verified", problems: [] });
  });

  test.each([
    ["FILE_MISSING", (contents: Map<string, Uint8Array>) => contents.delete("openings.json")],
    ["FILE_DIFFERS", (contents: Map<string, Uint8Array>) => contents.set("openings.json", utf8("{}"))],
    ["FILE_EXTRA", (contents: Map<string, Uint8Array>) => contents.set("../partner/manifest.json", utf8("{}"))],
    ["FILE_EXTRA", (contents: Map<string, Uint8Array>) => contents.set("a//b", utf8("{}"))],
    ["MANIFEST_INVALID", (contents: Map<string, Uint8Array>) => contents.clear()],
  ] as const)("%s", async (code, change) => {
    expect(await bundles(change)).toMatchObject({ verdict: "tampered", firstProblem: { code } });
  });
});
