/**
 * The one catalogue of errors. A peer, a client and a log line see a code and its fixed public text; causes and values
 * stay in this process. Each text says what happened and how to mend it; `who` says who must act.
 */

/** Who has to act on an error: this node's own users or operator, the peer's, or the coordinator's operator. */
export type Actor = "caller" | "operator" | "peer" | "coordinator" | "nobody";

interface CatalogueEntry {
  /** gRPC status code number (google.rpc.Code). */
  readonly grpc: number;
  readonly http: number;
  readonly retryable: boolean;
  readonly who: Actor;
  readonly text: string;
}

const INVALID_ARGUMENT = 3;
const DEADLINE_EXCEEDED = 4;
const NOT_FOUND = 5;
const ALREADY_EXISTS = 6;
const PERMISSION_DENIED = 7;
const RESOURCE_EXHAUSTED = 8;
const FAILED_PRECONDITION = 9;
const ABORTED = 10;
const INTERNAL = 13;
const UNAVAILABLE = 14;
const DATA_LOSS = 15;
const UNAUTHENTICATED = 16;

function entry(grpc: number, http: number, who: Actor, text: string, retryable = false): CatalogueEntry {
  return { grpc, http, retryable, who, text };
}

export const CATALOGUE = {
  // What a caller asked for.
  BAD_REQUEST: entry(
    INVALID_ARGUMENT,
    400,
    "caller",
    "The request is not of the documented form. Correct the named field and send it again.",
  ),
  NOT_FOUND: entry(
    NOT_FOUND,
    404,
    "caller",
    "There is nothing of that name here. List what exists and use one of those names.",
  ),
  ALREADY_EXISTS: entry(
    ALREADY_EXISTS,
    409,
    "caller",
    "That name is taken. Choose another, or remove the existing one first.",
  ),
  TOKEN_MISSING: entry(
    UNAUTHENTICATED,
    401,
    "caller",
    "No valid bearer token came with the request. Send the token that this node issued.",
  ),
  NOT_ALLOWED: entry(
    PERMISSION_DENIED,
    403,
    "caller",
    "This token's role may not do that. Ask a colleague who holds the role.",
  ),
  NODE_UNREACHABLE: entry(
    UNAVAILABLE,
    503,
    "operator",
    "The party node does not answer. Start it with 'entente party start', or name the right folder with --node.",
    true,
  ),

  // Enrolment and identity.
  INVITE_INVALID: entry(
    PERMISSION_DENIED,
    403,
    "caller",
    "The invite code is damaged, unknown or expired. Ask the coordinator's operator or your peer for a new one.",
  ),
  INVITE_USED: entry(
    PERMISSION_DENIED,
    403,
    "caller",
    "The invite code has been used. An invite enrols one party once; ask for a new one.",
  ),
  PARTY_NAME_TAKEN: entry(
    ALREADY_EXISTS,
    409,
    "caller",
    "Another identity is enrolled under that party name. Choose another name.",
  ),
  NOT_ENROLLED: entry(
    FAILED_PRECONDITION,
    409,
    "operator",
    "This node is not enrolled at a coordinator. Run 'entente enroll' with an invite code.",
  ),
  PEER_UNKNOWN: entry(
    NOT_FOUND,
    404,
    "caller",
    "No party of that name is enrolled at the coordinator. Check the name, or wait for the peer to enrol.",
  ),
  PEER_UNCONFIRMED: entry(
    FAILED_PRECONDITION,
    409,
    "caller",
    "The peer's identity has not been confirmed. Compare fingerprints by telephone, then run 'entente peer confirm'.",
  ),
  FINGERPRINT_MISMATCH: entry(
    PERMISSION_DENIED,
    403,
    "caller",
    "The fingerprint given is not the one that the directory shows for this peer. Do not go on: tell the peer and the coordinator's operator.",
  ),
  PEER_REFUSED_IDENTITY: entry(
    PERMISSION_DENIED,
    502,
    "peer",
    "The peer closed the session before proving itself: it does not accept this node's identity. Ask it to confirm your fingerprint.",
  ),
  PEER_IDENTITY_WRONG: entry(
    UNAUTHENTICATED,
    502,
    "peer",
    "The other end of the session does not hold the key that the agreement expects. Nothing was sent.",
  ),
  CERTIFICATE_REFUSED: entry(
    UNAUTHENTICATED,
    401,
    "operator",
    "The certificate is not one that this coordinator issued to an enrolled party, or it was revoked. Enrol again.",
  ),

  // Session and wire.
  SESSION_RESUMED: entry(
    ABORTED,
    502,
    "peer",
    "The session was resumed or replayed; only fresh handshakes are accepted.",
  ),
  SESSION_MISMATCH: entry(
    ABORTED,
    502,
    "peer",
    "The peer signed another job, attempt, role or plan than this one. Nothing was sent.",
  ),
  ATTEMPT_REPLAYED: entry(
    ABORTED,
    409,
    "peer",
    "That attempt number was used before. A new attempt needs a higher number.",
  ),
  PEER_GONE: entry(
    UNAVAILABLE,
    502,
    "peer",
    "The peer's connection ended before the job was finished. Nothing was released; run the job again when the peer is back.",
    true,
  ),
  PEER_FAILED: entry(
    ABORTED,
    502,
    "peer",
    "The peer's node gave up for a reason of its own. Its operator finds the cause in its log; nothing was released.",
  ),
  PEER_TIMEOUT: entry(
    DEADLINE_EXCEEDED,
    504,
    "peer",
    "The peer did not answer in time. Nothing was released; ask its operator whether its node is running.",
    true,
  ),
  COORDINATOR_UNREACHABLE: entry(
    UNAVAILABLE,
    503,
    "coordinator",
    "The coordinator does not answer. Check the network, then ask its operator.",
    true,
  ),
  WIRE_INVALID: entry(
    INVALID_ARGUMENT,
    502,
    "peer",
    "A message from the other side breaks the protocol's format. The session was ended and nothing was released.",
  ),
  WIRE_TOO_LARGE: entry(
    RESOURCE_EXHAUSTED,
    502,
    "peer",
    "A message from the other side is larger than the protocol allows. The session was ended.",
  ),
  WIRE_UNEXPECTED: entry(
    ABORTED,
    502,
    "peer",
    "A message came out of order or twice. The session was ended and nothing was released.",
  ),
  POINT_INVALID: entry(
    INVALID_ARGUMENT,
    502,
    "peer",
    "The peer sent an invalid, identity or duplicate group element. The session was ended and nothing was released.",
  ),
  CIPHERTEXT_INVALID: entry(
    INVALID_ARGUMENT,
    502,
    "peer",
    "The peer sent a ciphertext of the wrong length, modulus or parameters. The session was ended and nothing was released.",
  ),
  SEAL_INVALID: entry(
    DATA_LOSS,
    502,
    "peer",
    "The gate key does not open what the peer sealed. Nothing was released; keep the evidence log.",
  ),
  RECEIPT_MISMATCH: entry(
    ABORTED,
    502,
    "peer",
    "The two nodes do not describe the job alike in the receipt. Nothing was released.",
  ),

  // Data.
  DATASET_FILE_MISSING: entry(
    NOT_FOUND,
    400,
    "caller",
    "The data file is not there or cannot be read. Check the path and the node's permissions.",
  ),
  DATASET_EMPTY: entry(FAILED_PRECONDITION, 400, "caller", "The data file has no rows. Check the export that made it."),
  DATASET_FORMAT: entry(
    INVALID_ARGUMENT,
    400,
    "caller",
    "The file cannot be read as the registered format. Check that it is the CSV or Parquet file that you meant.",
  ),
  DATASET_COLUMN_UNKNOWN: entry(
    INVALID_ARGUMENT,
    400,
    "caller",
    "The dataset has no column of that name. List the columns and use one of them.",
  ),
  DATASET_COLUMN_TYPE: entry(
    INVALID_ARGUMENT,
    400,
    "caller",
    "A column has another type than the operation needs. Use a numeric column for a feature.",
  ),
  DATASET_ID_EMPTY: entry(
    FAILED_PRECONDITION,
    400,
    "caller",
    "The id column holds no usable id: every row is blank or malformed. Check the column and its normaliser.",
  ),
  DATASET_CHANGED: entry(
    FAILED_PRECONDITION,
    409,
    "caller",
    "The data changed since it was registered. Register it again to make a new version.",
  ),
  DATABASE_UNKNOWN: entry(
    NOT_FOUND,
    400,
    "operator",
    "The node's configuration has no usable database of that name. Mend 'databases' in node.json, and restart the node.",
  ),
  DATABASE_UNREACHABLE: entry(
    UNAVAILABLE,
    502,
    "operator",
    "The database cannot be reached, or the connection to it broke. Check that it runs, its address and TLS; then try again.",
    true,
  ),
  DATABASE_REFUSED: entry(
    FAILED_PRECONDITION,
    400,
    "operator",
    "The database refuses the request. Look up the SQLSTATE, and check the table or query and the user's rights.",
  ),
  FEED_BEHIND: entry(
    FAILED_PRECONDITION,
    409,
    "caller",
    "The node has forgotten tags that ended since this feed's last delivery. Run it once in full.",
  ),
  FEED_VALUE: entry(
    FAILED_PRECONDITION,
    409,
    "caller",
    "The feed's target cannot hold the text of a tag. Leave that tag's key out of the feed, or feed it to files.",
  ),
  FEED_SECRET: entry(
    FAILED_PRECONDITION,
    400,
    "operator",
    "The webhook's secret cannot be used. Put 'whsec_' and its Base64 into the feed's secret file, readable by the node.",
  ),
  FEED_UNREACHABLE: entry(
    UNAVAILABLE,
    502,
    "operator",
    "The webhook's receiver did not take the events, time and again. Check that it runs; the next run goes on where this one stopped.",
    true,
  ),
  FEED_REFUSED: entry(
    FAILED_PRECONDITION,
    502,
    "operator",
    "The webhook's receiver refuses the events. Check its address and secret with its operator, then run the feed again.",
  ),
  FEED_GONE: entry(
    FAILED_PRECONDITION,
    409,
    "operator",
    "The webhook's receiver is gone for good (410), and the feed has stopped. Remove it, or add it with another address.",
  ),
  TAG_CATALOGUE: entry(
    FAILED_PRECONDITION,
    409,
    "caller",
    "The tag catalogue has another definition of that key. Issue a value of its kind, or let its owner define the key anew.",
  ),
  LABEL_UNFIT: entry(
    FAILED_PRECONDITION,
    409,
    "peer",
    "A value of a label column is longer than agreed, or not of the agreed type. The partner's node mends that column, or both agree on another length or type.",
  ),
  STORAGE_FAILED: entry(
    INTERNAL,
    500,
    "operator",
    "The node could not write to its disk. Free space or mend the permissions, then try again.",
    true,
  ),

  // Agreement and policy.
  AGREEMENT_INVALID: entry(
    INVALID_ARGUMENT,
    400,
    "caller",
    "The agreement document is not of the published form. Correct the named field.",
  ),
  AGREEMENT_UNKNOWN: entry(
    NOT_FOUND,
    404,
    "caller",
    "This node holds no agreement with that digest signed by all its parties.",
  ),
  AGREEMENT_UNSIGNED: entry(
    FAILED_PRECONDITION,
    409,
    "peer",
    "The agreement does not carry every party's signature yet. The missing party signs with 'entente agreement sign'.",
  ),
  AGREEMENT_EXPIRED: entry(
    FAILED_PRECONDITION,
    403,
    "caller",
    "The agreement is no longer valid. Propose and sign a new version.",
  ),
  SIGNATURE_INVALID: entry(
    PERMISSION_DENIED,
    403,
    "peer",
    "A signature does not verify under the key that it names. The document was refused.",
  ),
  POLICY_OPERATION: entry(
    PERMISSION_DENIED,
    403,
    "caller",
    "The agreement does not allow that operation in that direction. Ask for one that it names.",
  ),
  POLICY_DATASET: entry(
    PERMISSION_DENIED,
    403,
    "caller",
    "The agreement does not cover that dataset or column. Use those that it names.",
  ),
  NORMALISER_RECEIVER_OLDER: entry(
    FAILED_PRECONDITION,
    409,
    "operator",
    "The receiver's node normalises ids by older rules than the provider's, so people would be missed. Upgrade the receiver's node.",
  ),
  NORMALISER_PROVIDER_OLDER: entry(
    FAILED_PRECONDITION,
    409,
    "peer",
    "The provider's node normalises ids by older rules than the receiver's, so people would be missed. Have the provider upgrade its node.",
  ),
  POLICY_SEGMENT: entry(
    PERMISSION_DENIED,
    403,
    "caller",
    "The agreement allows this operation over named segments of the provider's dataset only. Name one of them.",
  ),
  POLICY_INPUT_FLOOR: entry(
    FAILED_PRECONDITION,
    403,
    "caller",
    "The input list is smaller than the agreed minimum. Use a larger list.",
  ),
  POLICY_AUDIENCE: entry(
    FAILED_PRECONDITION,
    409,
    "caller",
    "The result of that audience cannot be scored over. Run the audience again, and name the new one.",
  ),
  POLICY_RESULT_FLOOR: entry(FAILED_PRECONDITION, 200, "nobody", "Withheld: below the agreed minimum."),
  JOB_REFUSED: entry(
    PERMISSION_DENIED,
    403,
    "peer",
    "The peer's node refused the job. The reason it gave is recorded with the job.",
  ),

  // Scoring.
  MODEL_INVALID: entry(
    INVALID_ARGUMENT,
    400,
    "caller",
    "The model file is not of the published form. Correct the named field.",
  ),
  MODEL_UNSUPPORTED: entry(
    INVALID_ARGUMENT,
    400,
    "caller",
    "The model has a part that cannot be scored exactly here. Train it without the part that is named.",
  ),
  MODEL_MISMATCH: entry(
    FAILED_PRECONDITION,
    409,
    "peer",
    "The encrypted model is not the version that the job names. Ask the bank to run the job with the version it offered.",
  ),
  MODEL_HEADROOM: entry(
    INVALID_ARGUMENT,
    400,
    "caller",
    "The model's weights are too large for exact arithmetic. Clip the features or rescale the model.",
  ),
  TAG_RULE_INVALID: entry(
    INVALID_ARGUMENT,
    400,
    "caller",
    "A tag rule is not of the published form, or does not fit the data. Correct the place that is named.",
  ),

  // Agreements that ended, and the rules of policy beside the floors.
  AGREEMENT_REVOKED: entry(
    PERMISSION_DENIED,
    403,
    "caller",
    "One of the parties has revoked the agreement. Nothing more runs under it; make a new one if both want to go on.",
  ),
  AGREEMENT_SUPERSEDED: entry(
    PERMISSION_DENIED,
    403,
    "caller",
    "A later version of the agreement is in force. Use its digest.",
  ),
  AGREEMENT_NOT_IN_FORCE: entry(
    FAILED_PRECONDITION,
    409,
    "peer",
    "The peer has not said within 24 hours that the agreement is still in force. Try again when its node can be reached.",
    true,
  ),
  POLICY_GATED: entry(
    FAILED_PRECONDITION,
    409,
    "caller",
    "The agreement demands that the provider's node enforces the result floor, which this version cannot do. Agree on the receiver's node.",
  ),
  POLICY_OUTPUT: entry(
    PERMISSION_DENIED,
    403,
    "caller",
    "The agreement does not allow this output, or a column's role or grading forbids it. Ask for an agreed output.",
  ),
  POLICY_PURPOSE: entry(
    PERMISSION_DENIED,
    403,
    "caller",
    "The job's purpose is none of the agreement's. Name one of those that were agreed.",
  ),
  POLICY_RETENTION: entry(
    PERMISSION_DENIED,
    403,
    "caller",
    "The tags would live longer than the agreement allows. Ask for fewer days.",
  ),
  POLICY_SIZE_RATIO: entry(
    PERMISSION_DENIED,
    403,
    "caller",
    "One list is too many times larger than the other: a dictionary of ids would look like this. Use lists of like size.",
  ),
  POLICY_RUNS_EPOCH: entry(
    RESOURCE_EXHAUSTED,
    403,
    "caller",
    "The agreed number of runs of this pair of datasets in an epoch is used up. Wait for the next epoch.",
  ),
  POLICY_RUNS_DAY: entry(
    RESOURCE_EXHAUSTED,
    403,
    "caller",
    "The agreed number of runs of this pair of datasets in a day is used up. Run it tomorrow.",
  ),
  POLICY_SCORE_REPEATED: entry(
    PERMISSION_DENIED,
    403,
    "caller",
    "These versions of the datasets have been scored by this model version in this epoch. Use that result.",
  ),
  POLICY_MODEL_VERSIONS: entry(
    PERMISSION_DENIED,
    403,
    "caller",
    "So many model versions in an epoch could extract the partner's columns. Wait for the next epoch, or agree on more columns or coarser ones.",
  ),
  POLICY_DATASET_VERSIONS: entry(
    RESOURCE_EXHAUSTED,
    403,
    "caller",
    "The agreed number of dataset versions for aggregate outputs in an epoch is used up. Wait for the next epoch.",
  ),
  POLICY_DIFFERENCE: entry(
    PERMISSION_DENIED,
    403,
    "caller",
    "The list, or the provider's segment, differs from an earlier one by so few people that the two results would tell about them. Use one that differs by more.",
  ),
  APPROVAL_NEEDED: entry(
    FAILED_PRECONDITION,
    409,
    "operator",
    "The agreement asks for a person's approval of this job. A steward approves or declines it with 'entente approval'.",
  ),
  APPROVAL_DECLINED: entry(
    PERMISSION_DENIED,
    403,
    "caller",
    "A steward has declined the job. Talk to the steward before asking again.",
  ),
  APPROVAL_OVERDUE: entry(
    DEADLINE_EXCEEDED,
    409,
    "caller",
    "Nobody approved or declined the job in time. Ask the steward, then run it again.",
  ),
  APPROVER_IS_REQUESTER: entry(
    PERMISSION_DENIED,
    403,
    "caller",
    "Whoever asked for a job cannot approve it. Another steward must decide.",
  ),
  TOKEN_EXPIRED: entry(
    UNAUTHENTICATED,
    401,
    "caller",
    "The bearer token has expired or was revoked. Ask the node's operator for a new one.",
  ),
  FILTER_INVALID: entry(
    INVALID_ARGUMENT,
    400,
    "caller",
    "The filter is not one SQL expression over the dataset's own columns. Correct the named part.",
  ),
  SEGMENT_INVALID: entry(
    INVALID_ARGUMENT,
    400,
    "caller",
    "The segment cannot be defined or used like that. Correct what is named.",
  ),
  SEGMENT_CHANGED: entry(
    FAILED_PRECONDITION,
    409,
    "caller",
    "Other people are in the segment now than when the job was asked for. Ask for the job again.",
  ),
  SEGMENT_UNPUBLISHED: entry(
    PERMISSION_DENIED,
    403,
    "peer",
    "The provider publishes no segment of that name of that dataset. List those it does with 'entente peer segments', or ask its people to publish it.",
  ),
  SEGMENT_VERSION: entry(
    FAILED_PRECONDITION,
    409,
    "caller",
    "The provider publishes another version of that segment. Look at 'entente peer segments' and ask with the version shown there.",
  ),

  // Evidence.
  LOG_CORRUPT: entry(
    DATA_LOSS,
    500,
    "operator",
    "The evidence log on disk does not verify. Stop, keep the folder, and restore from backup.",
  ),
  LOG_FORKED: entry(
    DATA_LOSS,
    409,
    "operator",
    "Two checkpoints of one log do not agree: it was restored from a backup or changed. Nothing is signed for it; 'entente evidence' shows both and what to do.",
  ),
  COLLABORATION_FROZEN: entry(
    FAILED_PRECONDITION,
    409,
    "operator",
    "The log of another party to the collaboration, or the coordinator's, has shown two histories. Both are kept; no job runs until a person here has seen them ('entente evidence').",
  ),
  COLLABORATION_READ_ONLY: entry(
    FAILED_PRECONDITION,
    409,
    "peer",
    "This node may have been restored from a backup. Nothing is written in the collaboration until every peer has said up to where it knows this node's log.",
    true,
  ),
  LOG_BEHIND: entry(ABORTED, 409, "peer", "The checkpoint offered is older than the one already cosigned."),

  CANCELLED: entry(ABORTED, 409, "caller", "The job was cancelled. Nothing was released."),
  NODE_RESTARTED: entry(
    UNAVAILABLE,
    503,
    "caller",
    "A node stopped while the job was running. Nothing was released; run the job again.",
    true,
  ),
  OVERLOADED: entry(
    RESOURCE_EXHAUSTED,
    429,
    "caller",
    "The node is busy with as many jobs as it may run. Try again later.",
    true,
  ),
  INTERNAL: entry(
    INTERNAL,
    500,
    "operator",
    "Something went wrong inside this node. Its log has the cause under this job or request id.",
  ),
} as const satisfies Record<string, CatalogueEntry>;

