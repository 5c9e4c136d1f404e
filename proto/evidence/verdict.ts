/** What a verification of evidence can find, and how it is told to people, in each language. */
import type { Language } from "../language.ts";

export const VERDICTS = ["verified", "tampered", "incomplete"] as const;
export type Verdict = (typeof VERDICTS)[number];

export interface ProblemEntry {
  readonly severity: Exclude<Verdict, "verified">;
  readonly text: Readonly<Record<Language, string>>;
}

function tampered(en: string, zh: string): ProblemEntry {
  return { severity: "tampered", text: { en, "zh-CN": zh } };
}

function incomplete(en: string, zh: string): ProblemEntry {
  return { severity: "incomplete", text: { en, "zh-CN": zh } };
}

export const PROBLEMS = {
  MANIFEST_INVALID: tampered(
    "The folder or file has no manifest of the published form.",
    "该文件夹或文件没有符合公开格式的清单。",
  ),
  FILE_MISSING: tampered(
    "A file that the manifest or the log's size calls for is missing.",
    "清单或存证日志的大小所要求的某个文件缺失。",
  ),
  FILE_EXTRA: tampered("The folder holds a file that does not belong there.", "文件夹中有一个不属于它的文件。"),
  FILE_DIFFERS: tampered("A file is not the one that the manifest lists.", "某个文件与清单所列的不一致。"),
  KEYSET_INVALID: tampered(
    "A keyset is malformed, not signed by its identity key, does not follow the one before, or contradicts another.",
    "某个密钥集格式有误、未经其身份密钥签名、与前一密钥集不衔接，或与另一密钥集矛盾。",
  ),
  IDENTITY_UNTRUSTED: tampered(
    "A party's identity is not among the fingerprints that you trust.",
    "某参与方的身份不在您所信任的指纹之中。",
  ),
  AGREEMENT_INVALID: tampered(
    "An agreement is malformed, not signed by all its parties, or names another identity.",
    "某份协议格式有误、未经全部参与方签署，或写的是另一个身份。",
  ),
  AGREEMENT_MISSING: tampered(
    "A receipt names an agreement that is not in the folder.",
    "某份回执所指的协议不在文件夹中。",
  ),
  CHECKPOINT_INVALID: tampered(
    "A checkpoint is malformed, or its owner's log key did not sign it.",
    "某个检查点格式有误，或未经日志所有者的日志密钥签名。",
  ),
  COSIGNATURE_INVALID: tampered(
    "A cosignature does not verify under the key that it names.",
    "某个见证签名无法用其所写的密钥验证。",
  ),
  TREE_DIFFERS: tampered(
    "The tree that the entries make is not the one in the tiles or under the checkpoint.",
    "由各条目算出的树，与分块文件或检查点中的不一致。",
  ),
  ENTRY_INVALID: tampered("A log entry is not of the published form.", "某个日志条目不符合公开格式。"),
  SIGNATURE_INVALID: tampered(
    "A log entry does not carry the signatures it needs, or one does not verify.",
    "某个日志条目缺少所需签名，或其签名验证不通过。",
  ),
  KEY_NOT_IN_FORCE: tampered(
    "A log entry or a checkpoint was signed by a key that was not in force.",
    "某个日志条目或检查点所用的签名密钥当时并未生效。",
  ),
  ORDER_BROKEN: tampered(
    "A log entry comes before what must precede it, or more often than it may.",
    "某个日志条目出现在其前提之前，或出现次数超过允许。",
  ),
  POLICY_BROKEN: tampered(
    "A receipt describes a job that its agreement does not allow.",
    "某份回执所述的任务是其协议不允许的。",
  ),
  GATE_BROKEN: tampered(
    "A result was released without the checkpoints that must be cosigned before.",
    "结果在应有的检查点取得见证签名之前就已放行。",
  ),
  OPENING_INVALID: tampered(
    "An opening is not what a commitment of its party was made of.",
    "某个承诺的打开值，并不是该参与方作出承诺时所用的值。",
  ),
  REVOCATION_INVALID: tampered(
    "A revocation is malformed, or not signed by the identity of a party to the agreement.",
    "某份撤销书格式有误，或未经协议一方的身份密钥签名。",
  ),
  TIME_BROKEN: tampered(
    "A log entry's time does not fit the cosignatures around it.",
    "某个日志条目的时间与其前后的见证签名不符。",
  ),
  DECISION_DIFFERS: tampered(
    "A recorded policy decision is not what the rules say over the log's own entries.",
    "所记录的策略决定，与按日志自身条目重算规则的结果不同。",
  ),
  APPROVAL_MISSING: tampered(
    "A job ran without the approval that its agreement demands.",
    "某个任务未取得其协议要求的审批就已运行。",
  ),
  AGREEMENT_ENDED: tampered(
    "Something was done under an agreement that had ended.",
    "在协议已经终止之后，仍据其执行了操作。",
  ),
  FLOOR_BROKEN: tampered(
    "A list or a result is smaller than the agreement allows.",
    "某份名单或结果的规模低于协议允许的下限。",
  ),
  SINCE_BROKEN: tampered(
    "A checkpoint that you kept is not one of a log's past, or its log's key did not sign it.",
    "您保存的某个检查点不在该日志的历史之中，或未经其日志密钥签名。",
  ),
  LOGS_DISAGREE: tampered(
    "Two logs tell different stories of one job, or one log has two histories.",
    "两份日志对同一任务的记录不一致，或同一日志有两段历史。",
  ),
  FORK_INVALID: tampered(
    "The file of a fork is malformed, shows no fork, or is not what a log says of it.",
    "分叉文件格式有误、并未显示分叉，或与日志所述不符。",
  ),
  LOG_MISSING: incomplete(
    "The log of a party to a job, or one that another log follows, is not in the folders. Ask that party for its export.",
    "某任务一方的日志，或另一日志所接续的日志，不在文件夹中。请向该参与方索取其导出。",
  ),
  LOG_SHORT: incomplete(
    "A log ends before a head of it that its peer cosigned. Ask for a newer export.",
    "某份日志在其对方已作见证签名的位置之前就结束了。请索取更新的导出。",
  ),
  LOG_RECOVERED: incomplete(
    "A log was begun anew after a loss: entries that its owner had made are gone.",
    "某份日志在丢失后重新开始：其所有者此前写入的条目已不复存在。",
  ),
  FORK_SEEN: incomplete(
    "A party says that a log has shown it two histories. Ask the log's owner.",
    "某参与方称一份日志向其展示过两段历史。请询问该日志的所有者。",
  ),
  RECEIPT_MISSING: incomplete(
    "A receipt is in one party's log only, and nothing was released under it.",
    "某份回执只在一方的日志中，且未据其放行任何结果。",
  ),
  REQUEST_MISSING: incomplete(
    "No log in the folders holds the request for a job.",
    "文件夹中没有任何日志含有某任务的发起请求。",
  ),
  NOT_COSIGNED: incomplete(
    "No peer has cosigned a checkpoint of this log that covers its receipts.",
    "该日志中涵盖其回执的检查点没有任何对方的见证签名。",
  ),
  REVOCATION_MISSING: incomplete(
    "A log names a revocation that is not in the folders. Ask for a newer export.",
    "某日志所指的撤销书不在文件夹中。请索取更新的导出。",
  ),
  WITHDRAWAL_MISSING: incomplete(
    "After a revocation a log does not say that the tags were withdrawn. Ask for a newer export.",
    "撤销之后，某日志未记录标签已被撤回。请索取更新的导出。",
  ),
  NOT_OPENED: incomplete(
    "A commitment was not opened by the party that made it.",
    "某个承诺未由作出承诺的参与方打开。",
  ),
  NOTHING_TO_VERIFY: incomplete("The folders hold no log.", "文件夹中没有任何日志。"),
} as const satisfies Record<string, ProblemEntry>;

