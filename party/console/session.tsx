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
/** As `/#token=ent_...`. */
const TOKEN_FRAGMENT = /^#token=(ent_[0-9a-f]{64})$/;

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

export function clientFor(token: string): EntenteClient {
  return new EntenteClient({ url: location.origin, token });
}

interface SignedInProps {
  readonly token: string;
  readonly info: SessionInfo;
  readonly onSignOut: () => void;
  readonly children: ReactNode;
}

export function SignedIn({ token, info, onSignOut, children }: SignedInProps): ReactNode {
  const session = useMemo<Session>(
    () => ({
      ...info,
      client: clientFor(token),
      has: (...roles) => roles.some((role) => info.roles.includes(role)),
      signOut: onSignOut,
    }),
    [token, info, onSignOut],
  );
  return <SessionContext value={session}>{children}</SessionContext>;
}

export interface TokenState {
  readonly token: string | undefined;
  keep(token: string): void;
  forget(): void;
}

/** The tab's token as state. */
export function useToken(): TokenState {
  const [token, setToken] = useState(storedToken);
  const keep = useCallback((given: string) => {
    sessionStorage.setItem(TOKEN_KEY, given);
    setToken(given);
  }, []);
  const forget = useCallback(() => {
    sessionStorage.removeItem(TOKEN_KEY);
    setToken(undefined);
  }, []);
  useEffect(() => {
    // A second sign-in link that is opened in the same tab.
    const onChange = () => TOKEN_FRAGMENT.test(location.hash) && setToken(storedToken());
    addEventListener("hashchange", onChange);
    return () => removeEventListener("hashchange", onChange);
  }, []);
  return { token, keep, forget };
}
