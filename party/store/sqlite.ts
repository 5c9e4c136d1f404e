/** The embedded store: node:sqlite in WAL mode, synchronous=FULL, so that what was acknowledged survives a power loss. */
import { DatabaseSync } from "node:sqlite";
import { EntenteError } from "../../proto/errors.ts";
import type { JobEvent } from "../jobs/lifecycle.ts";
import { FEED_SCHEMA, SqliteFeeds } from "./sqlite-feeds.ts";
import { TAG_SCHEMA, TAG_UPGRADE } from "./sqlite-tags.ts";
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

const SEGMENT_TABLES = `
CREATE TABLE segment (
  name TEXT NOT NULL, version INTEGER NOT NULL, dataset TEXT NOT NULL, kind TEXT NOT NULL, definedAt TEXT NOT NULL,
  definedBy TEXT NOT NULL, sealed BLOB NOT NULL, PRIMARY KEY (name, version)
) STRICT;
CREATE TABLE segment_standing (
  name TEXT PRIMARY KEY, publishedVersion INTEGER, description TEXT, publishedAt TEXT, retiredAt TEXT
) STRICT;
`;

/** What was published before peers were named is published to nobody, until it is published anew. */
const SEGMENT_UPGRADE = "ALTER TABLE segment_standing ADD COLUMN publishedTo TEXT NOT NULL DEFAULT '[]';";

const SCHEMA_VERSION = 5;
const SCHEMA = `
CREATE TABLE setting (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE peer (party TEXT PRIMARY KEY, identity TEXT NOT NULL, confirmedAt TEXT NOT NULL) STRICT;
CREATE TABLE dataset (name TEXT PRIMARY KEY, version TEXT NOT NULL, registration TEXT NOT NULL, registeredAt TEXT NOT NULL) STRICT;
${SEGMENT_TABLES}
${SEGMENT_UPGRADE}
CREATE TABLE agreement (digest TEXT PRIMARY KEY, collaboration TEXT NOT NULL, envelope TEXT NOT NULL, receivedAt TEXT NOT NULL) STRICT;
CREATE TABLE revocation (agreement TEXT PRIMARY KEY, by TEXT NOT NULL, envelope TEXT NOT NULL, delivered INTEGER NOT NULL) STRICT;
CREATE TABLE job_event (jobId TEXT NOT NULL, seq INTEGER NOT NULL, event TEXT NOT NULL, PRIMARY KEY (jobId, seq)) STRICT;
CREATE TABLE job_document (jobId TEXT NOT NULL, kind TEXT NOT NULL, text TEXT NOT NULL, PRIMARY KEY (jobId, kind)) STRICT;
CREATE TABLE job_secret (jobId TEXT NOT NULL, name TEXT NOT NULL, sealed BLOB NOT NULL, PRIMARY KEY (jobId, name)) STRICT;
CREATE TABLE witness (origin TEXT PRIMARY KEY, size INTEGER NOT NULL, root TEXT NOT NULL, note TEXT NOT NULL) STRICT;
CREATE TABLE token (
  id INTEGER PRIMARY KEY, tokenId TEXT NOT NULL UNIQUE, hash TEXT NOT NULL UNIQUE, person TEXT NOT NULL, roles TEXT NOT NULL,
  createdAt TEXT NOT NULL, createdBy TEXT, expiresAt TEXT NOT NULL, revokedAt TEXT, lastUsedOn TEXT
) STRICT;
CREATE TABLE denial (
  id INTEGER PRIMARY KEY, at TEXT NOT NULL, tokenId TEXT, person TEXT, route TEXT, code TEXT NOT NULL, count INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX denial_alike ON denial (at, ifnull(tokenId, ''), ifnull(route, ''), code);
${TAG_SCHEMA}
${FEED_SCHEMA}
`;

