/** The API's routes of signing in and out. */
import type { Logger } from "pino";
import { EntenteError } from "../../proto/errors.ts";
import type { Access } from "../access/access.ts";
import type { Handlers } from "../api/server.ts";

type SignInRoute = "signInWays" | "beginSignIn" | "finishSignIn" | "signOut";

export function signInHandlers(
  { signIn, tokens }: Pick<Access, "signIn" | "tokens">,
  logger: Logger,
): Pick<Handlers, SignInRoute> {
  const required = () => {
    if (signIn === undefined) throw new EntenteError("NOT_FOUND", { detail: "'signIn' in node.json" });
    return signIn;
  };
  return {
    signInWays: async () => ({ organisation: signIn === undefined ? null : { name: signIn.name } }),
    beginSignIn: async ({ challenge }, { host }) => required().begin(challenge, host),
    finishSignIn: async (input) => required().finish(input),
    signOut: async (_input, { tokenId, person }) => {
      await tokens.revoke(tokenId);
      logger.info({ tokenId, person }, "signed out");
      return { tokenId };
    },
  };
}
