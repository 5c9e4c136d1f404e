/**
 * Signing in with an account of the organisation's own. The page goes to the sign-in service as a whole and comes back to `/` with a
 * code and a state in its address; a page that must stay has a window beside it do that, which passes on what it came back with. The
 * verifier that makes the code worth something stays in the page that began.
 */
import { utf8 } from "../../../proto/encoding/bytes.ts";
import { sha256 } from "../../../proto/encoding/sha256.ts";
import { EntenteError } from "../../../proto/errors.ts";
import { EntenteClient } from "../../../sdk/client.ts";

const KEY_PREFIX = "entente.sign-in.";
/** In the storage that windows share: a window with that state is to pass on what it came back with. */
const BESIDE_PREFIX = "entente.sign-in-beside.";
/** From one window of this node's console to another. */
const CHANNEL = "entente.sign-in";
const VERIFIER_BYTES = 32;
const WINDOW = "popup,width=520,height=720";

/** What the service sent the person back with. */
export interface Returned {
  readonly state: string;
  readonly code?: string;
  readonly iss?: string;
  readonly error?: string;
}

interface Begun {
  readonly verifier: string;
  /** Where in the console the person was. */
  readonly hash: string;
}

function node(): EntenteClient {
  return new EntenteClient({ url: location.origin });
}

/** What people here call their account; undefined where only tokens count. */
export async function organisationName(): Promise<string | undefined> {
  return (await node().call("signInWays", {})).organisation?.name;
}

/** Leaves the page. Throws what `beginSignIn` does. */
export async function leaveForSignIn(): Promise<void> {
  const { verifier, state, authorizationUrl } = await begin();
  const begun: Begun = { verifier, hash: location.hash };
  sessionStorage.setItem(KEY_PREFIX + state, JSON.stringify(begun));
  location.assign(authorizationUrl);
}

/**
 * A token by way of a window beside, while the page stays as it is; undefined when it is left by `signal`, since a page is not told that
 * such a window was closed. Call it for a press of a button: without one no window opens, which is SIGN_IN_INVALID. Throws what the
 * node does.
 */
export async function signInBeside(signal: AbortSignal): Promise<string | undefined> {
  // At once: a browser allows it for a moment after the press only.
  const beside = window.open("", "_blank", WINDOW);
  if (beside === null) throw new EntenteError("SIGN_IN_INVALID");
  try {
    const { verifier, state, authorizationUrl } = await begin();
    localStorage.setItem(BESIDE_PREFIX + state, "");
    const comingBack = comesBack(state, signal);
    beside.location.replace(authorizationUrl);
    const returned = await comingBack;
    localStorage.removeItem(BESIDE_PREFIX + state);
    return returned && (await finish(verifier, returned));
  } finally {
    beside.close();
  }
}

/** What the address says of a sign-in that comes back. It is taken out of it. */
export function takeReturned(): Returned | undefined {
  const given = new URLSearchParams(location.search);
  const state = given.get("state");
  if (state === null) return undefined;
  const [code, iss, error] = ["code", "iss", "error"].map((name) => given.get(name));
  history.replaceState(null, "", `/${begunWith(state)?.hash ?? ""}`);
  return { state, ...(code && { code }), ...(iss && { iss }), ...(error && { error }) };
}

/**
 * The token for a sign-in that began in this tab. One that began in another window is passed on to it: undefined then, and this
 * window has nothing more to do. Throws what the node does, and SIGN_IN_INVALID for one that no page of this browser began: a link
 * that somebody made.
 */
export async function endSignIn(returned: Returned): Promise<string | undefined> {
  const begun = begunWith(returned.state);
  sessionStorage.removeItem(KEY_PREFIX + returned.state);
  if (begun !== undefined) return finish(begun.verifier, returned);
  if (localStorage.getItem(BESIDE_PREFIX + returned.state) === null) throw new EntenteError("SIGN_IN_INVALID");
  const channel = new BroadcastChannel(CHANNEL);
  channel.postMessage(returned);
  channel.close();
  window.close();
  return undefined;
}

async function begin(): Promise<{ verifier: string; state: string; authorizationUrl: string }> {
  const verifier = base64url(crypto.getRandomValues(new Uint8Array(VERIFIER_BYTES)));
  const challenge = base64url(sha256(utf8(verifier)));
  return { verifier, ...(await node().call("beginSignIn", { challenge })) };
}

async function finish(verifier: string, returned: Returned): Promise<string> {
  return (await node().call("finishSignIn", { verifier, ...returned })).token;
}

function comesBack(state: string, signal: AbortSignal): Promise<Returned | undefined> {
  const channel = new BroadcastChannel(CHANNEL);
  return new Promise<Returned | undefined>((resolve) => {
    channel.onmessage = ({ data }: MessageEvent<Returned>) => {
      if (data.state === state) resolve(data);
    };
    signal.addEventListener("abort", () => resolve(undefined));
    if (signal.aborted) resolve(undefined);
  }).finally(() => channel.close());
}

function begunWith(state: string): Begun | undefined {
  const kept = sessionStorage.getItem(KEY_PREFIX + state);
  return kept === null ? undefined : (JSON.parse(kept) as Begun);
}

/** By `btoa`, since not every browser has `toBase64`. */
function base64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
}