/** What makes of each earlier schema the next. */
const UPGRADES: Readonly<Record<number, string>> = {
  1: "ALTER TABLE tag_order ADD COLUMN model TEXT; ALTER TABLE tag_order ADD COLUMN scoredAt TEXT;",
  // Agreements name normalisers that are no more and cannot be changed under their signatures: they are kept for the record, and
  // have to be made anew. A registration was of one file. What stands behind the last slash of its path is what no other part of the path holds.
  2: `UPDATE dataset SET registration = json_remove(json_set(registration, '$.source', json_object(
        'kind', 'files', 'path', registration ->> '$.path', 'parts', json_array(json_object(
          'name', replace(registration ->> '$.path', rtrim(registration ->> '$.path', replace(registration ->> '$.path', '/', '')), ''),
          'path', registration ->> '$.path', 'fingerprint', json_extract(registration, '$.fingerprint'),
          'digest', registration ->> '$.version')))), '$.path', '$.fingerprint');
      UPDATE dataset SET registration = json_set(registration, '$.dialect.quote', '"', '$.dialect.encoding', 'utf-8')
        WHERE json_type(registration, '$.dialect') IS NOT NULL;
      UPDATE dataset SET registration = json_remove(json_set(registration, '$.ids', json_array(json_object(
          'column', registration ->> '$.idColumn', 'normaliser', CASE registration ->> '$.normaliser'
            WHEN 'trimmed' THEN 'opaque' WHEN 'phone-e164-cn' THEN 'phone-e164' ELSE registration ->> '$.normaliser' END)),
          '$.duplicatePolicy', json_object('kind', 'first')),
          '$.idColumn', '$.normaliser')
        WHERE json_type(registration, '$.idColumn') IS NOT NULL;
      CREATE TABLE former_agreement AS SELECT * FROM agreement; DELETE FROM agreement;
      CREATE TABLE former_revocation AS SELECT * FROM revocation; DELETE FROM revocation;${SEGMENT_TABLES}`,
  3: `${TAG_UPGRADE} ${FEED_SCHEMA}`,
  4: SEGMENT_UPGRADE,
};

const TOKEN_COLUMNS = "tokenId, hash, person, roles, createdAt, createdBy, expiresAt, revokedAt, lastUsedOn";

export function openSqliteStore(path: string): Store {
  const db = new DatabaseSync(path);
  db.exec(
    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 5000; PRAGMA cache_size = -65536; PRAGMA secure_delete = ON;",
  );
  let { user_version: version } = db.prepare("PRAGMA user_version").get() as { user_version: number };
  if (version === 0) db.exec(`BEGIN; ${SCHEMA} PRAGMA user_version = ${SCHEMA_VERSION}; COMMIT;`);
  else {
    for (let step = UPGRADES[version]; step !== undefined; step = UPGRADES[version])
      db.exec(`BEGIN; ${step} PRAGMA user_version = ${++version}; COMMIT;`);
    if (version !== SCHEMA_VERSION)
      throw new EntenteError("STORAGE_FAILED", {
        detail: `the store has schema ${version}, this program knows ${SCHEMA_VERSION}`,
      });
  }
  return new SqliteStore(db, path);
}

class SqliteStore extends SqliteFeeds implements Store {
  async setting(key: string): Promise<string | undefined> {
    return this.get<{ value: string }>("SELECT value FROM setting WHERE key = ?", key)?.value;
  }

  async putSetting(key: string, value: string): Promise<void> {
    this.run("INSERT INTO setting VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value", key, value);
  }

  async eraseSetting(key: string): Promise<void> {
    this.run("DELETE FROM setting WHERE key = ?", key);
    this.forget();
  }

  async peers(): Promise<PeerRecord[]> {
    return this.all<PeerRecord>("SELECT * FROM peer ORDER BY party");
  }

  async putPeer({ party, identity, confirmedAt }: PeerRecord): Promise<void> {
    this.run("INSERT OR REPLACE INTO peer VALUES (?, ?, ?)", party, identity, confirmedAt);
  }

  async datasets(): Promise<DatasetRecord[]> {
    return this.all<DatasetRecord>("SELECT * FROM dataset ORDER BY name");
  }

  async putDataset({ name, version, registration, registeredAt }: DatasetRecord): Promise<void> {
    this.run("INSERT OR REPLACE INTO dataset VALUES (?, ?, ?, ?)", name, version, registration, registeredAt);
  }

  async segments(): Promise<SegmentRecord[]> {
    return this.all<SegmentRecord>("SELECT * FROM segment ORDER BY name, version");
  }

