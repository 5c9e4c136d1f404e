/** What makes of each schema before the baseline the next: SQLite alone, and as it was written then. */

const SEGMENT_TABLES_3 = `
CREATE TABLE segment (
  name TEXT NOT NULL, version INTEGER NOT NULL, dataset TEXT NOT NULL, kind TEXT NOT NULL, definedAt TEXT NOT NULL,
  definedBy TEXT NOT NULL, sealed BLOB NOT NULL, PRIMARY KEY (name, version)
) STRICT;
CREATE TABLE segment_standing (
  name TEXT PRIMARY KEY, publishedVersion INTEGER, description TEXT, publishedAt TEXT, retiredAt TEXT
) STRICT;
`;

const TAG_TABLES_4 = `
CREATE TABLE tag_change (id INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, what TEXT NOT NULL) STRICT;
CREATE TABLE tag_batch (
  id INTEGER PRIMARY KEY AUTOINCREMENT, jobId TEXT NOT NULL, key TEXT NOT NULL, agreement TEXT NOT NULL, issuedAt TEXT NOT NULL,
  expiresAt TEXT NOT NULL, model TEXT, scoredAt TEXT, state TEXT NOT NULL, published INTEGER, ended INTEGER, endedAt TEXT, lineage TEXT
) STRICT;
CREATE INDEX tag_batch_of_job ON tag_batch (jobId);
CREATE TABLE tag_batch_count (batchId INTEGER NOT NULL, value TEXT NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (batchId, value)) STRICT;
CREATE TABLE tag_part (jobId TEXT NOT NULL, part INTEGER NOT NULL, PRIMARY KEY (jobId, part)) STRICT;
CREATE TABLE tag_staged (batchId INTEGER NOT NULL, subject TEXT NOT NULL, value TEXT NOT NULL, score REAL) STRICT;
CREATE TABLE tag (
  subject TEXT NOT NULL, batchId INTEGER NOT NULL, value TEXT NOT NULL, score REAL, ended INTEGER, PRIMARY KEY (subject, batchId)
) STRICT, WITHOUT ROWID;
CREATE TABLE tag_definition (key TEXT PRIMARY KEY, document TEXT NOT NULL) STRICT;
`;

/** From the schema that knew neither batches nor history: what was there is in force. */
const TAGS_4 = `
ALTER TABLE tag RENAME TO tag_2;
ALTER TABLE tag_batch RENAME TO tag_part_2;
${TAG_TABLES_4}
INSERT INTO tag_part SELECT jobId, batch FROM tag_part_2;
INSERT INTO tag_change (at, what) VALUES (strftime('%Y-%m-%dT%H:%M:%fZ'), 'upgraded');
INSERT INTO tag_batch (id, jobId, key, agreement, issuedAt, expiresAt, model, scoredAt, state, published)
  SELECT id, jobId, key, agreement, issuedAt, expiresAt, model, scoredAt, 'in-force', 1 FROM tag_order;
INSERT OR REPLACE INTO tag SELECT subject, orderId, value, score, NULL FROM tag_2 ORDER BY subject, orderId;
INSERT INTO tag_batch_count SELECT batchId, value, count(*) FROM tag GROUP BY batchId, value;
DROP TABLE tag_2;
DROP TABLE tag_part_2;
DROP TABLE tag_order;
`;

const FEED_TABLES_4 = `
CREATE TABLE opt_out (
  form TEXT NOT NULL, mark BLOB NOT NULL, sealed BLOB NOT NULL, addedAt TEXT NOT NULL, person TEXT NOT NULL, PRIMARY KEY (form, mark)
) STRICT, WITHOUT ROWID;
CREATE TABLE feed (name TEXT PRIMARY KEY, config TEXT NOT NULL, cursor INTEGER NOT NULL, createdAt TEXT NOT NULL, createdBy TEXT NOT NULL) STRICT;
CREATE TABLE delivery (
  id INTEGER PRIMARY KEY, deliveryId TEXT NOT NULL UNIQUE, feed TEXT NOT NULL, mode TEXT NOT NULL, fromChange INTEGER NOT NULL,
  toChange INTEGER NOT NULL, state TEXT NOT NULL, person TEXT NOT NULL, startedAt TEXT NOT NULL, endedAt TEXT,
  written INTEGER NOT NULL, ended INTEGER NOT NULL, isRecorded INTEGER NOT NULL, placeSubject TEXT, placeBatch INTEGER, code TEXT
) STRICT;
CREATE INDEX delivery_of_feed ON delivery (feed);
CREATE VIEW tags_current (subject, key, value, score, model, scored_at, job_id, agreement, issued_at, expires_at) AS
  SELECT t.subject, b.key, t.value, t.score, b.model, b.scoredAt, b.jobId, b.agreement, b.issuedAt, b.expiresAt
  FROM tag t JOIN tag_batch b ON b.id = t.batchId
  WHERE b.state = 'in-force' AND t.ended IS NULL AND b.expiresAt > strftime('%Y-%m-%dT%H:%M:%fZ')
    AND NOT EXISTS (
      SELECT 1 FROM tag n JOIN tag_batch c ON c.id = n.batchId
      WHERE n.subject = t.subject AND n.batchId > t.batchId AND c.key = b.key AND c.state <> 'staged' AND n.ended IS NULL);
`;

export const EARLIER: Readonly<Record<number, string>> = {
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
      CREATE TABLE former_revocation AS SELECT * FROM revocation; DELETE FROM revocation;${SEGMENT_TABLES_3}`,
  3: `${TAGS_4} ${FEED_TABLES_4}`,
  // What was published before peers were named is published to nobody, until it is published anew.
  4: "ALTER TABLE segment_standing ADD COLUMN publishedTo TEXT NOT NULL DEFAULT '[]';",
  // What was told by the row's place in the file has a number, which other databases have, too.
  5: `CREATE TABLE job_event_6 (
        id INTEGER PRIMARY KEY, jobId TEXT NOT NULL, seq INTEGER NOT NULL, event TEXT NOT NULL, UNIQUE (jobId, seq)
      ) STRICT;
      INSERT INTO job_event_6 SELECT rowid, jobId, seq, event FROM job_event;
      DROP TABLE job_event; ALTER TABLE job_event_6 RENAME TO job_event;
      CREATE TABLE tag_staged_6 (
        id INTEGER PRIMARY KEY, batchId INTEGER NOT NULL, subject TEXT NOT NULL, value TEXT NOT NULL, score REAL
      ) STRICT;
      INSERT INTO tag_staged_6 SELECT rowid, batchId, subject, value, score FROM tag_staged;
      DROP TABLE tag_staged; ALTER TABLE tag_staged_6 RENAME TO tag_staged;
      DROP INDEX denial_alike;
      CREATE UNIQUE INDEX denial_alike ON denial (at, coalesce(tokenId, ''), coalesce(route, ''), code);`,
};
