/**
 * Bearer tokens of a node's own users: who holds one, what it is good for, until when. The store has the SHA-256 of a
 * token only. A plain hash is enough, and salt or stretching would add nothing, since a token is 32 random bytes and no
 * password: there is no list of likely ones to try.
 */
import { timingSafeEqual } from "node:crypto";
import { toHex, utf8 } from "../../proto/encoding/bytes.ts";
import { digestOf } from "../../proto/encoding/sha256.ts";
import { EntenteError } from "../../proto/errors.ts";
import { ROLES, type Role } from "../../proto/http/route.ts";
import type { RouteResponse } from "../../proto/http/routes.ts";
import type { Random } from "../../proto/ports/ports.ts";
import type { Store, TokenRecord } from "../store/store.ts";
import { foldedName } from "./folded-name.ts";

const TOKEN_BYTES = 32;
const TOKEN_ID_BYTES = 8;
/** `ent_` tells people, and programs that look for leaked secrets, what it is. */
const TOKEN_PREFIX = "ent_";
const TOKEN_FORM = /^ent_[0-9a-f]{64}$/;
const DAY_MS = 86_400_000;

/** Who asks: what handlers know of the token that came with a request. */
export interface Caller {
  readonly tokenId: string;
  /** One person has one spelling in all tokens of a node: `===` tells whether two callers are the same person. */
  readonly person: string;
  readonly roles: readonly Role[];
}

/** What a presented token is: somebody's, or refused. `holder` is whose it was. */
export type Identity =
  | { readonly caller: Caller }
  | { readonly refused: "TOKEN_MISSING" | "TOKEN_EXPIRED"; readonly holder: Caller | undefined };

export type TokenInfo = RouteResponse<"revokeToken">;

/** Who is to hold a token. */
export interface Holder {
  readonly person: string;
  readonly roles: readonly Role[];
}

export interface Forgotten {
  readonly person: string;
  readonly createdBy: string;
  readonly endedBeforeMs: number;
}

export type IssuedToken = TokenInfo & { readonly token: string };

export interface TokensOptions {
  readonly store: Store;
  readonly random: Random;
  /** Milliseconds since 1970-01-01T00:00Z. Should not go backwards: an expired token would be good again. */
  readonly nowMs: () => number;
}

export class Tokens {
  readonly #store: Store;
  readonly #random: Random;
  readonly #nowMs: () => number;

  constructor({ store, random, nowMs }: TokensOptions) {
    this.#store = store;
    this.#random = random;
    this.#nowMs = nowMs;
  }

  /**
   * Looks a token up by its hash. How long the index takes may tell how many leading bits of the presented token's hash
   * are those of a stored one: nobody can make a token of a known hash, let alone from its first bits.
   */
  async identify(presented: string | undefined): Promise<Identity> {
    // What has not the form is not worth a look into the store.
    if (presented === undefined || !TOKEN_FORM.test(presented)) return { refused: "TOKEN_MISSING", holder: undefined };
    const hash = digestOf(utf8(presented));
    const record = await this.#store.tokenByHash(hash);
    if (record === undefined || !timingSafeEqual(utf8(record.hash), utf8(hash)))
      return { refused: "TOKEN_MISSING", holder: undefined };
    const holder: Caller = { tokenId: record.tokenId, person: record.person, roles: rolesOf(record) };
    if (this.#stateOf(record) !== "active") return { refused: "TOKEN_EXPIRED", holder };
    const today = this.#now().slice(0, 10);
    if (record.lastUsedOn !== today) await this.#store.setTokenUse(record.tokenId, today);
    return { caller: holder };
  }

  /** As `issue`, for so many days. */
  create(wish: Holder & { readonly expiresInDays: number }, createdBy: string | null): Promise<IssuedToken> {
    return this.issue({ ...wish, lifeMs: wish.expiresInDays * DAY_MS }, createdBy);
  }

  /**
   * `token` is shown here and never again. `createdBy` is a person, the address of the service that the person signed in with, or
   * null for a token that the node's folder got.
   */
  async issue(wish: Holder & { readonly lifeMs: number }, createdBy: string | null): Promise<IssuedToken> {
    const token = TOKEN_PREFIX + toHex(this.#random.bytes(TOKEN_BYTES));
    const nowMs = this.#nowMs();
    const record: TokenRecord = {
      tokenId: toHex(this.#random.bytes(TOKEN_ID_BYTES)),
      hash: digestOf(utf8(token)),
      person: await this.#spelling(wish.person),
      roles: ROLES.filter((role) => wish.roles.includes(role)).join(" "),
      createdAt: new Date(nowMs).toISOString(),
      createdBy,
      expiresAt: new Date(nowMs + wish.lifeMs).toISOString(),
      revokedAt: null,
      lastUsedOn: null,
    };
    await this.#store.addToken(record);
    return { ...this.#info(record), token };
  }

  /**
   * Takes away what `createdBy` gave the person and what ended before that: who signs in every day would fill the list. One token of
   * the person is to be left, or its name would lose its spelling.
   */
  async forget({ person, createdBy, endedBeforeMs }: Forgotten): Promise<void> {
    const before = new Date(endedBeforeMs).toISOString();
    await this.#store.removeTokens({ person, createdBy, endedBefore: before });
  }

  /** Oldest first. */
  async list(): Promise<TokenInfo[]> {
    return (await this.#store.tokens()).map((record) => this.#info(record));
  }

  /** At once and for good; again changes nothing. Throws NOT_FOUND. */
  async revoke(tokenId: string): Promise<TokenInfo> {
    const isKnown = await this.#store.revokeToken(tokenId, this.#now());
    const info = isKnown ? (await this.list()).find((known) => known.tokenId === tokenId) : undefined;
    if (info === undefined) throw new EntenteError("NOT_FOUND", { detail: "token" });
    return info;
  }

  /** ISO 8601. Throws NOT_FOUND. */
  async expiryOf(tokenId: string): Promise<string> {
    const info = (await this.list()).find((known) => known.tokenId === tokenId);
    if (info === undefined) throw new EntenteError("NOT_FOUND", { detail: "token" });
    return info.expiresAt;
  }

  #now(): string {
    return new Date(this.#nowMs()).toISOString();
  }

  #stateOf({ revokedAt, expiresAt }: TokenRecord): TokenInfo["state"] {
    if (revokedAt !== null) return "revoked";
    return expiresAt > this.#now() ? "active" : "expired";
  }

  #info(record: TokenRecord): TokenInfo {
    const { hash: _, ...shown } = record;
    return { ...shown, roles: rolesOf(record), state: this.#stateOf(record) };
  }

  /** The one that an earlier token has: "wang li" is no second person who could approve what "Wang Li" asked for. */
  async #spelling(person: string): Promise<string> {
    const earlier = (await this.#store.tokens()).find((token) => foldedName(token.person) === foldedName(person));
    return earlier?.person ?? person;
  }
}

function rolesOf(record: TokenRecord): Role[] {
  const names = record.roles.split(" ");
  return ROLES.filter((role) => names.includes(role));
}