export type ErrorCode = keyof typeof CATALOGUE;

export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === "string" && Object.hasOwn(CATALOGUE, value);
}

/** What one process tells another, or a client: a code, its fixed text, and a detail that names no value of the data. */
export interface PublicError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly detail?: string;
  readonly who: Actor;
  readonly retryable: boolean;
}

export interface ErrorOptions {
  /** Names of fields, columns, parties and counts only: it may be shown to the caller. Never an id or a value. */
  readonly detail?: string;
  /** For this process's own log. */
  readonly cause?: unknown;
}

export class EntenteError extends Error {
  readonly code: ErrorCode;
  readonly detail: string | undefined;

  constructor(code: ErrorCode, options: ErrorOptions = {}) {
    super(options.detail === undefined ? CATALOGUE[code].text : `${CATALOGUE[code].text} (${options.detail})`, {
      cause: options.cause,
    });
    this.name = "EntenteError";
    this.code = code;
    this.detail = options.detail;
  }

  /** The form that may leave the process. */
  toPublic(): PublicError {
    const { text, who, retryable } = CATALOGUE[this.code];
    return {
      code: this.code,
      message: text,
      ...(this.detail === undefined ? {} : { detail: this.detail }),
      who,
      retryable,
    };
  }
}

/** Every thrown value as a typed error; what is not one becomes INTERNAL with the original as its cause. */
export function toEntenteError(thrown: unknown): EntenteError {
  return thrown instanceof EntenteError ? thrown : new EntenteError("INTERNAL", { cause: thrown });
}
