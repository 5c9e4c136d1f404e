/** What a node's self-examination says, in English. */
import { errorText } from "../errors/text.ts";
import { limitText } from "../limits/text.ts";
import type { FindingWords, Lasting, Upgrade } from "./findings.ts";
import { megabytes, seconds } from "./quantities.ts";

const MORE_MEMORY = "Give the machine, or the container, more memory.";
const MORE_DISK = "Free some, or move the node's folder to a larger disk.";
const SET_CLOCK = "Set this machine's clock by NTP (chrony or systemd-timesyncd), and let it run.";
const NO_COORDINATOR = "no session with a peer can begin, and no job goes on";

const DISK_REASONS: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full",
  EDQUOT: "the quota is used up",
  EROFS: "the disk is mounted read-only",
  EACCES: "this user may not write there",
  EPERM: "this user may not write there",
  ENOENT: "the folder is not there",
};

const LASTING: Readonly<Record<Lasting, string>> = {
  certificate: "this party's certificate",
  authority: "the coordinator's CA",
  keyset: "this node's keyset",
};
const WITHOUT: Readonly<Record<Lasting, string>> = {
  certificate: "the coordinator then refuses this node",
  authority: "the coordinator then refuses this node",
  keyset: "peers then refuse its sessions and signatures",
};
const RENEW: Readonly<Record<Lasting, string>> = {
  certificate: "The node should have renewed it: look in its log for why it could not, and at the coordinator.",
  authority: "The coordinator's operator must make a new CA and invite all parties again.",
  keyset: "The node renews it when no job runs, and could not: wait for the jobs to end, then 'entente keys rotate'.",
};

