/** What lies between two machines: an address that containers of both reach, with the ports that one of them publishes. */
import { connect, createServer, type Server, type Socket } from "node:net";
import type { Docker } from "./daemon.ts";

const NETWORK = "entente-test-between";
const PORTS = [7420, 7421];
/** Where the one machine's ports are published: an address of loopback's that nothing else of this machine uses. */
export const PUBLISHED_AT = "127.77.0.1";

export interface Between extends AsyncDisposable {
  readonly address: string;
}

/**
 * Takes connections at the gateway of a network of its own and passes them on to this machine's loopback, where the one machine's ports
 * are published: Docker keeps the networks of two compose files apart, published ports included.
 */
export async function openBetween({ docker }: Docker): Promise<Between> {
  await docker("network", "rm", NETWORK).catch(() => {});
  await docker("network", "create", NETWORK);
  const address = await docker("network", "inspect", NETWORK, "--format", "{{(index .IPAM.Config 0).Gateway}}");
  const sockets = new Set<Socket>();
  const servers = await Promise.all(PORTS.map((port) => listen(address, port, sockets)));
  return {
    address,
    async [Symbol.asyncDispose]() {
      for (const server of servers) server.close();
      for (const socket of sockets) socket.destroy();
      await docker("network", "rm", NETWORK);
    },
  };
}

async function listen(host: string, port: number, sockets: Set<Socket>): Promise<Server> {
  const server = createServer((from) => {
    const to = connect(port, PUBLISHED_AT);
    for (const [one, other] of [
      [from, to],
      [to, from],
    ] as const) {
      sockets.add(one);
      one.on("error", () => other.destroy());
      one.on("close", () => {
        sockets.delete(one);
        other.destroy();
      });
    }
    from.pipe(to).pipe(from);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, resolve);
  });
  return server;
}
