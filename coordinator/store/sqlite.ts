/** The store in one SQLite file: write-ahead log, and every commit synced to disk before it is acknowledged. */
import { DatabaseSync, type SQLInputValue } from "node:sqlite";
import type { AgreementEntry, AgreementState, Job, JobState } from "../../proto/codec/coordinator.ts";
import { EntenteError, type ErrorCode } from "../../proto/errors.ts";
import type { CollaborationId, Digest, JobId, PartyId } from "../../proto/ids.ts";
import { SCHEMA, SCHEMA_VERSION } from "./schema.ts";
import type { Store, StoredAgreement, StoredCertificate, StoredInvite, StoredJob, StoredParty } from "./store.ts";

type Row = Record<string, unknown>;

/** The command line writes invites and revocations beside a running coordinator: each waits for the other so long. */
const BUSY_TIMEOUT_MS = 5_000;

function optional<T>(value: unknown): T | undefined {
  return value === null ? undefined : (value as T);
}

function invite(row: Row): StoredInvite {
  return {
    secretHash: row.secret_hash as string,
    party: row.party as PartyId,
    inviter: optional(row.inviter),
    expiresMs: row.expires_ms as number,
    usedMs: optional(row.used_ms),
  };
}

function party(row: Row): StoredParty {
  return {
    party: row.party as PartyId,
    identityPublicKey: row.identity_public_key as Uint8Array,
    keyset: row.keyset as Uint8Array,
    revokedMs: optional(row.revoked_ms),
  };
}

function certificate(row: Row): StoredCertificate {
  return {
    fingerprint: row.fingerprint as string,
    party: row.party as PartyId,
    notAfterMs: row.not_after_ms as number,
    revokedMs: optional(row.revoked_ms),
  };
}

function agreement(row: Row): StoredAgreement {
  return {
    agreementDigest: row.agreement_digest as Digest,
    collaborationId: row.collaboration_id as CollaborationId,
    parties: JSON.parse(row.parties as string) as PartyId[],
    state: row.state as AgreementState,
    marks: JSON.parse(row.marks as string) as StoredAgreement["marks"],
    revision: row.revision as number,
  };
}

function job(row: Row): StoredJob {
  return {
    jobId: row.job_id as JobId,
    agreementDigest: row.agreement_digest as Digest,
    collaborationId: row.collaboration_id as CollaborationId,
    requester: row.requester as PartyId,
    peer: row.peer as PartyId,
    jobDigest: row.job_digest as Digest,
    state: row.state as JobState,
    reason: optional<ErrorCode>(row.reason),
    updatedAt: row.updated_at as string,
    revision: row.revision as number,
  };
}

