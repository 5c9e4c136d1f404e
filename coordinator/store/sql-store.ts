/** What the coordinator keeps, in a database of either kind. */
import type { AgreementEntry, AgreementState, Job, JobState } from "../../proto/codec/coordinator.ts";
import type { Database, SqlValue } from "../../proto/database/database.ts";
import { equalBytes } from "../../proto/encoding/bytes.ts";
import type { ErrorCode } from "../../proto/errors.ts";
import type { CollaborationId, Digest, JobId, PartyId } from "../../proto/ids.ts";
import type { JobRole } from "../jobs/lifecycle.ts";
import type { Store, StoredAgreement, StoredCertificate, StoredInvite, StoredJob, StoredParty } from "./store.ts";

type Row = Record<string, unknown>;

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
    serial: optional(row.serial),
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

const PUT_SETTING =
  "INSERT INTO settings (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value";

const JOB_COLUMNS = [
  ...["job_id", "agreement_digest", "collaboration_id", "requester", "peer", "job_digest"],
  ...["state", "reason", "updated_at", "revision"],
];

const JOB_EVENT_COLUMNS = ["job_id", "seq", "state", "by_role", "at", "reason"];

const CERTIFICATE_COLUMNS = ["fingerprint", "party", "not_after_ms", "serial"];
const LIVE = "party = ? AND not_after_ms > ? AND revoked_ms IS NULL";

async function written(work: Promise<number>): Promise<void> {
  await work;
}

