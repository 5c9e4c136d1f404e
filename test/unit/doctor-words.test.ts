/** What a self-examination says, in each language: one sample of every finding. */
import { describe, expect, test } from "vitest";
import type { FindingCode, FindingValues } from "../../proto/doctor/findings.ts";
import { findingWords, wordsOf } from "../../proto/doctor/words.ts";
import { LANGUAGES } from "../../proto/language.ts";
import { NODE_LIMITS } from "../../proto/limits/node-limits.ts";
import { limitText } from "../../proto/limits/text.ts";

const peer = "bureau";
const at = "hub.example:7443";
const until = "2027-01-01T00:00:00.000Z";
const version = "1.3.0";
const own = "1.4.0";
const collaboration = "5f".repeat(32);

const SAMPLES: FindingValues = {
  "check-late": { seconds: 30 },
  "check-failed": { error: "INTERNAL" },
  "node-silent": { detail: at, folder: "/bank" },
  "runtime-fine": { version, architecture: "x64", bytes: 8e9 },
  "runtime-old": { version, needed: 26 },
  "architecture-untested": { architecture: "riscv64" },
  "aes-missing": {},
  "memory-small": { bytes: 7e8 },
  "memory-below-job": { bytes: 7e8, neededBytes: 3e9 },
  "disk-fine": { freeBytes: 4e10, syncMs: 2 },
  "disk-unwritable": { folder: "/bank", reason: "EROFS" },
  "disk-room-kept": { freeBytes: 1e8, keptBytes: 2e8 },
  "disk-below-job": { freeBytes: 3e10, neededBytes: 4e10 },
  "disk-below-two-jobs": { freeBytes: 3e10 },
  "disk-slow": { syncMs: 900 },
  "folder-open": { folder: "/bank", mode: "755" },
  "clock-steady": {},
  "clock-set": { byMs: -60_000 },
  "node-time-ahead": { byMs: 60_000 },
  "peer-clock-fine": { peer, withinMs: 20 },
  "peer-clock-off": { peer, byMs: 60_000 },
  "keys-sealed": {},
  "keys-plain": {},
  "recovery-key-here": { file: "recovery.key" },
  "configuration-read": { party: "bank" },
  "store-whole": {},
  "store-answers": {},
  "store-not-looked-at": {},
  "store-damaged": { faults: 10, file: "node.db" },
  "not-enrolled": {},
  "coordinator-answers": { coordinator: "hub", at, parties: 2 },
  "coordinator-refuses": { coordinator: "hub", error: "CERTIFICATE_REFUSED" },
  "host-unknown": { host: "hub.example", reason: "ENOTFOUND" },
  "port-closed": { at },
  "port-unreachable": { at, reason: "ETIMEDOUT" },
  "tls-failed": { at, reason: "ECONNRESET" },
  lasts: { of: "certificate", days: 90 },
  "ends-soon": { of: "authority", days: 9, until },
  ended: { of: "keyset", until },
  "not-yet-valid": { of: "certificate", from: until, now: until },
  "peers-none": {},
  "peer-alike": { version },
  "peer-other-version": { peer, version, own, upgrade: "peer" },
  "peer-other-protocols": { peer, version, own, upgrade: "either", protocols: "psi-dh" },
  "peer-silent": { error: "PEER_TIMEOUT" },
  "database-answers": {},
  "database-fails": { error: "DATABASE_REFUSED", detail: "warehouse" },
  "logs-open": { logs: 1 },
  "log-read-only": { peer, awaiting: "bureau, hub" },
  "log-forked": { peer, collaboration },
  "log-frozen": { peer, collaboration, origin: "bureau/log", fork: "ab".repeat(8) },
  "limits-far": { limits: 27 },
  "limit-near": { limit: "jobs", used: 15, allowed: 16 },
};

/** Values that are words themselves. */
const WORDED = ["of", "upgrade"];

describe("every finding", () => {
  test.each(Object.keys(SAMPLES) as FindingCode[])("%s", (code) => {
    const [english, chinese] = LANGUAGES.map((language) => findingWords(code, SAMPLES[code], language));
    if (english === undefined || chinese === undefined) throw new Error("two languages");
    expect(Object.keys(chinese)).toEqual(Object.keys(english));
    expect(JSON.stringify([english, chinese])).not.toMatch(/undefined|NaN|\[object/);
    expect(JSON.stringify(english)).not.toMatch(/\p{Script=Han}/u);
    expect(JSON.stringify(chinese)).toMatch(/\p{Script=Han}/u);
    // What is told of stands in both.
    for (const [name, value] of Object.entries(SAMPLES[code])) {
      if (WORDED.includes(name) || !JSON.stringify(english).includes(String(value))) continue;
      expect(JSON.stringify(chinese)).toContain(String(value));
    }
  });
});

test("every limit has its words in Chinese; one that is not known stands for itself", () => {
  for (const name of Object.keys(NODE_LIMITS)) expect(limitText(name, "zh-CN").what).toMatch(/\p{Script=Han}/u);
  expect(limitText("jobs", "zh-CN")).toMatchObject({ unit: "个任务", code: "OVERLOADED" });
  expect(limitText("ofTomorrow", "zh-CN")).toEqual({ what: "ofTomorrow", unit: "", code: undefined });
});

test("what a newer node found stays in its own words", () => {
  const told = { code: "of-tomorrow", values: {}, what: "new", why: null, fix: "Do." };
  expect(wordsOf(told, "zh-CN")).toEqual({ what: "new", fix: "Do." });
  expect(wordsOf({ ...told, code: "toString" }, "zh-CN")).toEqual({ what: "new", fix: "Do." });
});
