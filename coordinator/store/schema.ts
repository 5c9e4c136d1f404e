/** The tables of a coordinator's store, in SQLite's words (`proto/database`). */
import type { History } from "../../proto/database/history.ts";

const SCHEMA = `
CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;

CREATE TABLE invites (
  secret_hash TEXT PRIMARY KEY,
  party TEXT NOT NULL,
  inviter TEXT,
  expires_ms INTEGER NOT NULL,
  used_ms INTEGER
) STRICT;
CREATE INDEX invites_by_inviter ON invites (inviter, expires_ms);

CREATE TABLE parties (
  party TEXT PRIMARY KEY,
  identity_public_key BLOB NOT NULL,
  keyset BLOB NOT NULL,
  revoked_ms INTEGER
) STRICT;

CREATE TABLE certificates (
  fingerprint TEXT PRIMARY KEY,
  party TEXT NOT NULL REFERENCES parties (party),
  not_after_ms INTEGER NOT NULL,
  revoked_ms INTEGER,
  serial TEXT
) STRICT;
CREATE INDEX certificates_by_party ON certificates (party);

CREATE TABLE agreements (
  agreement_digest TEXT PRIMARY KEY,
  collaboration_id TEXT NOT NULL,
  parties TEXT NOT NULL,
  state TEXT NOT NULL,
  marks TEXT NOT NULL,
  revision INTEGER NOT NULL
) STRICT;
CREATE INDEX agreements_by_collaboration ON agreements (collaboration_id);

CREATE TABLE agreement_parties (
  party TEXT NOT NULL,
  agreement_digest TEXT NOT NULL REFERENCES agreements (agreement_digest),
  PRIMARY KEY (party, agreement_digest)
) STRICT, WITHOUT ROWID;

CREATE TABLE jobs (
  job_id TEXT PRIMARY KEY,
  agreement_digest TEXT NOT NULL REFERENCES agreements (agreement_digest),
  collaboration_id TEXT NOT NULL,
  requester TEXT NOT NULL,
  peer TEXT NOT NULL,
  job_digest TEXT NOT NULL,
  state TEXT NOT NULL,
  reason TEXT,
  updated_at TEXT NOT NULL,
  revision INTEGER NOT NULL
) STRICT;
CREATE INDEX jobs_by_requester ON jobs (requester, job_id);
CREATE INDEX jobs_by_peer ON jobs (peer, job_id);

CREATE TABLE receipts (
  job_id TEXT PRIMARY KEY REFERENCES jobs (job_id),
  entry_digest TEXT NOT NULL
) STRICT;

CREATE TABLE pending_entries (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  collaboration_id TEXT NOT NULL,
  bytes BLOB NOT NULL
) STRICT;
CREATE INDEX pending_by_collaboration ON pending_entries (collaboration_id, id);
`;

/** SQLite alone: what makes of each schema before the baseline the next. Certificates had no serial number of their own. */
const EARLIER = { 1: "ALTER TABLE certificates ADD COLUMN serial TEXT;" };

/** Of a job that is there already what it came to is all that is known: the peer can have reported that. */
const JOB_EVENTS = `
CREATE TABLE job_events (
  job_id TEXT NOT NULL REFERENCES jobs (job_id),
  seq INTEGER NOT NULL,
  state TEXT NOT NULL,
  by_role TEXT NOT NULL,
  at TEXT NOT NULL,
  reason TEXT,
  PRIMARY KEY (job_id, seq)
) STRICT, WITHOUT ROWID;
INSERT INTO job_events SELECT job_id, 0, 'proposed', 'requester', updated_at, NULL FROM jobs;
INSERT INTO job_events SELECT job_id, revision - 1, state, 'peer', updated_at, reason FROM jobs
  WHERE state <> 'proposed' AND revision > 1;
`;

/** A change of the schema is a step added at the end. */
export const COORDINATOR_HISTORY: History = {
  kind: "coordinator",
  schema: SCHEMA,
  baseline: 2,
  earlier: EARLIER,
  steps: [{ name: "events of jobs", sql: JOB_EVENTS }],
};
