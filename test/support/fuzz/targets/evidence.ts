/** Log entries, notes, checkpoints, proofs, tiles and the files of an export. */
import { concat, fromUtf8, toHex, utf8 } from "../../../../proto/encoding/bytes.ts";
import { canonicalJson, type Json } from "../../../../proto/encoding/canonical-json.ts";
import { EntenteError } from "../../../../proto/errors.ts";
import { readBundle, encodeBundle as writeBundle } from "../../../../proto/evidence/bundle.ts";
import {
  checkpointBody,
  openCheckpoint,
  parseCheckpointBody,
  signCheckpoint,
} from "../../../../proto/evidence/checkpoint.ts";
import { commit } from "../../../../proto/evidence/commitment.ts";
import { cosignatureTimeS, cosignatureVerifier, verifyCosignedHead } from "../../../../proto/evidence/cosignature.ts";
import { encodeKeysets, parseKeysets, parseManifest } from "../../../../proto/evidence/export.ts";
import { checkFork, encodeFork, parseFork } from "../../../../proto/evidence/fork.ts";
import { MerkleTree, verifyConsistency, verifyInclusion } from "../../../../proto/evidence/merkle.ts";
import {
  encodeNote,
  encodeSignatureLine,
  noteVerifier,
  parseNote,
  parseSignatureLine,
  verifyNote,
} from "../../../../proto/evidence/note.ts";
import {
  encodeOpenings,
  openingBytes,
  openingDomain,
  parseOpenings,
  readOpening,
} from "../../../../proto/evidence/openings.ts";
import { formatOrigin, parseOrigin } from "../../../../proto/evidence/origin.ts";
import {
  EVIDENCE_EVENTS,
  type EvidenceEvent,
  PREDICATES,
  type PredicateInput,
} from "../../../../proto/evidence/predicates.ts";
import { encodeProof, holdsEntry, parseProof } from "../../../../proto/evidence/proof.ts";
import {
  assembleEntry,
  parseStatement,
  signStatement,
  statementPayload,
  verifyStatement,
} from "../../../../proto/evidence/statements.ts";
import { encodeBundle, parseBundle, parseTilePath, tilePath } from "../../../../proto/evidence/tiles.ts";
import { decide } from "../../../../proto/evidence/witness.ts";
import { DifferenceSketch } from "../../../../proto/policy/sketch.ts";
import { verifyFolders } from "../../../../sdk/verify/verify.ts";
import { ABOUT_JOB, BANK, OPENINGS, remakeManifest, runJob } from "../../evidence-world.ts";
import { MemoryFiles } from "../../memory-files.ts";
import { filled } from "../../session-messages.ts";
import { samplesOf } from "../sample.ts";
import { comesBack, type FuzzTarget, isCanonical, NotReencoded } from "../target.ts";

const log = BANK.keys.log;
const jobs = BANK.keys.jobs;
const origin = `bank/${"0c".repeat(16)}/2026`;

/** An export as one file, cut in two on its way. */
const BUNDLE_FILE: FuzzTarget = {
  name: "evidence bundle",
  form: "text",
  seeds: [
    concat(
      ...writeBundle([
        { path: "manifest.json", bytes: utf8("{}") },
        { path: "logs/a/checkpoint", bytes: Uint8Array.of(0, 255, 10) },
      ]),
    ),
  ],
  covers: [readBundle],
  async run(input) {
    const files = await readBundle([input.slice(0, input.length >> 1), input.slice(input.length >> 1)]);
    const again = concat(...writeBundle([...files].map(([path, bytes]) => ({ path, bytes }))));
    if (Buffer.compare(again, input) !== 0) throw new NotReencoded("an accepted bundle is not its files' encoding");
  },
};

function statements(): FuzzTarget[] {
  return EVIDENCE_EVENTS.map((event): FuzzTarget => {
    const payloads = samplesOf(PREDICATES[event], event).map((predicate) =>
      statementPayload(event, ABOUT_JOB, predicate as PredicateInput<EvidenceEvent>),
    );
    const entryOf = (payload: Uint8Array) => assembleEntry(payload, [signStatement(payload, jobs)]);
    return {
      name: `statement/${event}`,
      form: "json",
      seeds: payloads,
      covers: [parseStatement, verifyStatement],
      run(payload) {
        const { envelope, statement } = parseStatement(entryOf(payload));
        verifyStatement(envelope, jobs);
        isCanonical(() => statement as unknown as Json, canonicalJson)(payload);
      },
    };
  });
}

