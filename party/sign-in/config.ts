/** `signIn` of node.json: the organisation's own sign-in service, and what its accounts may do here. */
import * as z from "zod";
import { writtenText } from "../../proto/agreement/fields.ts";
import { isLoopback } from "../../proto/http/host-name.ts";
import { ROLES } from "../../proto/http/route.ts";

/** A claim by its name, or by the names that lead to it. */
const claim = z.union([z.string().min(1).max(256), z.array(z.string().min(1).max(256)).min(1).max(8)]);

/** What a browser and this node may trust on its way: https, or this machine itself. */
const safeUrl = z
  .string()
  .max(2048)
  .refine((text) => {
    const url = URL.parse(text);
    if (url === null || url.username !== "" || url.search !== "" || url.hash !== "") return false;
    return url.protocol === "https:" || (url.protocol === "http:" && isLoopback(url.hostname));
  }, "not an https address (http is for this machine alone)");

export const signInForm = z.strictObject({
  /** As the service calls itself; what it is and has is read from below it (OpenID Connect Discovery 1.0). */
  issuer: safeUrl,
  /** Under which the node is registered there, with the redirect address `<consoleUrl>/`. */
  clientId: z.string().min(1).max(256),
  /** A file with the client's secret, from the node's folder on or absolute; without it the node is a public client. */
  clientSecretFile: z.string().min(1).max(4096).optional(),
  /** How the secret is sent; as the service has it for the client. */
  clientAuth: z.enum(["client_secret_basic", "client_secret_post"]).default("client_secret_basic"),
  /** What people here call their account, for the button. */
  name: writtenText(64).default("SSO"),
  /** Where people open the console. Without it only on this machine itself, by whatever port. */
  consoleUrl: safeUrl.refine((text) => URL.parse(text)?.pathname === "/", "has a path").optional(),
  scopes: z
    .array(z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,128}$/))
    .max(20)
    .default(["openid", "email", "profile"]),
  /** Names the person; one that people cannot set themselves. An `email` must have been verified by the service. */
  personClaim: claim.default("email"),
  /** A text, or a list of texts. */
  rolesClaim: claim.default("groups"),
  /** By each such text, which roles it gives; nothing else gives any. */
  roles: z.record(z.string().min(1).max(256), z.array(z.enum(ROLES)).min(1)),
  /** How long a sign-in lasts: so long may somebody whose account was closed go on. */
  minutes: z.int().min(5).max(720).default(60),
  /** Ends it with the ID token, too, where that is sooner. */
  untilIdTokenEnds: z.boolean().default(false),
});

export type SignInConfig = z.infer<typeof signInForm>;
