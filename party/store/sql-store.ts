/** What a node keeps, in a database of either kind. */
import type { JobEvent } from "../jobs/lifecycle.ts";
import { SqlFeeds } from "./sql-feeds.ts";
import { upsert } from "./sql-tables.ts";
import type {
  AgreementRecord,
  DatasetRecord,
  DenialRecord,
  PeerRecord,
  RevocationRecord,
  SegmentRecord,
  SegmentStanding,
  Store,
  TokenRecord,
  WitnessRecord,
} from "./store.ts";

const TOKEN_COLUMNS = [
  "tokenId",
  "hash",
  "person",
  "roles",
  "createdAt",
  "createdBy",
  "expiresAt",
  "revokedAt",
  "lastUsedOn",
];
const SEGMENT_COLUMNS = ["name", "version", "dataset", "kind", "definedAt", "definedBy", "sealed"];
const TOKENS = `SELECT ${TOKEN_COLUMNS.join(", ")} FROM token`;

const PUT_SETTING = upsert("setting", ["key"], ["value"]);
const PUT_PEER = upsert("peer", ["party"], ["identity", "confirmedAt"]);
const PUT_DATASET = upsert("dataset", ["name"], ["version", "registration", "registeredAt"]);
const PUT_AGREEMENT = upsert("agreement", ["digest"], ["collaboration", "envelope", "receivedAt"]);
const PUT_JOB_DOCUMENT = upsert("job_document", ["jobId", "kind"], ["text"]);
const PUT_JOB_SECRET = upsert("job_secret", ["jobId", "name"], ["sealed"]);
const PUT_STANDING = upsert(
  "segment_standing",
  ["name"],
  ["publishedVersion", "description", "publishedAt", "retiredAt", "publishedTo"],
);

export class SqlStore extends SqlFeeds implements Store {
  async setting(key: string): Promise<string | undefined> {
    return (await this.db.get<{ value: string }>("SELECT value FROM setting WHERE key = ?", key))?.value;
  }

  async putSetting(key: string, value: string): Promise<void> {
    await this.db.run(PUT_SETTING, key, value);
  }

  async eraseSetting(key: string): Promise<void> {
    await this.db.run("DELETE FROM setting WHERE key = ?", key);
    await this.db.forget();
  }

  async peers(): Promise<PeerRecord[]> {
    return this.db.all("SELECT party, identity, confirmedAt FROM peer ORDER BY party");
  }

  async putPeer({ party, identity, confirmedAt }: PeerRecord): Promise<void> {
    await this.db.run(PUT_PEER, party, identity, confirmedAt);
  }

  async datasets(): Promise<DatasetRecord[]> {
    return this.db.all("SELECT name, version, registration, registeredAt FROM dataset ORDER BY name");
  }

  async putDataset({ name, version, registration, registeredAt }: DatasetRecord): Promise<void> {
    await this.db.run(PUT_DATASET, name, version, registration, registeredAt);
  }

  async segments(): Promise<SegmentRecord[]> {
    return this.db.all(`SELECT ${SEGMENT_COLUMNS.join(", ")} FROM segment ORDER BY name, version`);
  }

  async addSegment(segment: SegmentRecord): Promise<boolean> {
    const { name, version, dataset, kind, definedAt, definedBy, sealed } = segment;
    const row = [name, version, dataset, kind, definedAt, definedBy, sealed];
    return (await this.db.insert("segment", SEGMENT_COLUMNS, [row], { ignore: true })) > 0;
  }

  async segmentStandings(): Promise<SegmentStanding[]> {
    const rows = await this.db.all<
      Record<"name" | "description" | "publishedAt" | "publishedTo", string> & {
        publishedVersion: number | null;
        retiredAt: string | null;
      }
    >(
      "SELECT name, publishedVersion, description, publishedAt, publishedTo, retiredAt FROM segment_standing ORDER BY name",
    );
    return rows.map(({ name, publishedVersion: version, description, publishedAt: at, publishedTo, retiredAt }) => ({
      name,
      published: version === null ? null : { version, description, at, to: JSON.parse(publishedTo) },
      retiredAt,
    }));
  }

