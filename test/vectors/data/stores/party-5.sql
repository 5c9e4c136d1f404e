-- A node's store of schema 5, as the program of that time made it.
CREATE TABLE setting (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE peer (party TEXT PRIMARY KEY, identity TEXT NOT NULL, confirmedAt TEXT NOT NULL) STRICT;
CREATE TABLE dataset (name TEXT PRIMARY KEY, version TEXT NOT NULL, registration TEXT NOT NULL, registeredAt TEXT NOT NULL) STRICT;
CREATE TABLE segment (
  name TEXT NOT NULL, version INTEGER NOT NULL, dataset TEXT NOT NULL, kind TEXT NOT NULL, definedAt TEXT NOT NULL,
  definedBy TEXT NOT NULL, sealed BLOB NOT NULL, PRIMARY KEY (name, version)
) STRICT;
CREATE TABLE segment_standing (
  name TEXT PRIMARY KEY, publishedVersion INTEGER, description TEXT, publishedAt TEXT, retiredAt TEXT
, publishedTo TEXT NOT NULL DEFAULT '[]') STRICT;
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
CREATE TABLE tag_change (id INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, what TEXT NOT NULL) STRICT;
CREATE TABLE tag_batch (
  id INTEGER PRIMARY KEY AUTOINCREMENT, jobId TEXT NOT NULL, key TEXT NOT NULL, agreement TEXT NOT NULL, issuedAt TEXT NOT NULL,
  expiresAt TEXT NOT NULL, model TEXT, scoredAt TEXT, state TEXT NOT NULL, published INTEGER, ended INTEGER, endedAt TEXT, lineage TEXT
) STRICT;
CREATE TABLE tag_batch_count (batchId INTEGER NOT NULL, value TEXT NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (batchId, value)) STRICT;
CREATE TABLE tag_part (jobId TEXT NOT NULL, part INTEGER NOT NULL, PRIMARY KEY (jobId, part)) STRICT;
CREATE TABLE tag_staged (batchId INTEGER NOT NULL, subject TEXT NOT NULL, value TEXT NOT NULL, score REAL) STRICT;
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
INSERT INTO setting VALUES ('name', 'value');
INSERT INTO setting VALUES ('tags-forgotten', '2');
INSERT INTO peer VALUES ('bureau', 'abababababababababababababababababababababababababababababababab', '2026-05-01T00:00:00.000Z');
INSERT INTO dataset VALUES ('customers', 'v1', '{}', '2026-05-01T00:00:00.000Z');
INSERT INTO segment VALUES ('a', 1, 'customers', 'sql', '2026-05-01T00:00:00.000Z', 'Ada', X'010203');
INSERT INTO segment_standing VALUES ('a', 1, 'x', '2026-05-01T00:00:00.000Z', NULL, '["bureau"]');
INSERT INTO agreement VALUES ('5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f', 'c', '{}', '2026-05-01T00:00:00.000Z');
INSERT INTO revocation VALUES ('6060606060606060606060606060606060606060606060606060606060606060', 'bureau', '{}', 1);
INSERT INTO job_event VALUES ('0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c', 0, '{"type":"admitted","at":"2026-05-01T00:00:00.000Z"}');
INSERT INTO job_event VALUES ('0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b', 0, '{"type":"admitted","at":"2026-05-01T00:00:00.000Z"}');
INSERT INTO job_event VALUES ('0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b', 1, '{"type":"failed","at":"2026-05-01T00:00:00.000Z","code":"PEER_GONE"}');
INSERT INTO job_document VALUES ('0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b', 'spec', '{}');
INSERT INTO job_secret VALUES ('0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c', 'gate-key', X'0908');
INSERT INTO witness VALUES ('bureau/c/2026', 4, 'aa', 'note');
INSERT INTO token VALUES (1, '0101010101010101', 'a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1', 'Wang Li', 'analyst', '2026-05-01T00:00:00.000Z', NULL, '2027-05-01T00:00:00.000Z', NULL, NULL);
INSERT INTO denial VALUES (1, '2026-05-01T00:00:00.000Z', NULL, NULL, NULL, 'TOKEN_MISSING', 2);
INSERT INTO tag_change VALUES (1, '2026-05-01T00:00:00.000Z', 'issued');
INSERT INTO tag_change VALUES (2, '2026-05-01T00:00:00.000Z', 'withdrawn');
INSERT INTO tag_batch VALUES (1, '0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b', 'risk:default', '5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f', '2026-05-01T00:00:00.000Z', '2027-05-01T00:00:00.000Z', '6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d', '2026-05-01T00:00:00.000Z', 'in-force', 1, NULL, NULL, '{}');
INSERT INTO tag_batch VALUES (2, '0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d', 'risk:default', '5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f', '2026-05-01T00:00:00.000Z', '2027-05-01T00:00:00.000Z', '6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d', '2026-05-01T00:00:00.000Z', 'staged', NULL, NULL, NULL, NULL);
INSERT INTO tag_batch_count VALUES (1, 'A', 1);
INSERT INTO tag_batch_count VALUES (1, 'B', 1);
INSERT INTO tag_batch_count VALUES (2, 'C', 1);
INSERT INTO tag_part VALUES ('0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b', 0);
INSERT INTO tag_part VALUES ('0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d', 0);
INSERT INTO tag_staged VALUES (2, '+8613900000001', 'C', 0.25);
INSERT INTO tag VALUES ('+8613900000001', 1, 'A', 0.25, NULL);
INSERT INTO tag_definition VALUES ('risk:default', '{}');
INSERT INTO opt_out VALUES ('phone-e164', X'07070707070707070707070707070707', X'05', '2026-05-01T00:00:00.000Z', 'Ada');
INSERT INTO feed VALUES ('crm', '{}', 0, '2026-05-01T00:00:00.000Z', 'Ada');
INSERT INTO delivery VALUES (1, 'd1', 'crm', 'full', 0, 2, 'done', 'Ada', '2026-05-01T00:00:00.000Z', '2026-05-01T00:00:00.000Z', 1, 0, 1, '+8613900000001', 1, NULL);
CREATE UNIQUE INDEX denial_alike ON denial (at, ifnull(tokenId, ''), ifnull(route, ''), code);
CREATE INDEX tag_batch_of_job ON tag_batch (jobId);
CREATE INDEX delivery_of_feed ON delivery (feed);
CREATE VIEW tags_current (subject, key, value, score, model, scored_at, job_id, agreement, issued_at, expires_at) AS
  SELECT t.subject, b.key, t.value, t.score, b.model, b.scoredAt, b.jobId, b.agreement, b.issuedAt, b.expiresAt
  FROM tag t JOIN tag_batch b ON b.id = t.batchId
  WHERE b.state = 'in-force' AND t.ended IS NULL AND b.expiresAt > strftime('%Y-%m-%dT%H:%M:%fZ')
    AND NOT EXISTS (
      SELECT 1 FROM tag n JOIN tag_batch c ON c.id = n.batchId
      WHERE n.subject = t.subject AND n.batchId > t.batchId AND c.key = b.key AND c.state <> 'staged' AND n.ended IS NULL);
PRAGMA user_version = 5;