/** As the end of a sentence. */
function upgraded(upgrade: Upgrade, values: { peer: string; version: string; own: string }): string {
  if (upgrade === "either") return "run the same release at both";
  return upgrade === "peer"
    ? `${values.peer} must upgrade to ${values.own}`
    : `this node must upgrade to ${values.version}`;
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

function counted(count: number, one: string, more: string): string {
  return `${count} ${count === 1 ? one : more}`;
}

export const ENGLISH: FindingWords = {
  "check-late": ({ seconds: after }) => ({
    what: `no answer within ${after} s`,
    why: "it hangs or is overloaded",
    fix: "Look at the node's log, and at the load of the machine.",
  }),
  "check-failed": ({ error }) => ({
    what: `could not be looked at (${error})`,
    why: errorText(error, "en"),
    fix: "Look at the node's log.",
  }),
  "node-silent": ({ detail, folder }) => ({
    what: "the node does not answer",
    why: detail,
    fix: `entente party start --dir ${folder}`,
  }),

  "runtime-fine": ({ version, architecture, bytes }) => ({
    what: `Node ${version} on ${architecture}, ${megabytes(bytes)} of memory`,
  }),
  "runtime-old": ({ version, needed }) => ({
    what: `Node ${version}`,
    why: `this version of entente needs Node ${needed} or newer`,
    fix: `Install Node ${needed}, or start the node by 'entente', which brings its own.`,
  }),
  "architecture-untested": ({ architecture }) => ({
    what: `architecture ${architecture}`,
    why: "it is tested on x64 and arm64 only",
    fix: "Run it on one of those.",
  }),
  "aes-missing": () => ({
    what: "the processor has no instructions for AES, or hides them",
    why: "sessions, spills and the protocols take several times as long",
    fix: "Let the virtual machine see the host's processor ('host' model), or use another machine.",
  }),
  "memory-small": ({ bytes }) => ({
    what: `${megabytes(bytes)} of memory`,
    why: "a job of a million people takes about 450 MB",
    fix: MORE_MEMORY,
  }),
  "memory-below-job": ({ bytes, neededBytes }) => ({
    what: `${megabytes(bytes)} of memory`,
    why: `a job over the largest dataset here takes about ${megabytes(neededBytes)}`,
    fix: MORE_MEMORY,
  }),

  "disk-fine": ({ freeBytes, syncMs }) => ({
    what: `${megabytes(freeBytes)} free, written and synced in ${syncMs} ms`,
  }),
  "disk-unwritable": ({ folder, reason }) => ({
    what: `${folder} cannot be written`,
    why: `${DISK_REASONS[reason] ?? "writing failed"} (${reason}); nothing durable can be done`,
    fix: "Free or mend the disk, or give the node's folder back to the user who runs it. Then start the node again.",
  }),
  "disk-room-kept": ({ freeBytes, keptBytes }) => ({
    what: `${megabytes(freeBytes)} free, of which ${megabytes(keptBytes)} are kept for what runs`,
    why: "new work is refused: DISK_FULL",
    fix: `${MORE_DISK} Work is taken again by itself.`,
  }),
  "disk-below-job": ({ freeBytes, neededBytes }) => ({
    what: `${megabytes(freeBytes)} free`,
    why: `a job over the largest dataset here takes about ${megabytes(neededBytes)}`,
    fix: MORE_DISK,
  }),
  "disk-below-two-jobs": ({ freeBytes }) => ({
    what: `${megabytes(freeBytes)} free`,
    why: "two jobs over the largest dataset here do not fit",
    fix: MORE_DISK,
  }),
  "disk-slow": ({ syncMs }) => ({
    what: `syncing a small file took ${syncMs} ms`,
    why: "every step of a job is synced: jobs will be slow",
    fix: "Use a local disk, not a network share, or find what else keeps it busy.",
  }),
  "folder-open": ({ folder, mode }) => ({
    what: `${folder} may be read by other users of this machine (mode ${mode})`,
    why: "it holds keys and people's ids; the files themselves are closed, their names and sizes are not",
    fix: `chmod 700 ${folder}`,
  }),

  "clock-steady": () => ({ what: "steady since the node started" }),
  "clock-set": ({ byMs }) => ({
    what: `the clock was set ${byMs > 0 ? "forward" : "back"} by ${seconds(byMs)} while the node ran`,
    why: "what is valid, due or used up is judged by it",
    fix: SET_CLOCK,
  }),
  "node-time-ahead": ({ byMs }) => ({
    what: `the node's time is ${seconds(byMs)} ahead of the clock: that was later once`,
    why: "the node never goes back; until the clock has caught up agreements may count as expired",
    fix: "If the clock is right now, wait until it has caught up.",
  }),
  "peer-clock-fine": ({ peer, withinMs }) => ({ what: `within ${seconds(withinMs)} of ${peer}'s` }),
  "peer-clock-off": ({ peer, byMs }) => ({
    what: `${seconds(byMs)} ${byMs > 0 ? "behind" : "ahead of"} ${peer}'s clock`,
    why: "from ten minutes on peers refuse each other's keys",
    fix: `${SET_CLOCK} If it is right, ${peer}'s operator has to.`,
  }),

  "keys-sealed": () => ({ what: "encrypted under the operator's key" }),
  "keys-plain": () => ({
    what: "the node's keys are not encrypted",
    why: "who gets a copy of the folder, as from a backup, can speak for this party",
    fix: "Stop the node, then: entente keys seal --dir FOLDER --key-file FILE, with a file outside of the folder.",
  }),
  "recovery-key-here": ({ file }) => ({
    what: `${file} is in the node's folder`,
    why: "who gets the folder can put another identity in the place of this one",
    fix: "Move it offline, and delete it here.",
  }),

  "configuration-read": ({ party }) => ({ what: `node.json of ${party} can be read` }),
  "store-whole": () => ({ what: "whole, by SQLite's quick check" }),
  "store-answers": () => ({ what: "PostgreSQL answers" }),
  "store-not-looked-at": () => ({ what: "in PostgreSQL: 'entente store check' looks at it" }),
  "store-damaged": ({ faults, file }) => ({
    what: `SQLite finds ${faults >= 10 ? "ten or more" : faults} faults in ${file}`,
    why: "jobs, tags and budgets may be lost or wrong",
    fix: "Stop the node, keep a copy of its folder, and put the newest backup back; its peers are then asked what it has missed.",
  }),

  "not-enrolled": () => ({
    what: "this node is not enrolled",
    why: "it can register datasets, and nothing else",
    fix: "entente enroll INVITE, with an invite from the coordinator's operator",
  }),
  "coordinator-answers": ({ coordinator, at, parties }) => ({
    what: `${coordinator} answers at ${at}${parties < 0 ? "" : ` and knows ${counted(parties, "party", "parties")}`}`,
  }),
  "coordinator-refuses": ({ coordinator, error }) => ({
    what: `${coordinator} answers with ${error}`,
    why: NO_COORDINATOR,
    fix: errorText(error, "en"),
  }),
  "host-unknown": ({ host, reason }) => ({
    what: `DNS: ${host} has no address (${reason})`,
    why: NO_COORDINATOR,
    fix: "Mend this machine's DNS, or ask the coordinator's operator for its present name.",
  }),
  "port-closed": ({ at }) => ({
    what: `refused: nothing listens at ${at}`,
    why: NO_COORDINATOR,
    fix: "The coordinator's operator must start it, or name its present port.",
  }),
  "port-unreachable": ({ at, reason }) => ({
    what: `no way to ${at} (${reason})`,
    why: NO_COORDINATOR,
    fix: `Let outgoing connections to ${at} through the firewall, and look at the route.`,
  }),
  "tls-failed": ({ at, reason }) => ({
    what: `TLS: the handshake with ${at} failed (${reason})`,
    why: NO_COORDINATOR,
    fix: "If a proxy opens TLS on the way, take it out. Else the coordinator has another CA or another name than at enrolment: ask its operator.",
  }),

  lasts: ({ of, days }) => ({ what: `${LASTING[of]} is good for ${counted(days, "day", "days")} more` }),
  "ends-soon": ({ of, days, until }) => ({
    what: `${LASTING[of]} expires in ${counted(days, "day", "days")}, on ${until}`,
    why: WITHOUT[of],
    fix: RENEW[of],
  }),
  ended: ({ of, until }) => ({
    what: `${LASTING[of]} expired on ${until}`,
    why: WITHOUT[of],
    fix:
      of === "certificate"
        ? "Ask the coordinator's operator for a new invite, and run 'entente enroll': the node keeps its identity."
        : RENEW[of],
  }),
  "not-yet-valid": ({ of, from, now }) => ({
    what: `${LASTING[of]} is valid only from ${from}`,
    why: `by this machine's clock, ${now}, it is not yet`,
    fix: "Set this machine's clock by NTP.",
  }),

  "peers-none": () => ({ what: "none is confirmed yet" }),
  "peer-alike": ({ version }) => ({ what: `version ${version}, the same protocols` }),
  "peer-other-version": (values) => ({
    what: `version ${values.version}, here ${values.own}; the protocols are the same`,
    why: "jobs run; what only the newer one knows does not",
    fix: `When it suits, ${upgraded(values.upgrade, values)}.`,
  }),
  "peer-other-protocols": (values) => ({
    what: `version ${values.version}, here ${values.own}: not the same ${values.protocols}`,
    why: "jobs by these protocols end in SESSION_MISMATCH",
    fix:
      values.upgrade === "either"
        ? "One of the two is no release: run the same release at both."
        : sentence(upgraded(values.upgrade, values)),
  }),
  "peer-silent": ({ error }) => ({
    what: `did not answer (${error})`,
    why: "jobs with it cannot run now",
    fix: errorText(error, "en"),
  }),

  "database-answers": () => ({ what: "answers" }),
  "database-fails": ({ error, detail }) => ({
    what: `${error}${detail === "" ? "" : ` (${detail})`}`,
    why: "datasets and feeds of it cannot be used",
    fix: errorText(error, "en"),
  }),

  "logs-open": ({ logs }) => ({ what: `${counted(logs, "log", "logs")}, all open` }),
  "log-read-only": ({ peer, awaiting }) => ({
    what: `the log with ${peer} is read-only`,
    why: "nothing is written in it, so no job with it runs",
    fix: `This node may have been restored from a backup. It writes nothing before it has heard from: ${awaiting}.`,
  }),
  "log-forked": ({ peer, collaboration }) => ({
    what: `the log with ${peer} is forked`,
    why: "nothing is written in it, so no job with it runs",
    fix: `This node's log is not the one that others know: it was restored from a backup that was too old, or changed. Put the newest copy of the folder back, if there is one; else begin the log anew with 'entente evidence recover ${collaboration}', which says in its first entry what is lost.`,
  }),
  "log-frozen": ({ peer, collaboration, origin, fork }) => ({
    what: `the log with ${peer} is frozen`,
    why: "no job with it runs",
    fix: `The log ${origin} has shown two histories. Both checkpoints are in fork ${fork} ('entente evidence forks'). Ask its owner; when it has begun its log anew, 'entente evidence resume ${collaboration}' lets jobs run again.`,
  }),

  "limits-far": ({ limits }) => ({ what: `none of ${limits} is near` }),
  "limit-near": ({ limit, used, allowed }) => {
    const { what, unit, code } = limitText(limit, "en");
    return {
      what: `${limit}: ${used} of ${allowed} ${unit} (${what})`,
      why: code === undefined ? "what was used least recently is given up" : `what is more is refused: ${code}`,
      fix: `Find what takes so much, or raise ${limit} under 'limits' in node.json and start the node again.`,
    };
  },
};
