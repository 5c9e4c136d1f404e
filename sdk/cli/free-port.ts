/** Ports of this machine that nobody listens on. */
import { createServer } from "node:net";
import { EntenteError } from "../../proto/errors.ts";

const TRIES = 200;

/** The first free port of the loopback address from `wanted` on that is not among `taken`. Throws BAD_REQUEST. */
export async function freePort(wanted: number, taken: ReadonlySet<number> = new Set()): Promise<number> {
  for (let port = wanted; port < wanted + TRIES && port <= 65_535; port++)
    if (!taken.has(port) && (await isFree(port))) return port;
  throw new EntenteError("BAD_REQUEST", { detail: `no free port from ${wanted} on` });
}

/** The same for several at once, no two alike. */
export async function freePorts(wanted: readonly number[]): Promise<number[]> {
  const taken = new Set<number>();
  for (const port of wanted) taken.add(await freePort(port, taken));
  return [...taken];
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen({ host: "127.0.0.1", port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
