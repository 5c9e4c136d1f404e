/** Chinese of the errors of policy. */
import type { POLICY } from "../policy.ts";

export const POLICY_ZH: Readonly<Record<keyof typeof POLICY, string>> = {
  POLICY_OPERATION: "协议不允许该方向上的这种操作。请改用协议中列明的操作。",
  POLICY_DATASET: "协议不涵盖该数据集或字段。请使用协议中列明的数据集和字段。",
  NORMALISER_RECEIVER_OLDER: "接收方节点的标识规范化规则比提供方旧，会漏掉一些人。请升级接收方节点。",
  NORMALISER_PROVIDER_OLDER: "提供方节点的标识规范化规则比接收方旧，会漏掉一些人。请提供方升级其节点。",
  POLICY_SEGMENT: "协议只允许在提供方指定的分群上进行该操作。请选用其中之一。",
  POLICY_INPUT_FLOOR: "输入名单少于协议约定的最低人数。请使用更大的名单。",
  POLICY_AUDIENCE: "该联合客群的结果不能用于评分。请重新运行联合客群，并选用新的任务。",
  POLICY_RESULT_FLOOR: "结果不予显示：低于协议约定的最低人数。",
  JOB_REFUSED: "对方节点拒绝了该任务。其给出的理由已记入任务。",
  POLICY_GATED: "协议要求由提供方节点执行结果下限，当前版本不支持。请约定由接收方节点执行。",
  POLICY_OUTPUT: "协议不允许该输出，或字段的角色、数据分级不允许。请改用协议约定的输出。",
  POLICY_PURPOSE: "任务目的不在协议约定的目的之中。请选用约定的目的。",
  POLICY_RETENTION: "标签有效期超过协议允许的期限。请缩短天数。",
  POLICY_SIZE_RATIO: "一方名单的规模是另一方的太多倍，看起来像标识字典。请使用规模相近的名单。",
  POLICY_RUNS_EPOCH: "这一对数据集在本周期内约定的运行次数已用完。请等待下一周期。",
  POLICY_RUNS_DAY: "这一对数据集当日约定的运行次数已用完。请明天再运行。",
  POLICY_SCORE_REPEATED: "本周期内，该模型版本已对这两个版本的数据集评过分。请使用已有的结果。",
  POLICY_MODEL_VERSIONS:
    "一个周期内使用过多模型版本可能推算出合作方的字段。请等待下一周期，或约定更多或更粗粒度的字段。",
  POLICY_DATASET_VERSIONS: "本周期内可用于汇总类输出的数据集版本数已用完。请等待下一周期。",
  POLICY_DIFFERENCE:
    "该名单或提供方的分群与之前一次只相差极少数人，两次结果相减会泄露这些人的信息。请使用差异更大的名单。",
  APPROVAL_NEEDED: "协议要求该任务由人工审批。请数据管理员用 'entente approval' 批准或拒绝。",
  APPROVAL_DECLINED: "数据管理员已拒绝该任务。请先与其沟通再重新发起。",
  APPROVAL_OVERDUE: "任务在规定时间内无人审批。请联系数据管理员，然后重新运行。",
  APPROVAL_OF_OTHER_STATEMENT: "任务的信息披露说明与所阅读的已不相同。请重新阅读后再作决定。",
  APPROVER_IS_REQUESTER: "任务发起人不能审批自己的任务。须由另一位数据管理员决定。",
};
