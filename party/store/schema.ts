/** The tables of a node's store, in SQLite's words (`proto/database`). */
import { READ_TIME } from "../../proto/database/dialect.ts";
import type { History } from "../../proto/database/history.ts";
import { EARLIER } from "./earlier-schemas.ts";

/** What the view `tags_current` shows, in its columns' order, is a contract: party/feeds/README.md. */
const SCHEMA = `
CREATE TABLE setting (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE peer (party TEXT PRIMARY KEY, identity TEXT NOT NULL, confirmedAt TEXT NOT NULL) STRICT;
CREATE TABLE dataset (name TEXT PRIMARY KEY, version TEXT NOT NULL, registration TEXT NOT NULL, registeredAt TEXT NOT NULL) STRICT;
CREATE TABLE segment (
  name TEXT NOT NULL, version INTEGER NOT NULL, dataset TEXT NOT NULL, kind TEXT NOT NULL, definedAt TEXT NOT NULL,
  definedBy TEXT NOT NULL, sealed BLOB NOT NULL, PRIMARY KEY (name, version)
) STRICT;
CREATE TABLE segment_standing (
  name TEXT PRIMARY KEY, publishedVersion INTEGER, description TEXT, publishedAt TEXT, retiredAt TEXT,
  publishedTo TEXT NOT NULL DEFAULT '[]'
) STRICT;
CREATE TABLE agreement (digest TEXT PRIMARY KEY, collaboration TEXT NOT NULL, envelope TEXT NOT NULL, receivedAt TEXT NOT NULL) STRICT;
CREATE TABLE revocation (agreement TEXT PRIMARY KEY, by TEXT NOT NULL, envelope TEXT NOT NULL, delivered INTEGER NOT NULL) STRICT;
CREATE TABLE job_event (
  id INTEGER PRIMARY KEY, jobId TEXT NOT NULL, seq INTEGER NOT NULL, event TEXT NOT NULL, UNIQUE (jobId, seq)
) STRICT;
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
CREATE UNIQUE INDEX denial_alike ON denial (at, coalesce(tokenId, ''), coalesce(route, ''), code);
CREATE TABLE tag_change (id INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, what TEXT NOT NULL) STRICT;
CREATE TABLE tag_batch (
  id INTEGER PRIMARY KEY AUTOINCREMENT, jobId TEXT NOT NULL, key TEXT NOT NULL, agreement TEXT NOT NULL, issuedAt TEXT NOT NULL,
  expiresAt TEXT NOT NULL, model TEXT, scoredAt TEXT, state TEXT NOT NULL, published INTEGER, ended INTEGER, endedAt TEXT, lineage TEXT
) STRICT;
CREATE INDEX tag_batch_of_job ON tag_batch (jobId);
CREATE TABLE tag_batch_count (batchId INTEGER NOT NULL, value TEXT NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (batchId, value)) STRICT;
CREATE TABLE tag_part (jobId TEXT NOT NULL, part INTEGER NOT NULL, PRIMARY KEY (jobId, part)) STRICT;
CREATE TABLE tag_staged (
  id INTEGER PRIMARY KEY, batchId INTEGER NOT NULL, subject TEXT NOT NULL, value TEXT NOT NULL, score REAL
) STRICT;
CREATE TABLE tag (
  subject TEXT NOT NULL, batchId INTEGER NOT NULL, value TEXT NOT NULL, score REAL, ended INTEGER, PRIMARY KEY (subject, batchId)
) STRICT, WITHOUT ROWID;
CREATE TABLE tag_definition (key TEXT PRIMARY KEY, document TEXT NOT NULL) STRICT;
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
  WHERE b.state = 'in-force' AND t.ended IS NULL AND b.expiresAt > ${READ_TIME}
    AND NOT EXISTS (
      SELECT 1 FROM tag n JOIN tag_batch c ON c.id = n.batchId
      WHERE n.subject = t.subject AND n.batchId > t.batchId AND c.key = b.key AND c.state <> 'staged' AND n.ended IS NULL);
`;

/** A change of the schema is a step added at the end. */
export const PARTY_HISTORY: History = { kind: "party", schema: SCHEMA, baseline: 6, earlier: EARLIER, steps: [] };
