/**
 * Who is signed in. The token lives in this tab's session storage: it goes when the tab is closed, and no other site can read
 * it. Links made for one machine's own people carry it in the address's fragment, which no server sees, and from where it is
 * taken at once.
 */
import { createContext, type ReactNode, useCallback, useContext, useEffect, useMemo, useState } from "react";
import type { Role } from "../../proto/http/route.ts";
import type { RouteResponse } from "../../proto/http/routes.ts";
import { EntenteClient } from "../../sdk/client.ts";

const TOKEN_KEY = "entente.token";
/** There when the token is this sign-in's own, to be ended with it. */
const OWN_KEY = "entente.token-is-own";
/** As `/#token=ent_...`. */
const TOKEN_FRAGMENT = /^#token=(ent_[0-9a-f]{64})$/;

/** By a token that somebody made, or by an account, for which the node makes one. */
export type SignInWay = "token" | "account";

export type SessionInfo = RouteResponse<"session">;

export interface Session extends SessionInfo {
  readonly client: EntenteClient;
  has(...roles: readonly Role[]): boolean;
  signOut(): void;
}

const SessionContext = createContext<Session | undefined>(undefined);

/** Of whoever is signed in; only below `SignedIn`. */
export function useSession(): Session {
  const session = useContext(SessionContext);
  if (session === undefined) throw new Error("nobody is signed in");
  return session;
}

/** The token of this tab, if it has one. */
export function storedToken(): string | undefined {
  const [, linked] = TOKEN_FRAGMENT.exec(location.hash) ?? [];
  if (linked !== undefined) {
    sessionStorage.setItem(TOKEN_KEY, linked);
    history.replaceState(null, "", "/#/");
  }
  return sessionStorage.getItem(TOKEN_KEY) ?? undefined;
}

/** `onEnded` hears of a token that the node refuses, in whatever a page asks with it. */
export function clientFor(token: string, onEnded?: (token: string) => void): EntenteClient {
  const listening = async (url: string, init: RequestInit) => {
    const response = await fetch(url, init);
    if (response.status === 401) onEnded?.(token);
    return response;
  };
  return new EntenteClient({ url: location.origin, token, fetch: listening });
}

interface SignedInProps {
  readonly token: string;
  readonly info: SessionInfo;
  readonly onSignOut: () => void;
  readonly onEnded: (token: string) => void;
  readonly children: ReactNode;
}

export function SignedIn({ token, info, onSignOut, onEnded, children }: SignedInProps): ReactNode {
  const session = useMemo<Session>(
    () => ({
      ...info,
      client: clientFor(token, onEnded),
      has: (...roles) => roles.some((role) => info.roles.includes(role)),
      signOut: onSignOut,
    }),
    [token, info, onSignOut, onEnded],
  );
  return <SessionContext value={session}>{children}</SessionContext>;
}

export interface TokenState {
  readonly token: string | undefined;
  keep(token: string, way?: SignInWay): void;
  forget(): void;
  /** Forgets it; one that came of signing in with an account is good for nothing afterwards. */
  end(): void;
}

/** The tab's token as state. */
export function useToken(): TokenState {
  const [token, setToken] = useState(storedToken);
  const keep = useCallback((given: string, way: SignInWay = "token") => {
    sessionStorage.setItem(TOKEN_KEY, given);
    // Of an earlier page of this tab, which is tried as a token: it stays what it was.
    if (way === "account") sessionStorage.setItem(OWN_KEY, given);
    setToken(given);
  }, []);
  const forget = useCallback(() => {
    sessionStorage.removeItem(TOKEN_KEY);
    sessionStorage.removeItem(OWN_KEY);
    setToken(undefined);
  }, []);
  const end = useCallback(() => {
    const own = sessionStorage.getItem(OWN_KEY);
    // Whether the node hears of it or not, this tab has it no longer.
    if (own !== null && own === sessionStorage.getItem(TOKEN_KEY))
      void clientFor(own)
        .call("signOut", {})
        .catch(() => {});
    forget();
  }, [forget]);
  useEffect(() => {
    // A second sign-in link that is opened in the same tab.
    const onChange = () => TOKEN_FRAGMENT.test(location.hash) && setToken(storedToken());
    addEventListener("hashchange", onChange);
    return () => removeEventListener("hashchange", onChange);
  }, []);
  return { token, keep, forget, end };
}
