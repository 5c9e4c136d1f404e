/** The API's routes over tokens and denials. */
import type { Logger } from "pino";
import type { Handlers } from "../api/server.ts";
import type { Access } from "./access.ts";

type AccessRoute = "session" | "tokens" | "createToken" | "revokeToken" | "denials";

/** An operator gives out any role, those the operator lacks included: what keeps that honest is the log. */
export function accessHandlers(
  { tokens, denials }: Access,
  { party, logger }: { readonly party: () => string; readonly logger: Logger },
): Pick<Handlers, AccessRoute> {
  return {
    session: async (_input, { tokenId, person, roles }) => ({
      ...{ party: party(), tokenId, person, roles: [...roles] },
      expiresAt: await tokens.expiryOf(tokenId),
    }),
    tokens: async () => ({ tokens: await tokens.list() }),
    createToken: async (input, caller) => {
      const made = await tokens.create(input, caller.person);
      const { tokenId, person, roles, expiresAt } = made;
      logger.info({ tokenId, person, roles, expiresAt, by: caller }, "token created");
      return made;
    },
    revokeToken: async ({ tokenId }, caller) => {
      const revoked = await tokens.revoke(tokenId);
      logger.info({ tokenId, person: revoked.person, by: caller }, "token revoked");
      return revoked;
    },
    denials: async () => ({ denials: await denials.list() }),
  };
}