const [payload] = [
  statementPayload("dataset-registered", ABOUT_JOB, {
    datasetCommitment: "ab".repeat(32),
    at: "2026-05-01T00:00:00.000Z",
  }),
];
const entry = assembleEntry(payload, [signStatement(payload, jobs)]);
const tree = new MerkleTree();
for (let i = 0; i < 5; i++) tree.appendEntry(i === 2 ? entry : filled(i + 1));
const checkpoint = { origin, size: tree.size, root: tree.root() };
const note = signCheckpoint(checkpoint, log);
const noteBytes = encodeNote(note);
const other = { ...checkpoint, root: filled(32) };
const fork = encodeFork({
  known: fromUtf8(noteBytes),
  offered: fromUtf8(encodeNote(signCheckpoint(other, log))),
  proof: [],
});
const proof = encodeProof({ entry, index: 2, path: tree.inclusionProof(2, 5), note });

const NOTES: readonly FuzzTarget[] = [
  {
    name: "note",
    form: "text",
    seeds: [noteBytes],
    covers: [parseNote, verifyNote],
    run(input) {
      isCanonical(parseNote, encodeNote)(input);
      verifyNote(parseNote(input), [noteVerifier(log)]);
    },
  },
  {
    name: "signature line",
    form: "text",
    seeds: note.signatures.map((one) => utf8(encodeSignatureLine(one))),
    covers: [parseSignatureLine],
    run: comesBack(
      (input) => parseSignatureLine(fromUtf8(input)),
      (value) => utf8(encodeSignatureLine(value)),
    ),
  },
  {
    name: "checkpoint",
    form: "text",
    seeds: [utf8(checkpointBody(checkpoint))],
    covers: [parseCheckpointBody, checkpointBody],
    run: isCanonical(
      (input) => parseCheckpointBody(fromUtf8(input)),
      (value) => utf8(checkpointBody(value)),
    ),
  },
  {
    // Signed by the log's own key, whatever it says: the owner is the one who lies.
    name: "signed checkpoint",
    form: "text",
    seeds: [utf8(checkpointBody(checkpoint))],
    covers: [openCheckpoint, decide],
    run(input) {
      const text = fromUtf8(input);
      const bytes = encodeNote({
        text,
        signatures: [{ ...(note.signatures[0] as (typeof note.signatures)[number]), signature: log.sign(input) }],
      });
      const decision = decide(
        { origin, size: 1, root: toHex(filled(32)) },
        { oldSize: 1, proof: [filled(32)], checkpoint: bytes },
        { origin, key: log },
      );
      if (decision.kind === "refused" && decision.error.code === "INTERNAL") throw decision.error.cause;
      openCheckpoint(bytes, { origin, verifiers: [noteVerifier(log)] });
    },
  },
  {
    name: "origin",
    form: "text",
    seeds: [origin, `${origin}-12`].map(utf8),
    covers: [parseOrigin],
    run: isCanonical(
      (input) => parseOrigin(fromUtf8(input)),
      (value) => utf8(formatOrigin(value)),
    ),
  },
  {
    name: "log proof",
    form: "text",
    seeds: [proof],
    covers: [parseProof],
    run(input) {
      isCanonical(parseProof, encodeProof)(input);
      holdsEntry(parseProof(input));
    },
  },
  {
    name: "fork",
    form: "json",
    seeds: [fork],
    covers: [parseFork, checkFork],
    run(input) {
      isCanonical(parseFork, encodeFork)(input);
      checkFork(parseFork(input), [log]);
    },
  },
  {
    name: "cosignature",
    form: "bytes",
    seeds: [Uint8Array.from({ length: 72 }, (_, i) => (i < 4 ? 0 : i))],
    covers: [cosignatureTimeS, verifyCosignedHead],
    run(input) {
      const head = { origin, size: 5, root: toHex(tree.root()), cosigner: "bank/log", cosignature: toHex(input) };
      verifyCosignedHead(head, log);
      cosignatureVerifier(log).verify(checkpointBody(checkpoint), input);
      cosignatureTimeS(input);
    },
  },
  {
    // Numbers and hashes that no caller has checked before.
    name: "tree proofs",
    form: "bytes",
    seeds: [Uint8Array.from([0, 0, 0, 5, 0, 0, 0, 2, ...filled(96)])],
    covers: [verifyInclusion, verifyConsistency],
    run(input) {
      const view = new DataView(input.buffer, input.byteOffset, input.length);
      const [size, index] = input.length < 8 ? [0, 0] : [view.getUint32(0) * 4096, view.getUint32(4)];
      const hashes = Array.from({ length: Math.floor(input.length / 32) }, (_, i) =>
        input.subarray(i * 32, i * 32 + 32),
      );
      const root = tree.root();
      verifyInclusion({ index, size, leaf: root, root, proof: hashes });
      verifyConsistency({ oldSize: index, size, oldRoot: root, root, proof: hashes });
    },
  },
  {
    name: "bundle",
    form: "bytes",
    seeds: [encodeBundle([entry, filled(3), filled(0)])],
    covers: [parseBundle],
    run: isCanonical((input) => parseBundle(input, 3), encodeBundle),
  },
  {
    name: "tile path",
    form: "text",
    seeds: ["tile/entries/000", "tile/0/x001/x234/067.p/3", "tile/2/000"].map(utf8),
    covers: [parseTilePath],
    run: isCanonical(
      (input) => {
        const tile = parseTilePath(fromUtf8(input));
        if (tile === undefined) throw new EntenteError("WIRE_INVALID");
        return tile;
      },
      (tile) => utf8(tilePath(tile)),
    ),
  },
  {
    name: "sketch",
    form: "bytes",
    seeds: [new DifferenceSketch().toBytes()],
    covers: [DifferenceSketch],
    oneIn: 20,
    run: comesBack(
      (input) => DifferenceSketch.fromBytes(input),
      (value) => value.toBytes(),
    ),
  },
];