export function sqlStore(db: Database): Store {
  const one = async <T>(read: (row: Row) => T, sql: string, ...values: SqlValue[]): Promise<T | undefined> => {
    const row = await db.get<Row>(sql, ...values);
    return row === undefined ? undefined : read(row);
  };
  const all = (sql: string, ...values: SqlValue[]) => db.all<Row>(sql, ...values);
  const count = async (sql: string, ...values: SqlValue[]): Promise<number> =>
    (await one((row) => row.n as number, sql, ...values)) ?? 0;

  return {
    readSetting: (key) => one((row) => row.value as string, "SELECT value FROM settings WHERE key = ?", key),
    writeSetting: (key, value) => written(db.run(PUT_SETTING, key, value)),

    changeSetting: (key, change) =>
      db.transaction(async (sql) => {
        const row = await sql.get<{ value: string }>("SELECT value FROM settings WHERE key = ?", key);
        await sql.run(PUT_SETTING, key, change(row?.value));
      }),

    addInvite: ({ secretHash, party, inviter = null, expiresMs }) => {
      const columns = ["secret_hash", "party", "inviter", "expires_ms"];
      return written(db.insert("invites", columns, [[secretHash, party, inviter, expiresMs]]));
    },
    findInvite: (secretHash) => one(invite, "SELECT * FROM invites WHERE secret_hash = ?", secretHash),
    countOpenInvites: (inviter, nowMs) =>
      count(
        "SELECT count(*) AS n FROM invites WHERE inviter = ? AND used_ms IS NULL AND expires_ms > ?",
        inviter,
        nowMs,
      ),
    enrol: ({ secretHash, nowMs, party, certificate }) =>
      db.transaction(async (sql) => {
        const identity = "SELECT identity_public_key FROM parties WHERE party = ?";
        const known = await sql.get<{ identity_public_key: Uint8Array }>(identity, party.party);
        if (known !== undefined && !equalBytes(party.identityPublicKey, known.identity_public_key)) return "name-taken";
        const use = "UPDATE invites SET used_ms = ? WHERE secret_hash = ? AND used_ms IS NULL";
        if ((await sql.run(use, nowMs, secretHash)) !== 1) return "invite-used";
        await sql.run(
          `INSERT INTO parties (party, identity_public_key, keyset) VALUES (?, ?, ?)
           ON CONFLICT (party) DO UPDATE SET keyset = excluded.keyset, revoked_ms = NULL`,
          ...[party.party, party.identityPublicKey, party.keyset],
        );
        const { fingerprint, notAfterMs, serial = null } = certificate;
        await sql.insert("certificates", CERTIFICATE_COLUMNS, [[fingerprint, party.party, notAfterMs, serial]]);
        return "enrolled";
      }),

    findParty: (name) => one(party, "SELECT * FROM parties WHERE party = ?", name),
    listParties: async (after, limit) => {
      const sql = "SELECT * FROM parties WHERE party > ? AND revoked_ms IS NULL ORDER BY party LIMIT ?";
      return (await all(sql, after, limit)).map(party);
    },
    putKeyset: (name, keyset) => written(db.run("UPDATE parties SET keyset = ? WHERE party = ?", keyset, name)),
    putIdentity: ({ party: name, identityPublicKey, keyset }, before) => {
      const put = "UPDATE parties SET identity_public_key = ?, keyset = ? WHERE party = ? AND identity_public_key = ?";
      return written(db.run(put, identityPublicKey, keyset, name, before));
    },
    revokeParty: (name, nowMs) =>
      db.transaction(async (sql) => {
        await sql.run("UPDATE certificates SET revoked_ms = ? WHERE party = ? AND revoked_ms IS NULL", nowMs, name);
        const revoke = "UPDATE parties SET revoked_ms = coalesce(revoked_ms, ?) WHERE party = ?";
        return (await sql.run(revoke, nowMs, name)) === 1;
      }),
    findCertificate: (fingerprint) => one(certificate, "SELECT * FROM certificates WHERE fingerprint = ?", fingerprint),

    addCertificate: ({ fingerprint, party, notAfterMs, serial = null }, { nowMs, maxLive }) =>
      db.transaction(async (sql) => {
        const enrolled = "SELECT 1 AS one FROM parties WHERE party = ? AND revoked_ms IS NULL";
        if ((await sql.get(enrolled, party)) === undefined) return "revoked";
        const live = await sql.get<{ n: number }>(`SELECT count(*) AS n FROM certificates WHERE ${LIVE}`, party, nowMs);
        if ((live?.n ?? 0) >= maxLive) return "too-many";
        await sql.insert("certificates", CERTIFICATE_COLUMNS, [[fingerprint, party, notAfterMs, serial]]);
        return "added";
      }),
    hasLiveCertificate: async (party, nowMs) =>
      (await db.get(`SELECT 1 AS one FROM certificates WHERE ${LIVE} LIMIT 1`, party, nowMs)) !== undefined,
    revokedCertificates: async (nowMs) => {
      const revoked =
        "SELECT * FROM certificates WHERE revoked_ms IS NOT NULL AND not_after_ms > ? ORDER BY fingerprint";
      return (await all(revoked, nowMs)).map(certificate);
    },

    findAgreement: (digest) => one(agreement, "SELECT * FROM agreements WHERE agreement_digest = ?", digest),
    listAgreements: async (name, after, limit): Promise<AgreementEntry[]> => {
      const sql = `SELECT a.* FROM agreement_parties p JOIN agreements a USING (agreement_digest)
        WHERE p.party = ? AND p.agreement_digest > ? ORDER BY p.agreement_digest LIMIT ?`;
      return (await all(sql, name, after, limit)).map(agreement);
    },
    countAgreements: (name) => count("SELECT count(*) AS n FROM agreement_parties WHERE party = ?", name),
    putAgreement: (put) =>
      db.transaction(async (sql) => {
        const { agreementDigest, collaborationId, state, revision } = put;
        const [parties, marks] = [JSON.stringify(put.parties), JSON.stringify(put.marks)];
        if (revision > 0) {
          const replace = `UPDATE agreements SET state = ?, marks = ?, revision = revision + 1
            WHERE agreement_digest = ? AND revision = ?`;
          return (await sql.run(replace, state, marks, agreementDigest, revision)) === 1;
        }
        const columns = ["agreement_digest", "collaboration_id", "parties", "state", "marks", "revision"];
        const row = [agreementDigest, collaborationId, parties, state, marks, 1];
        if ((await sql.insert("agreements", columns, [row], { ignore: true })) !== 1) return false;
        const of = put.parties.map((name) => [name, agreementDigest]);
        await sql.insert("agreement_parties", ["party", "agreement_digest"], of);
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
    countJobsByState: async () => {
      const rows = await all("SELECT state, count(*) AS n FROM jobs GROUP BY state ORDER BY state");
      return Object.fromEntries(rows.map(({ state, n }) => [state as string, Number(n)]));
    },
    jobEvents: async (id) =>
      (await all("SELECT * FROM job_events WHERE job_id = ? ORDER BY seq", id)).map((row) => ({
        state: row.state as JobState,
        by: row.by_role as JobRole,
        at: row.at as string,
        reason: optional<ErrorCode>(row.reason),
      })),
    appendJobEvent: (put, event) =>
      db.transaction(async (sql) => {
        const { jobId, state, reason = null, updatedAt, revision } = put;
        const replace = `UPDATE jobs SET state = ?, reason = ?, updated_at = ?, revision = revision + 1
          WHERE job_id = ? AND revision = ?`;
        const { agreementDigest, collaborationId, requester, peer, jobDigest } = put;
        const row = [jobId, agreementDigest, collaborationId, requester, peer, jobDigest, state, reason, updatedAt, 1];
        const changed =
          revision > 0
            ? await sql.run(replace, state, reason, updatedAt, jobId, revision)
            : await sql.insert("jobs", JOB_COLUMNS, [row], { ignore: true });
        if (changed !== 1) return false;
        const said = [jobId, revision, event.state, event.by, event.at, event.reason ?? null];
        await sql.insert("job_events", JOB_EVENT_COLUMNS, [said]);
        return true;
      }),

    findReceipt: (id) =>
      one((row) => row.entry_digest as Digest, "SELECT entry_digest FROM receipts WHERE job_id = ?", id),
    addReceipt: ({ jobId, collaborationId }, receipt, entry) =>
      db.transaction(async (sql) => {
        const row = [jobId, receipt];
        if ((await sql.insert("receipts", ["job_id", "entry_digest"], [row], { ignore: true })) !== 1) return false;
        await sql.insert("pending_entries", ["collaboration_id", "bytes"], [[collaborationId, entry]]);
        return true;
      }),

    pendingEntries: async (collaborationId) => {
      const sql = "SELECT id, bytes FROM pending_entries WHERE collaboration_id = ? ORDER BY id";
      const rows = await all(sql, collaborationId);
      return rows.map((row) => ({ id: row.id as number, bytes: row.bytes as Uint8Array }));
    },
    collaborationsWithPendingEntries: async () => {
      const rows = await all("SELECT DISTINCT collaboration_id FROM pending_entries ORDER BY collaboration_id");
      return rows.map((row) => row.collaboration_id as CollaborationId);
    },
    removePending: (ids) =>
      db.transaction(async (sql) => {
        for (const id of ids) await sql.run("DELETE FROM pending_entries WHERE id = ?", id);
      }),

    close: async () => db.close(),
  };
}