  async addSegment(segment: SegmentRecord): Promise<boolean> {
    const { name, version, dataset, kind, definedAt, definedBy, sealed } = segment;
    const values = [name, version, dataset, kind, definedAt, definedBy, sealed];
    return this.run("INSERT OR IGNORE INTO segment VALUES (?, ?, ?, ?, ?, ?, ?)", ...values) > 0;
  }

  async segmentStandings(): Promise<SegmentStanding[]> {
    const rows = this.all<
      Record<"name" | "description" | "publishedAt" | "publishedTo", string> & {
        publishedVersion: number | null;
        retiredAt: string | null;
      }
    >("SELECT * FROM segment_standing ORDER BY name");
    return rows.map(({ name, publishedVersion: version, description, publishedAt: at, publishedTo, retiredAt }) => ({
      name,
      published: version === null ? null : { version, description, at, to: JSON.parse(publishedTo) },
      retiredAt,
    }));
  }

  async putSegmentStanding({ name, published, retiredAt }: SegmentStanding): Promise<void> {
    const { version = null, description = null, at = null } = published ?? {};
    const to = JSON.stringify(published?.to ?? []);
    this.run(
      "INSERT OR REPLACE INTO segment_standing VALUES (?, ?, ?, ?, ?, ?)",
      ...[name, version, description, at, retiredAt, to],
    );
  }

  async agreements(): Promise<AgreementRecord[]> {
    return this.all<AgreementRecord>("SELECT * FROM agreement ORDER BY receivedAt DESC");
  }

  async agreement(digest: string): Promise<AgreementRecord | undefined> {
    return this.get<AgreementRecord>("SELECT * FROM agreement WHERE digest = ?", digest);
  }

  async putAgreement({ digest, collaboration, envelope, receivedAt }: AgreementRecord): Promise<void> {
    this.run("INSERT OR REPLACE INTO agreement VALUES (?, ?, ?, ?)", digest, collaboration, envelope, receivedAt);
  }

  async revocations(): Promise<RevocationRecord[]> {
    const rows = this.all<Omit<RevocationRecord, "delivered"> & { delivered: number }>("SELECT * FROM revocation");
    return rows.map((row) => ({ ...row, delivered: row.delivered === 1 }));
  }

  async putRevocation({ agreement, by, envelope, delivered }: RevocationRecord): Promise<void> {
    this.run(
      `INSERT INTO revocation VALUES (?, ?, ?, ?)
       ON CONFLICT (agreement) DO UPDATE SET delivered = max(delivered, excluded.delivered)`,
      ...[agreement, by, envelope, delivered ? 1 : 0],
    );
  }

  async jobIds(): Promise<string[]> {
    return this.all<{ jobId: string }>("SELECT jobId FROM job_event WHERE seq = 0 ORDER BY rowid DESC").map(
      (row) => row.jobId,
    );
  }

  async jobEvents(jobId: string): Promise<JobEvent[]> {
    const rows = this.all<{ event: string }>("SELECT event FROM job_event WHERE jobId = ? ORDER BY seq", jobId);
    return rows.map((row) => JSON.parse(row.event) as JobEvent);
  }

  async appendJobEvent(jobId: string, expectedLength: number, event: JobEvent): Promise<boolean> {
    return this.transaction(() => {
      const { length } = this.get<{ length: number }>(
        "SELECT count(*) AS length FROM job_event WHERE jobId = ?",
        jobId,
      ) as { length: number };
      if (length !== expectedLength) return false;
      this.run("INSERT INTO job_event VALUES (?, ?, ?)", jobId, expectedLength, JSON.stringify(event));
      return true;
    });
  }

  async replaceLastJobEvent(jobId: string, event: JobEvent): Promise<void> {
    this.run(
      "UPDATE job_event SET event = ? WHERE jobId = ? AND seq = (SELECT max(seq) FROM job_event WHERE jobId = ?)",
      ...[JSON.stringify(event), jobId, jobId],
    );
    this.forget();
  }

  async putJobDocument(jobId: string, kind: string, text: string): Promise<void> {
    this.run("INSERT OR REPLACE INTO job_document VALUES (?, ?, ?)", jobId, kind, text);
  }

