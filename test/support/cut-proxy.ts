/** A way to a TCP server that a test can close, open again, and cut at what a client says. */
import { connect, createServer, type Server, type Socket } from "node:net";

export type Cut = "none" | "before" | "after";

export class CutProxy {
  readonly #server: Server;
  readonly #open = new Set<Socket>();
  #isShut = false;
  #text = "";
  #cut: Cut = "none";

  private constructor(targetPort: number) {
    this.#server = createServer((client) => {
      if (this.#isShut) return client.destroy();
      const target = connect(targetPort, "127.0.0.1");
      for (const socket of [client, target]) {
        this.#open.add(socket);
        socket.on("error", () => {});
        socket.on("close", () => {
          this.#open.delete(socket);
          client.destroy();
          target.destroy();
        });
      }
      target.on("data", (bytes) => client.write(bytes));
      client.on("data", (bytes) => {
        const isHit = this.#cut !== "none" && bytes.includes(this.#text);
        const cut = isHit ? this.#cut : "none";
        if (isHit) this.#cut = "none";
        if (cut === "before") return client.destroy();
        if (cut === "after") withoutAnswer(target, client);
        target.write(bytes);
      });
    });
  }

  static async to(targetPort: number): Promise<CutProxy> {
    const proxy = new CutProxy(targetPort);
    await new Promise<void>((listening) => proxy.#server.listen(0, "127.0.0.1", listening));
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port;
  }

  /** The connection of the next client that sends `text` ends: before the server hears it, or when it has, without its answer. */
  cutAt(text: string, cut: Cut): void {
    this.#text = text;
    this.#cut = cut;
  }

  /** Ends every connection, and lets none in. */
  shut(): void {
    this.#isShut = true;
    for (const socket of this.#open) socket.destroy();
  }

  reopen(): void {
    this.#isShut = false;
  }

  async close(): Promise<void> {
    this.shut();
    await new Promise((closed) => this.#server.close(closed));
  }
}

/** The server hears what comes now, and the client never hears so. */
function withoutAnswer(target: Socket, client: Socket): void {
  target.removeAllListeners("data");
  target.once("data", () => client.destroy());
}
