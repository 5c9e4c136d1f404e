/** What a process reads from its own folder: damaged by a disk or a hand, or put there by somebody else. */
import { openAuthority } from "../../../../coordinator/authority.ts";
import { readConfig as readCoordinatorConfig } from "../../../../coordinator/config.ts";
import { readKeys } from "../../../../coordinator/keys.ts";
import { readConfig } from "../../../../party/config.ts";
import { readEnrolment } from "../../../../party/enrolment.ts";
import { readHistory, readNext, readRecovery, readRecoveryKey } from "../../../../party/store/key-files.ts";
import { verifyKeyset } from "../../../../proto/agreement/keyset.ts";
import { encodeHistory } from "../../../../proto/agreement/keyset-history.ts";
import { openGcm } from "../../../../proto/encoding/aes-gcm.ts";
import { fromUtf8, toHex, utf8 } from "../../../../proto/encoding/bytes.ts";
import { EntenteError } from "../../../../proto/errors.ts";
import { partyId } from "../../../../proto/ids.ts";
import { readKeyText } from "../../../../proto/keys/key-source.ts";
import { openContent, openHeader, readHeader, sealContent, writeHeader } from "../../../../proto/keys/sealing.ts";
import { Secret } from "../../../../proto/keys/secret.ts";
import { nodePorts } from "../../../../proto/ports/node.ts";
import type { Files } from "../../../../proto/ports/ports.ts";
import { BANK } from "../../evidence-world.ts";
import { fixedRandom } from "../../fixed-random.ts";
import { MemoryFiles } from "../../memory-files.ts";
import { filled } from "../../session-messages.ts";
import { AUTHORITY_CERTIFICATE, AUTHORITY_KEY, CERTIFICATE_REQUEST } from "../made-authority.ts";
import type { FuzzTarget } from "../target.ts";

const FOLDER = "/node";
const json = (value: unknown) => utf8(JSON.stringify(value));
const random = { bytes: fixedRandom("stored") };

/** One file of a folder, read by what the process reads it with. */
function file(
  path: string,
  {
    form,
    seeds,
    covers,
    read,
    others = new Map(),
    oneIn = 1,
  }: {
    readonly form: FuzzTarget["form"];
    readonly seeds: readonly Uint8Array[];
    readonly covers: readonly unknown[];
    readonly read: (files: Files) => Promise<unknown>;
    readonly others?: ReadonlyMap<string, Uint8Array>;
    readonly oneIn?: number;
  },
): FuzzTarget {
  return {
    ...{ name: `stored/${path}`, form, seeds, covers, oneIn },
    async run(input) {
      const files = new MemoryFiles();
      for (const [other, content] of others) files.contents.set(other, content);
      files.contents.set(`${FOLDER}/${path}`, input);
      await read(files);
    },
  };
}

const config = { format: "entente-node/1", party: "bank", api: { host: "127.0.0.1", port: 7400 } };
const enrolment = {
  ...{ party: "bank", coordinator: "coordinator", endpoint: "127.0.0.1:7420", caPem: "a", certPem: "b", keyPem: "c" },
  ...{ coordinatorIdentity: toHex(filled(32)), coordinatorKeyset: "{}" },
};
const bankKeyset = verifyKeyset(BANK.keyset, BANK.keys.identity.publicKey);
const history = encodeHistory([{ keyset: BANK.keyset }]);
const seed = utf8(`${toHex(filled(32))}\n`);
const coordinatorKeys = new Map(
  ["identity", "session", "jobs", "log", "cosigner"].map((role, i) => [
    `${FOLDER}/keys/${role}.seed`,
    utf8(`${toHex(filled(32, i))}\n`),
  ]),
);

const authorityFiles = new MemoryFiles();
authorityFiles.contents.set(`${FOLDER}/ca/ca.pem`, utf8(AUTHORITY_CERTIFICATE));
authorityFiles.contents.set(`${FOLDER}/ca/ca-key.pem`, utf8(AUTHORITY_KEY));
const authority = await openAuthority({ ...nodePorts, files: authorityFiles }, FOLDER);

