/** Who an account is at this node, and what it may do: from the claims of its ID token, by node.json. Pure. */
import { EntenteError } from "../../proto/errors.ts";
import { ROLES, type Role } from "../../proto/http/route.ts";
import { personName } from "../../proto/http/token-routes.ts";
import type { SignInConfig } from "./config.ts";

export interface Account {
  readonly person: string;
  readonly roles: readonly Role[];
}

type Claims = Readonly<Record<string, unknown>>;

/** Throws SIGN_IN_NOT_ALLOWED when the account has no name that may be used, or no group that gives a role. */
export function accountOf(claims: Claims, config: SignInConfig): Account {
  const { personClaim, rolesClaim, roles } = config;
  const person = personName.safeParse(claimOf(claims, personClaim));
  if (!person.success) throw notAllowed("'personClaim' of node.json names no usable text in it");
  // An address that the account's holder has merely typed in may be anybody's.
  if (personClaim === "email" && claims.email_verified !== true) throw notAllowed("its e-mail address is not verified");
  const groups = textsOf(claimOf(claims, rolesClaim));
  const given = groups.flatMap((group) => (Object.hasOwn(roles, group) ? (roles[group] ?? []) : []));
  if (given.length === 0) throw notAllowed("none of its groups gives a role here");
  return { person: person.data, roles: ROLES.filter((role) => given.includes(role)) };
}

function notAllowed(detail: string): EntenteError {
  return new EntenteError("SIGN_IN_NOT_ALLOWED", { detail });
}

function claimOf(claims: Claims, path: string | readonly string[]): unknown {
  let found: unknown = claims;
  for (const name of typeof path === "string" ? [path] : path) {
    if (typeof found !== "object" || found === null || !Object.hasOwn(found, name)) return undefined;
    found = (found as Claims)[name];
  }
  return found;
}

function textsOf(value: unknown): string[] {
  const values = Array.isArray(value) ? (value as unknown[]) : [value];
  return values.filter((each) => typeof each === "string");
}