  async jobDocument(jobId: string, kind: string): Promise<string | undefined> {
    return this.get<{ text: string }>("SELECT text FROM job_document WHERE jobId = ? AND kind = ?", jobId, kind)?.text;
  }

  async putJobSecret(jobId: string, name: string, sealed: Uint8Array): Promise<void> {
    this.run("INSERT OR REPLACE INTO job_secret VALUES (?, ?, ?)", jobId, name, sealed);
  }

  async jobSecret(jobId: string, name: string): Promise<Uint8Array | undefined> {
    return this.get<{ sealed: Uint8Array }>("SELECT sealed FROM job_secret WHERE jobId = ? AND name = ?", jobId, name)
      ?.sealed;
  }

  async destroyJobSecrets(jobId: string): Promise<void> {
    this.run("DELETE FROM job_secret WHERE jobId = ?", jobId);
    this.forget();
  }

  async keepJobSecretsOf(jobIds: ReadonlySet<string>): Promise<void> {
    const stored = this.all<{ jobId: string }>("SELECT DISTINCT jobId FROM job_secret");
    for (const { jobId } of stored) if (!jobIds.has(jobId)) await this.destroyJobSecrets(jobId);
  }

  async witness(origin: string): Promise<WitnessRecord | undefined> {
    return this.get<WitnessRecord>("SELECT * FROM witness WHERE origin = ?", origin);
  }

  async witnesses(below: string): Promise<WitnessRecord[]> {
    // "0" is the character after "/".
    return this.all<WitnessRecord>("SELECT * FROM witness WHERE origin > ? AND origin < ?", `${below}/`, `${below}0`);
  }

  async putWitness({ origin, size, root, note }: WitnessRecord, expectedSize: number): Promise<boolean> {
    return this.transaction(() => {
      const known = this.get<{ size: number }>("SELECT size FROM witness WHERE origin = ?", origin)?.size ?? 0;
      if (known !== expectedSize) return false;
      this.run("INSERT OR REPLACE INTO witness VALUES (?, ?, ?, ?)", origin, size, root, note);
      return true;
    });
  }

  async tokens(): Promise<TokenRecord[]> {
    return this.all<TokenRecord>(`SELECT ${TOKEN_COLUMNS} FROM token ORDER BY id`);
  }

  async tokenByHash(hash: string): Promise<TokenRecord | undefined> {
    return this.get<TokenRecord>(`SELECT ${TOKEN_COLUMNS} FROM token WHERE hash = ?`, hash);
  }

  async addToken(token: TokenRecord): Promise<void> {
    const { tokenId, hash, person, roles, createdAt, createdBy, expiresAt, revokedAt, lastUsedOn } = token;
    this.run(
      `INSERT INTO token (${TOKEN_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      ...[tokenId, hash, person, roles, createdAt, createdBy, expiresAt, revokedAt, lastUsedOn],
    );
  }

  async revokeToken(tokenId: string, revokedAt: string): Promise<boolean> {
    return this.run("UPDATE token SET revokedAt = ifnull(revokedAt, ?) WHERE tokenId = ?", revokedAt, tokenId) > 0;
  }

  async setTokenUse(tokenId: string, lastUsedOn: string): Promise<void> {
    this.run("UPDATE token SET lastUsedOn = ? WHERE tokenId = ?", lastUsedOn, tokenId);
  }

  async addDenials(denials: readonly DenialRecord[], maxRecords: number): Promise<void> {
    this.transaction(() => {
      for (const { at, tokenId, person, route, code, count } of denials)
        this.run(
          `INSERT INTO denial (at, tokenId, person, route, code, count) VALUES (?, ?, ?, ?, ?, ?)
           ON CONFLICT (at, ifnull(tokenId, ''), ifnull(route, ''), code) DO UPDATE SET count = count + excluded.count`,
          ...[at, tokenId, person, route, code, count],
        );
      this.run("DELETE FROM denial WHERE id <= (SELECT max(id) FROM denial) - ?", maxRecords);
    });
  }

  async denials(): Promise<DenialRecord[]> {
    return this.all<DenialRecord>("SELECT at, tokenId, person, route, code, count FROM denial ORDER BY id DESC");
  }

  async close(): Promise<void> {
    this.db.close();
  }
}