const folderKey = filled(32, 5);
const text = { kind: "key", key: new Secret(filled(32, 6)) } as const;
const header = writeHeader({ state: "sealed", text, folderKey, random });
const sealed = sealContent(folderKey, random, "keys/log.seed", seed);

export const STORED_TARGETS: readonly FuzzTarget[] = [
  file("node.json", {
    form: "json",
    seeds: [json(config)],
    covers: [readConfig],
    read: (files) => readConfig(files, FOLDER),
  }),
  file("coordinator.json", {
    form: "json",
    seeds: [
      json({
        format: "entente-coordinator/1",
        name: "coordinator",
        host: "127.0.0.1",
        port: 0,
        enrolPort: 0,
        logLevel: "info",
      }),
    ],
    covers: [readCoordinatorConfig],
    read: (files) => readCoordinatorConfig(files, FOLDER),
  }),
  file("enrolment.json", {
    form: "json",
    seeds: [json(enrolment)],
    covers: [readEnrolment],
    read: (files) => readEnrolment(files, FOLDER),
  }),
  file("keys/keysets.json", {
    form: "json",
    seeds: [history],
    covers: [readHistory],
    read: (files) => readHistory({ ...nodePorts, files }, `${FOLDER}/keys`),
  }),
  file("keys/next-keyset.json", {
    form: "json",
    seeds: [history],
    covers: [readNext],
    read: (files) => readNext({ ...nodePorts, files }, `${FOLDER}/keys`, { records: [], verified: [bankKeyset] }),
  }),
  file("keys/recovery.public", {
    form: "bytes",
    seeds: [filled(32)],
    covers: [readRecovery],
    read: (files) => readRecovery({ ...nodePorts, files }, `${FOLDER}/keys`),
  }),
  {
    name: "recovery key",
    form: "text",
    seeds: [seed],
    covers: [readRecoveryKey],
    run(input) {
      if (readRecoveryKey(partyId("bank"), fromUtf8(input)) === undefined) throw new EntenteError("BAD_REQUEST");
    },
  },
  file("keys/identity.seed", {
    form: "text",
    oneIn: 4,
    seeds: [seed],
    covers: [readKeys],
    others: coordinatorKeys,
    read: (files) => readKeys({ files, clock: nodePorts.clock }, FOLDER, partyId("coordinator")),
  }),
  ...["ca/ca.pem", "ca/ca-key.pem"].map((path) =>
    file(path, {
      form: "text",
      oneIn: 10,
      seeds: [authorityFiles.contents.get(`${FOLDER}/${path}`) as Uint8Array],
      covers: [openAuthority],
      others: authorityFiles.contents,
      read: (files) => openAuthority({ ...nodePorts, files }, FOLDER),
    }),
  ),
  {
    // Not a file, but read by the same library: what a party enrols with.
    name: "certificate request",
    form: "bytes",
    oneIn: 20,
    seeds: [CERTIFICATE_REQUEST],
    covers: [authority.issueParty],
    run: async (input) => void (await authority.issueParty(partyId("bank"), input, 60_000)),
  },
  {
    name: "stored/keys/sealing.json",
    form: "json",
    oneIn: 4,
    seeds: [header],
    covers: [readHeader, openHeader, openGcm],
    run(input) {
      const read = readHeader(input);
      // scrypt takes half a second by design.
      if (read.kdf.name === "none") openHeader(read, text);
    },
  },
  {
    name: "stored/keys/log.seed",
    form: "bytes",
    seeds: [sealed],
    covers: [openContent],
    run: (input) => void openContent(folderKey, "keys/log.seed", input),
  },
  {
    name: "operator's key",
    form: "text",
    seeds: [toHex(filled(32)), filled(32).toBase64(), "passphrase: correct horse battery staple"].map(utf8),
    covers: [readKeyText],
    async run(input) {
      const files = new MemoryFiles();
      files.contents.set("/secrets/key", input);
      await readKeyText(files, FOLDER, { kind: "file", path: "/secrets/key" });
    },
  },
];
