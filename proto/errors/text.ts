/** The texts of the catalogue for people, in each language. Programs, logs and peers have the English of the catalogue. */
import { CATALOGUE, type ErrorCode, isErrorCode } from "../errors.ts";
import type { Language } from "../language.ts";
import type { Actor } from "./entry.ts";
import { AGREEMENTS_ZH } from "./zh-cn/agreements.ts";
import { DATA_ZH } from "./zh-cn/data.ts";
import { EVIDENCE_ZH } from "./zh-cn/evidence.ts";
import { IDENTITY_ZH } from "./zh-cn/identity.ts";
import { POLICY_ZH } from "./zh-cn/policy.ts";
import { REQUESTS_ZH } from "./zh-cn/requests.ts";
import { SCORING_ZH } from "./zh-cn/scoring.ts";
import { SESSIONS_ZH } from "./zh-cn/sessions.ts";
import { SIGN_IN_ZH } from "./zh-cn/sign-in.ts";
import { STORAGE_ZH } from "./zh-cn/storage.ts";
import { TAGS_ZH } from "./zh-cn/tags.ts";

/** A code without its Chinese does not compile. */
const CHINESE: Readonly<Record<ErrorCode, string>> = {
  ...REQUESTS_ZH,
  ...SIGN_IN_ZH,
  ...IDENTITY_ZH,
  ...SESSIONS_ZH,
  ...DATA_ZH,
  ...TAGS_ZH,
  ...AGREEMENTS_ZH,
  ...POLICY_ZH,
  ...SCORING_ZH,
  ...EVIDENCE_ZH,
  ...STORAGE_ZH,
};

export function errorText(code: ErrorCode, language: Language): string {
  return language === "en" ? CATALOGUE[code].text : CHINESE[code];
}

/** Of an error as another process tells it; one of a newer version, which this one does not know, in its own words. */
export function publicErrorText(
  { code, message }: { readonly code: string; readonly message: string },
  language: Language,
): string {
  return isErrorCode(code) ? errorText(code, language) : message;
}

/** `caller` is whoever sent the request, or asked for the job. */
const ACTORS: Readonly<Record<Language, Readonly<Record<Actor, string>>>> = {
  en: {
    caller: "you",
    operator: "the operator of this node",
    peer: "the peer's operator",
    coordinator: "the coordinator's operator",
    nobody: "nobody",
  },
  "zh-CN": {
    caller: "您",
    operator: "本节点的运维人员",
    peer: "对方的运维人员",
    coordinator: "协调方的运维人员",
    nobody: "无需处理",
  },
};

/** Who must act on an error, as its reader calls them. */
export function actorText(who: Actor, language: Language): string {
  return ACTORS[language][who];
}
