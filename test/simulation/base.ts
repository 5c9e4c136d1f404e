/** What every simulation begins with: three processes that know each other, and agreements. Made once in a thread, by the product's own
 * steps, then copied. */
import { makeKeys, readKeys } from "../../coordinator/keys.ts";
import { keepEnrolment } from "../../party/enrolment.ts";
import { Keyring } from "../../party/store/keyring.ts";
import { fingerprint } from "../../proto/agreement/identity.ts";
import { certificateFingerprint } from "../../proto/codec/x509.ts";
import { encodeEnvelope } from "../../proto/encoding/dsse.ts";
import { partyId } from "../../proto/ids.ts";
import { Secret } from "../../proto/keys/secret.ts";
import { byteStream } from "./chance.ts";
import { ID_COLUMN } from "./data.ts";
import { DiskFiles } from "./disk.ts";
import { EPOCH_MS, type ProcessName } from "./process.ts";
import { openStore, StoreCopies, snapshotOf } from "./stores.ts";
import {
  COORDINATOR,
  certificateOf,
  type Disks,
  drive,
  ENDPOINT,
  folderOf,
  PARTIES,
  type PartyName,
  World,
} from "./world.ts";

/** Results of fewer people are withheld. */
export const RESULT_FLOOR = 2;
const YEAR_MS = 365 * 86_400_000;
const SETUP_LIMIT_MS = 600_000;

export interface Base {
  readonly files: Readonly<Record<ProcessName, DiskFiles>>;
  readonly stores: {
    readonly bank: StoreCopies<"party">;
    readonly bureau: StoreCopies<"party">;
    readonly coordinator: StoreCopies<"coordinator">;
  };
  /** Digest. */
  readonly agreement: string;
  /** Fingerprints of all three, as an auditor has them. */
  readonly trust: readonly string[];
  /** Virtual time when it was ready. */
  readonly atMs: number;
}

/** Floors lowered for lists of a few people; budgets for the days that a run may take. */
function agreement(): Record<string, unknown> {
  const id = { name: ID_COLUMN, role: "id", normaliser: "opaque", grade: 3, personal: true };
  const operation = {
    ...{ operation: "audience", receiver: "bank", receiverDataset: "customers", providerDataset: "repayments" },
    ...{ protocol: "psi-dh", outputs: ["list"] },
  };
  return {
    format: "entente-agreement/1",
    title: "Joint audience",
    purposes: [{ id: "offers", text: "Offer joint customers an instalment plan", legalBasis: "Separate consent" }],
    parties: [
      { name: "bank", roles: ["result-receiver", "result-user", "payer"] },
      { name: "bureau", roles: ["data-provider"] },
    ],
    datasets: [
      { party: "bank", name: "customers", columns: [id] },
      { party: "bureau", name: "repayments", columns: [id] },
    ],
    operations: [operation],
    floors: { input: 1, result: RESULT_FLOOR, sizeRatio: 1_000_000 },
    budgets: { runsPerEpoch: 1000, runsPerDay: 1000 },
    validFrom: "2020-01-01T00:00:00.000Z",
    validUntil: "2099-12-31T00:00:00.000Z",
  };
}

/** `tls`: with the certificates of the nodes' sessions. */
export async function makeBase(tls: boolean): Promise<Base> {
  const seed = "base";
  const disks: Disks = {
    bank: { files: new DiskFiles(), ...openStore("party") },
    bureau: { files: new DiskFiles(), ...openStore("party") },
    coordinator: { files: new DiskFiles(), ...openStore("coordinator") },
  };
  const world = new World({
    ...{ seed, disks, startMs: 0, tls, group: "easy", peopleOf: () => [] },
    plan: () => ({ partitions: 1, receiverCapacity: 1, senderCapacity: 1 }),
  });
  const { scheduler } = world;
  const done = <T>(work: Promise<T>) => drive(scheduler, work, SETUP_LIMIT_MS);
  const identities = await enrolAll(world);
  for (const name of ["coordinator", ...PARTIES] as const) world.start(name);
  await scheduler.run(() => world.isUp, SETUP_LIMIT_MS);
  const nodeOf = (party: PartyName) => {
    const node = world.node(party);
    if (node === undefined) throw new Error(`${party} is down`);
    return node.connected;
  };
  await done(nodeOf("bank").peers.confirm("bureau", identities.bureau));
  await done(nodeOf("bureau").peers.confirm("bank", identities.bank));
  const { digest } = await done(nodeOf("bank").agreements.propose(agreement()));
  await done(nodeOf("bureau").agreements.sign(digest));
  // What is still on its way comes to rest.
  const restMs = scheduler.nowMs + 130_000;
  await scheduler.run(() => scheduler.nowMs >= restMs, restMs + 120_000);
  return {
    files: { bank: disks.bank.files, bureau: disks.bureau.files, coordinator: disks.coordinator.files },
    stores: {
      bank: new StoreCopies("party", snapshotOf(disks.bank)),
      bureau: new StoreCopies("party", snapshotOf(disks.bureau)),
      coordinator: new StoreCopies("coordinator", snapshotOf(disks.coordinator)),
    },
    agreement: digest,
    trust: Object.values(identities),
    atMs: scheduler.nowMs,
  };
}

/** Keys and enrolments as the product keeps them; the certificates alone are none. Returns the fingerprints. */
async function enrolAll({ options: { disks } }: World): Promise<Record<ProcessName, string>> {
  const clock = { nowMs: () => EPOCH_MS, monotonicMs: () => 0 };
  const portsOf = (name: ProcessName) => ({
    ...{ clock, files: disks[name].files, random: { bytes: byteStream(`enrolment/${name}`) } },
    timers: { after: () => () => undefined },
  });
  const hub = portsOf("coordinator");
  await makeKeys(hub.files, hub.random, folderOf("coordinator"));
  const hubKeys = await readKeys(hub, folderOf("coordinator"), COORDINATOR);
  const found: Partial<Record<ProcessName, string>> = { coordinator: fingerprint(hubKeys.identity.publicKey) };
  for (const party of PARTIES) {
    const ports = portsOf(party);
    const keyring = await Keyring.open(ports, folderOf(party), party);
    const identityPublicKey = keyring.identity.publicKey;
    const keyset = encodeEnvelope(await keyring.firstKeyset());
    const secretHash = `invite of ${party}`;
    const expiresMs = EPOCH_MS + YEAR_MS;
    await disks.coordinator.store.addInvite({ secretHash, party: partyId(party), expiresMs });
    await disks.coordinator.store.enrol({
      ...{ secretHash, nowMs: EPOCH_MS, party: { party: partyId(party), identityPublicKey, keyset } },
      certificate: { fingerprint: certificateFingerprint(certificateOf(party).raw), notAfterMs: expiresMs },
    });
    await keepEnrolment(ports.files, folderOf(party), {
      ...{ party: partyId(party), coordinator: COORDINATOR, endpoint: ENDPOINT },
      ...{ caPem: "", certPem: "", keyPem: new Secret("") },
      ...{ coordinatorIdentity: hubKeys.identity.publicKey, coordinatorKeyset: hubKeys.keyset },
    });
    found[party] = fingerprint(identityPublicKey);
  }
  return found as Record<ProcessName, string>;
}

/** As it was; of the disks that were made before none is in use any more. */
export function disksFrom({ files, stores }: Base): Disks {
  return {
    bank: { files: new DiskFiles(files.bank), ...stores.bank.next() },
    bureau: { files: new DiskFiles(files.bureau), ...stores.bureau.next() },
    coordinator: { files: new DiskFiles(files.coordinator), ...stores.coordinator.next() },
  };
}