export type ProblemCode = keyof typeof PROBLEMS;
export const PROBLEM_CODES = Object.keys(PROBLEMS) as readonly ProblemCode[];

const HEADLINES: Readonly<Record<Verdict | "verifiedByTrust", Readonly<Record<Language, string>>>> = {
  tampered: {
    en: "TAMPERED: the folders contradict themselves, each other, or what was signed.",
    "zh-CN": "已被篡改：文件夹自相矛盾、彼此矛盾，或与已签署的内容矛盾。",
  },
  incomplete: {
    en: "INCOMPLETE: nothing contradicts, but something is missing.",
    "zh-CN": "不完整：没有矛盾，但缺少内容。",
  },
  verified: {
    en: "VERIFIED: consistent under the keys in these folders. Compare the fingerprints with those that the parties gave you.",
    "zh-CN": "通过验证：在这些文件夹所含密钥之下前后一致。请将指纹与各参与方另行告知您的指纹逐一核对。",
  },
  verifiedByTrust: {
    en: "VERIFIED under the identities that you trust.",
    "zh-CN": "通过验证：以您所信任的身份为准。",
  },
};

/** A verdict in one sentence, the same wherever it is told. `trusted`: whether identities were compared with fingerprints that
 * the auditor got elsewhere. */
export function headline(
  { verdict, trusted }: { readonly verdict: Verdict; readonly trusted: boolean },
  language: Language = "en",
): string {
  return HEADLINES[verdict === "verified" && trusted ? "verifiedByTrust" : verdict][language];
}