const salt = filled(32, 9);
const OPENED_VALUES = {
  tags: openingBytes("tags", { count: 3, digest: "ab".repeat(32) }),
  tiers: openingBytes("tiers", [{ tier: "A", minScore: 1 }, { tier: "B" }]),
  model: openingBytes("model", "ab".repeat(32)),
} as const;

const OPENED: readonly FuzzTarget[] = [
  {
    name: "openings",
    form: "json",
    seeds: [encodeOpenings("bank", Object.values(OPENINGS.bank))],
    covers: [parseOpenings],
    run: isCanonical(parseOpenings, ({ party, openings }) => encodeOpenings(party, openings)),
  },
  // Committed to whatever it is: behind the commitment there is a reader, too.
  ...(["tags", "tiers", "model"] as const).map(
    (kind): FuzzTarget => ({
      name: `opening/${kind}`,
      form: "json",
      seeds: [OPENED_VALUES[kind]],
      covers: [readOpening],
      run(input) {
        const commitment = toHex(commit(salt, openingDomain(kind), input));
        readOpening({ kind, commitment, opened: { salt, value: input } });
      },
    }),
  ),
];

/** The bank's export: one file of it, by its path. */
const { files, dirs } = await runJob();
const exported = [...files.contents].filter(([path]) => path.startsWith("/export/bank/"));
const short = (path: string) => path.replace("/export/bank/", "").replaceAll(/[0-9a-f]{32,64}/g, "*");

function exports(): FuzzTarget[] {
  return exported.map(
    ([path, bytes]): FuzzTarget => ({
      name: `export/${short(path)}`,
      form: path.endsWith(".json") ? "json" : path.includes("/tile/") ? "bytes" : "text",
      seeds: [bytes],
      covers: [verifyFolders, parseManifest, parseKeysets],
      oneIn: 400,
      async run(input) {
        const changed = new MemoryFiles();
        for (const [name, content] of files.contents) changed.contents.set(name, name === path ? input : content);
        // The attacker knows the format: what the manifest lists is what is there.
        if (!path.endsWith("/manifest.json")) remakeManifest(changed, "/export/bank", BANK);
        const report = await verifyFolders(dirs, { files: changed });
        if (report.verdict !== "verified") throw new EntenteError("LOG_CORRUPT");
        // Nothing but what was exported is verified; a keyset that stands there twice says no more than once.
        if (!path.endsWith("/keysets.json") && Buffer.compare(input, bytes) !== 0)
          throw new Error("another file is verified");
      },
    }),
  );
}

const manifest = files.contents.get("/export/bank/manifest.json") as Uint8Array;
const keysets = files.contents.get("/export/bank/keysets.json") as Uint8Array;

export const EVIDENCE_TARGETS: readonly FuzzTarget[] = [
  BUNDLE_FILE,
  ...statements(),
  ...NOTES,
  ...OPENED,
  {
    name: "manifest",
    form: "json",
    seeds: [manifest],
    covers: [parseManifest],
    run: isCanonical(parseManifest, (given) => canonicalJson(given as unknown as Json)),
  },
  {
    name: "keysets",
    form: "json",
    seeds: [keysets],
    covers: [parseKeysets],
    run: isCanonical(parseKeysets, encodeKeysets),
  },
  {
    name: "entry",
    form: "json",
    seeds: [entry],
    covers: [parseStatement],
    run: (input) => void parseStatement(input),
  },
  ...exports(),
];
