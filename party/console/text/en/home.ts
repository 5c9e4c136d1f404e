/** The start page and sign-in. */
export const home = {
  title: "Overview",
  party: "This node",
  fingerprint: "Identity fingerprint",
  coordinator: "Coordinator",
  version: "Version",
  roles: "Your roles",
  expires: "Your access ends",
  start: "What you can do here",
  signIn: {
    title: "Sign in to {{host}}",
    token: "Access token",
    hint: "Your node's operator makes one: entente token create",
    submit: "Sign in",
    refused: "The node does not know this token, or it has ended. Ask your operator for a new one.",
    ended: "Your access has ended. Sign in again to go on; what you have typed stays.",
  },
} as const;
