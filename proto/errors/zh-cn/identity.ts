/** Chinese of the errors of enrolment and identity. */
import type { IDENTITY } from "../identity.ts";

export const IDENTITY_ZH: Readonly<Record<keyof typeof IDENTITY, string>> = {
  INVITE_INVALID: "邀请码已损坏、不存在或已过期。请向协调方的运维人员或合作方索取新的邀请码。",
  INVITE_USED: "邀请码已被使用。一个邀请码只能供一个参与方入网一次；请索取新的邀请码。",
  PARTY_NAME_TAKEN: "该参与方名称已被另一身份入网使用。请换一个名称。",
  NOT_ENROLLED: "本节点尚未在协调方入网。请凭邀请码运行 'entente enroll'。",
  PEER_UNKNOWN: "协调方没有该名称的已入网参与方，或其已在那里被吊销。请核对名称，或等待对方入网。",
  PEER_UNCONFIRMED: "对方的身份尚未确认。请通过电话核对指纹，然后运行 'entente peer confirm'。",
  FINGERPRINT_MISMATCH: "所给指纹与目录中对方的指纹不一致。请勿继续：立即告知对方和协调方的运维人员。",
  PEER_REFUSED_IDENTITY: "对方在证明自身身份之前关闭了会话：它不认可本节点的身份。请对方确认您的指纹。",
  PEER_IDENTITY_WRONG: "会话另一端持有的密钥不是协议所指定的密钥。未发送任何内容。",
  CERTIFICATE_EXPIRED:
    "本节点停机或断网期间证书已过期。请向协调方的运维人员索取新的邀请码并运行 'entente enroll'：节点的身份、协议和数据保持不变。",
  KEY_REQUIRED: "该目录中的秘密信息已加密。请通过 ENTENTE_KEY_FILE 指定的文件或 ENTENTE_KEY 提供密钥。",
  KEY_WRONG: "所给密钥不是加密该目录的密钥。未作任何更改；请提供正确的密钥。",
  KEY_UNREADABLE: "无法从指定位置读取加密密钥。未作任何更改；请修正文件或环境变量。",
  KEY_UNUSED: "提供了密钥，但该目录中的秘密信息并未加密。请运行 'entente keys seal --dir FOLDER'，或不提供密钥。",
  CERTIFICATE_REFUSED: "该证书不是本协调方签发给已入网参与方的，或已被吊销。请重新入网。",
};