  async putSegmentStanding({ name, published, retiredAt }: SegmentStanding): Promise<void> {
    const { version = null, description = null, at = null } = published ?? {};
    const to = JSON.stringify(published?.to ?? []);
    await this.db.run(PUT_STANDING, name, version, description, at, retiredAt, to);
  }

  async agreements(): Promise<AgreementRecord[]> {
    return this.db.all(
      "SELECT digest, collaboration, envelope, receivedAt FROM agreement ORDER BY receivedAt DESC, digest",
    );
  }

  async agreement(digest: string): Promise<AgreementRecord | undefined> {
    return this.db.get("SELECT digest, collaboration, envelope, receivedAt FROM agreement WHERE digest = ?", digest);
  }

  async putAgreement({ digest, collaboration, envelope, receivedAt }: AgreementRecord): Promise<void> {
    await this.db.run(PUT_AGREEMENT, digest, collaboration, envelope, receivedAt);
  }

  async revocations(): Promise<RevocationRecord[]> {
    const rows = await this.db.all<Omit<RevocationRecord, "delivered"> & { delivered: number }>(
      "SELECT agreement, by, envelope, delivered FROM revocation ORDER BY agreement",
    );
    return rows.map((row) => ({ ...row, delivered: row.delivered === 1 }));
  }

  async putRevocation({ agreement, by, envelope, delivered }: RevocationRecord): Promise<void> {
    await this.db.run(
      `INSERT INTO revocation (agreement, by, envelope, delivered) VALUES (?, ?, ?, ?)
       ON CONFLICT (agreement) DO UPDATE SET delivered = excluded.delivered WHERE revocation.delivered = 0`,
      ...[agreement, by, envelope, delivered ? 1 : 0],
    );
  }

  async jobIds(): Promise<string[]> {
    const rows = await this.db.all<{ jobId: string }>("SELECT jobId FROM job_event WHERE seq = 0 ORDER BY id DESC");
    return rows.map((row) => row.jobId);
  }

  async jobEvents(jobId: string): Promise<JobEvent[]> {
    const events = "SELECT event FROM job_event WHERE jobId = ? ORDER BY seq";
    return (await this.db.all<{ event: string }>(events, jobId)).map((row) => JSON.parse(row.event) as JobEvent);
  }

  async appendJobEvent(jobId: string, expectedLength: number, event: JobEvent): Promise<boolean> {
    // Of two at once that find the same length, the key lets one pass.
    const written = await this.db.run(
      `INSERT INTO job_event (jobId, seq, event) SELECT ?, ?, ?
       WHERE (SELECT count(*) FROM job_event WHERE jobId = ?) = ? ON CONFLICT DO NOTHING`,
      ...[jobId, expectedLength, JSON.stringify(event), jobId, expectedLength],
    );
    return written === 1;
  }

  async replaceLastJobEvent(jobId: string, event: JobEvent): Promise<void> {
    await this.db.run(
      "UPDATE job_event SET event = ? WHERE jobId = ? AND seq = (SELECT max(seq) FROM job_event WHERE jobId = ?)",
      ...[JSON.stringify(event), jobId, jobId],
    );
    await this.db.forget();
  }

  async putJobDocument(jobId: string, kind: string, text: string): Promise<void> {
    await this.db.run(PUT_JOB_DOCUMENT, jobId, kind, text);
  }

  async jobDocument(jobId: string, kind: string): Promise<string | undefined> {
    const document = "SELECT text FROM job_document WHERE jobId = ? AND kind = ?";
    return (await this.db.get<{ text: string }>(document, jobId, kind))?.text;
  }

  async putJobSecret(jobId: string, name: string, sealed: Uint8Array): Promise<void> {
    await this.db.run(PUT_JOB_SECRET, jobId, name, sealed);
  }

  async jobSecret(jobId: string, name: string): Promise<Uint8Array | undefined> {
    const secret = "SELECT sealed FROM job_secret WHERE jobId = ? AND name = ?";
    return (await this.db.get<{ sealed: Uint8Array }>(secret, jobId, name))?.sealed;
  }

