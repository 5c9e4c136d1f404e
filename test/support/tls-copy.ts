/** The least that a relay of two TLS connections can do, in a process of its own: pairs them in order, and pipes. */
import { createServer, type TLSSocket } from "node:tls";

const { certPem, keyPem } = JSON.parse(process.argv[2] as string) as { certPem: string; keyPem: string };
let waiting: TLSSocket | undefined;
const server = createServer({ cert: certPem, key: keyPem, minVersion: "TLSv1.3", ciphers: "TLS_AES_128_GCM_SHA256" });
server.on("secureConnection", (socket) => {
  socket.on("error", () => socket.destroy());
  if (waiting === undefined) {
    waiting = socket;
    return;
  }
  waiting.pipe(socket).pipe(waiting);
  waiting = undefined;
});
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  if (address !== null && typeof address === "object") process.send?.({ port: address.port });
});