/** Opens or makes the database. Throws STORAGE_FAILED when it cannot, or when it has another schema. */
export function openSqliteStore(path: string): Store {
  let db: DatabaseSync;
  try {
    db = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS });
    db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;");
  } catch (cause) {
    throw new EntenteError("STORAGE_FAILED", { detail: "the coordinator's database", cause });
  }

  /** One transaction; everything in `work` is undone when it throws. */
  const transaction = async <T>(work: () => T): Promise<T> => {
    try {
      db.exec("BEGIN IMMEDIATE");
      try {
        const result = work();
        db.exec("COMMIT");
        return result;
      } catch (error) {
        if (db.isTransaction) db.exec("ROLLBACK");
        throw error;
      }
    } catch (cause) {
      throw cause instanceof EntenteError ? cause : new EntenteError("STORAGE_FAILED", { cause });
    }
  };
  const prepared = new Map<string, ReturnType<DatabaseSync["prepare"]>>();
  const statement = (sql: string) => {
    const known = prepared.get(sql) ?? db.prepare(sql);
    prepared.set(sql, known);
    return known;
  };
  const run = (sql: string, ...values: SQLInputValue[]): number => Number(statement(sql).run(...values).changes);
  const all = async (sql: string, ...values: SQLInputValue[]): Promise<Row[]> => {
    try {
      return statement(sql).all(...values) as Row[];
    } catch (cause) {
      throw new EntenteError("STORAGE_FAILED", { cause });
    }
  };
  const one = async <T>(read: (row: Row) => T, sql: string, ...values: SQLInputValue[]): Promise<T | undefined> => {
    const [row] = await all(sql, ...values);
    return row === undefined ? undefined : read(row);
  };
  const count = async (sql: string, ...values: SQLInputValue[]): Promise<number> =>
    (await one((row) => row.n as number, sql, ...values)) ?? 0;
  migrate(db);

  return {
    readSetting: (key) => one((row) => row.value as string, "SELECT value FROM settings WHERE key = ?", key),
    writeSetting: (key, value) =>
      transaction(() => {
        run("INSERT INTO settings VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value", key, value);
      }),

    changeSetting: (key, change) =>
      transaction(() => {
        const row = statement("SELECT value FROM settings WHERE key = ?").get(key) as Row | undefined;
        const sql = "INSERT INTO settings VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value";
        run(sql, key, change(row?.value as string | undefined));
      }),

    addInvite: (added) =>
      transaction(() => {
        const { secretHash, inviter = null, expiresMs } = added;
        run("INSERT INTO invites VALUES (?, ?, ?, ?, NULL)", secretHash, added.party, inviter, expiresMs);
      }),
    findInvite: (secretHash) => one(invite, "SELECT * FROM invites WHERE secret_hash = ?", secretHash),
    countOpenInvites: (inviter, nowMs) =>
      count(
        "SELECT count(*) AS n FROM invites WHERE inviter = ? AND used_ms IS NULL AND expires_ms > ?",
        inviter,
        nowMs,
      ),
    enrol: ({ secretHash, nowMs, party, certificate }) =>
      transaction(() => {
        const known = statement("SELECT identity_public_key FROM parties WHERE party = ?").get(party.party) as
          | Row
          | undefined;
        if (known !== undefined && !Buffer.from(party.identityPublicKey).equals(known.identity_public_key as Buffer))
          return "name-taken";
        if (run("UPDATE invites SET used_ms = ? WHERE secret_hash = ? AND used_ms IS NULL", nowMs, secretHash) !== 1)
          return "invite-used";
        run(
          `INSERT INTO parties VALUES (?, ?, ?, NULL)
           ON CONFLICT (party) DO UPDATE SET keyset = excluded.keyset, revoked_ms = NULL`,
          party.party,
          party.identityPublicKey,
          party.keyset,
        );
        const { fingerprint, notAfterMs } = certificate;
        run("INSERT INTO certificates VALUES (?, ?, ?, NULL)", fingerprint, party.party, notAfterMs);
        return "enrolled";
      }),

    findParty: (name) => one(party, "SELECT * FROM parties WHERE party = ?", name),
    listParties: async (after, limit) => {
      const sql = "SELECT * FROM parties WHERE party > ? AND revoked_ms IS NULL ORDER BY party LIMIT ?";
      return (await all(sql, after, limit)).map(party);
    },
    putKeyset: (name, keyset) =>
      transaction(() => {
        run("UPDATE parties SET keyset = ? WHERE party = ?", keyset, name);
      }),
    putIdentity: ({ party: name, identityPublicKey, keyset }, before) =>
      transaction(() => {
        const sql =
          "UPDATE parties SET identity_public_key = ?, keyset = ? WHERE party = ? AND identity_public_key = ?";
        run(sql, identityPublicKey, keyset, name, before);
      }),
    revokeParty: (name, nowMs) =>
      transaction(() => {
        run("UPDATE certificates SET revoked_ms = ? WHERE party = ? AND revoked_ms IS NULL", nowMs, name);
        return run("UPDATE parties SET revoked_ms = coalesce(revoked_ms, ?) WHERE party = ?", nowMs, name) === 1;
      }),
    findCertificate: (fingerprint) => one(certificate, "SELECT * FROM certificates WHERE fingerprint = ?", fingerprint),

    findAgreement: (digest) => one(agreement, "SELECT * FROM agreements WHERE agreement_digest = ?", digest),
    listAgreements: async (name, after, limit): Promise<AgreementEntry[]> => {
      const sql = `SELECT a.* FROM agreement_parties p JOIN agreements a USING (agreement_digest)
        WHERE p.party = ? AND p.agreement_digest > ? ORDER BY p.agreement_digest LIMIT ?`;
      return (await all(sql, name, after, limit)).map(agreement);
    },
    countAgreements: (name) => count("SELECT count(*) AS n FROM agreement_parties WHERE party = ?", name),
    putAgreement: (put) =>
      transaction(() => {
        const { agreementDigest, collaborationId, state, revision } = put;
        const marks = JSON.stringify(put.marks);
        const changed =
          revision === 0
            ? run(
                "INSERT INTO agreements VALUES (?, ?, ?, ?, ?, 1) ON CONFLICT DO NOTHING",
                agreementDigest,
                collaborationId,
                JSON.stringify(put.parties),
                state,
                marks,
              )
            : run(
                `UPDATE agreements SET state = ?, marks = ?, revision = revision + 1
                 WHERE agreement_digest = ? AND revision = ?`,
                state,
                marks,
                agreementDigest,
                revision,
              );
        if (changed !== 1) return false;
        if (revision === 0)
          for (const name of put.parties) run("INSERT INTO agreement_parties VALUES (?, ?)", name, agreementDigest);
        return true;
      }),
    partiesOf: async (collaborationId) => {
      const sql = "SELECT parties FROM agreements WHERE collaboration_id = ? LIMIT 1";
      return (await one((row) => JSON.parse(row.parties as string) as PartyId[], sql, collaborationId)) ?? [];
    },

    findJob: (id) => one(job, "SELECT * FROM jobs WHERE job_id = ?", id),
    listJobs: async (name, after, limit): Promise<Job[]> => {
      const sql = "SELECT * FROM jobs WHERE (requester = ? OR peer = ?) AND job_id > ? ORDER BY job_id LIMIT ?";
      return (await all(sql, name, name, after, limit)).map(job);
    },
    countJobs: (requester) => count("SELECT count(*) AS n FROM jobs WHERE requester = ?", requester),
    putJob: (put) =>
      transaction(() => {
        const { jobId, state, reason = null, updatedAt, revision } = put;
        const changed =
          revision === 0
            ? run(
                "INSERT INTO jobs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 1) ON CONFLICT DO NOTHING",
                jobId,
                put.agreementDigest,
                put.collaborationId,
                put.requester,
                put.peer,
                put.jobDigest,
                state,
                reason,
                updatedAt,
              )
            : run(
                `UPDATE jobs SET state = ?, reason = ?, updated_at = ?, revision = revision + 1
                 WHERE job_id = ? AND revision = ?`,
                state,
                reason,
                updatedAt,
                jobId,
                revision,
              );
        return changed === 1;
      }),

    findReceipt: (id) =>
      one((row) => row.entry_digest as Digest, "SELECT entry_digest FROM receipts WHERE job_id = ?", id),
    addReceipt: ({ jobId, collaborationId }, receipt, entry) =>
      transaction(() => {
        if (run("INSERT INTO receipts VALUES (?, ?) ON CONFLICT DO NOTHING", jobId, receipt) !== 1) return false;
        run("INSERT INTO pending_entries (collaboration_id, bytes) VALUES (?, ?)", collaborationId, entry);
        return true;
      }),

    pendingEntries: async (collaborationId) => {
      const sql = "SELECT id, bytes FROM pending_entries WHERE collaboration_id = ? ORDER BY id";
      const rows = await all(sql, collaborationId);
      return rows.map((row) => ({ id: row.id as number, bytes: row.bytes as Uint8Array }));
    },
    collaborationsWithPendingEntries: async () => {
      const rows = await all("SELECT DISTINCT collaboration_id FROM pending_entries");
      return rows.map((row) => row.collaboration_id as CollaborationId);
    },
    removePending: (ids) =>
      transaction(() => {
        for (const id of ids) run("DELETE FROM pending_entries WHERE id = ?", id);
      }),

    close: async () => db.close(),
  };
}

function migrate(db: DatabaseSync): void {
  db.exec("BEGIN IMMEDIATE");
  const found = (db.prepare("PRAGMA user_version").get() as Row).user_version;
  if (found === 0) db.exec(`${SCHEMA} PRAGMA user_version = ${SCHEMA_VERSION};`);
  db.exec("COMMIT");
  if (found === 0 || found === SCHEMA_VERSION) return;
  db.close();
  throw new EntenteError("STORAGE_FAILED", { detail: "the coordinator's database is of another version" });
}