  async destroyJobSecrets(jobId: string): Promise<void> {
    await this.db.run("DELETE FROM job_secret WHERE jobId = ?", jobId);
    await this.db.forget();
  }

  async keepJobSecretsOf(jobIds: ReadonlySet<string>): Promise<void> {
    const stored = await this.db.all<{ jobId: string }>("SELECT DISTINCT jobId FROM job_secret");
    for (const { jobId } of stored) if (!jobIds.has(jobId)) await this.destroyJobSecrets(jobId);
  }

  async witness(origin: string): Promise<WitnessRecord | undefined> {
    return this.db.get("SELECT origin, size, root, note FROM witness WHERE origin = ?", origin);
  }

  async witnesses(below: string): Promise<WitnessRecord[]> {
    // "0" is the character after "/".
    const among = "SELECT origin, size, root, note FROM witness WHERE origin > ? AND origin < ? ORDER BY origin";
    return this.db.all(among, `${below}/`, `${below}0`);
  }

  async putWitness({ origin, size, root, note }: WitnessRecord, expectedSize: number): Promise<boolean> {
    return this.db.transaction(async (sql) => {
      const known = await sql.get<{ size: number }>("SELECT size FROM witness WHERE origin = ?", origin);
      if ((known?.size ?? 0) !== expectedSize) return false;
      await sql.run(upsert("witness", ["origin"], ["size", "root", "note"]), origin, size, root, note);
      return true;
    });
  }

  async tokens(): Promise<TokenRecord[]> {
    return this.db.all(`${TOKENS} ORDER BY id`);
  }

  async tokenByHash(hash: string): Promise<TokenRecord | undefined> {
    return this.db.get(`${TOKENS} WHERE hash = ?`, hash);
  }

  async addToken(token: TokenRecord): Promise<void> {
    const { tokenId, hash, person, roles, createdAt, createdBy, expiresAt, revokedAt, lastUsedOn } = token;
    const row = [tokenId, hash, person, roles, createdAt, createdBy, expiresAt, revokedAt, lastUsedOn];
    await this.db.insert("token", TOKEN_COLUMNS, [row]);
  }

  async revokeToken(tokenId: string, revokedAt: string): Promise<boolean> {
    const revoke = "UPDATE token SET revokedAt = coalesce(revokedAt, ?) WHERE tokenId = ?";
    return (await this.db.run(revoke, revokedAt, tokenId)) > 0;
  }

  async setTokenUse(tokenId: string, lastUsedOn: string): Promise<void> {
    await this.db.run("UPDATE token SET lastUsedOn = ? WHERE tokenId = ?", lastUsedOn, tokenId);
  }

  async removeTokens(of: { person: string; createdBy: string; endedBefore: string }): Promise<void> {
    const { person, createdBy, endedBefore } = of;
    const remove = "DELETE FROM token WHERE person = ? AND createdBy = ? AND expiresAt < ?";
    await this.db.run(remove, person, createdBy, endedBefore);
  }

  async addDenials(denials: readonly DenialRecord[], maxRecords: number): Promise<void> {
    await this.db.transaction(async (sql) => {
      for (const { at, tokenId, person, route, code, count } of denials)
        await sql.run(
          `INSERT INTO denial (at, tokenId, person, route, code, count) VALUES (?, ?, ?, ?, ?, ?)
           ON CONFLICT (at, coalesce(tokenId, ''), coalesce(route, ''), code)
           DO UPDATE SET count = denial.count + excluded.count`,
          ...[at, tokenId, person, route, code, count],
        );
      await sql.run(
        "DELETE FROM denial WHERE id <= (SELECT id FROM denial ORDER BY id DESC LIMIT 1 OFFSET ?)",
        maxRecords,
      );
    });
  }

  async denials(): Promise<DenialRecord[]> {
    return this.db.all("SELECT at, tokenId, person, route, code, count FROM denial ORDER BY id DESC");
  }

  async close(): Promise<void> {
    await this.db.close();
  }
}
