/** A channel whose certificate can be exchanged: new calls go over a new connection, what is open ends on its own. */
import type { RpcChannel } from "./calls.ts";

interface Connection {
  readonly channel: RpcChannel;
  open: number;
}

interface AnyStream {
  once(event: "status" | "error" | "end" | "close", listener: () => void): unknown;
}

export interface RenewableChannel extends RpcChannel {
  /** For every call from now on. */
  replace(next: RpcChannel): void;
}

export function renewableChannel(first: RpcChannel): RenewableChannel {
  let current: Connection = { channel: first, open: 0 };
  const replaced = new Set<Connection>();
  const left = (connection: Connection) => {
    connection.open--;
    if (connection.open > 0 || !replaced.delete(connection)) return;
    connection.channel.close();
  };
  const follow = <Stream extends AnyStream>(run: (channel: RpcChannel) => Stream): Stream => {
    const connection = current;
    const stream = run(connection.channel);
    connection.open++;
    let isOver = false;
    const over = () => {
      if (isOver) return;
      isOver = true;
      left(connection);
    };
    // Of a call that ends well "status" comes last; one that is cancelled has an error first.
    for (const event of ["status", "error", "close"] as const) stream.once(event, over);
    return stream;
  };
  return {
    unary(path, request, deadlineMs) {
      const connection = current;
      connection.open++;
      return connection.channel.unary(path, request, deadlineMs).finally(() => left(connection));
    },
    serverStream: (path, request, deadlineMs) => follow((channel) => channel.serverStream(path, request, deadlineMs)),
    bidi: (path) => follow((channel) => channel.bidi(path)),
    replace(next) {
      const before = current;
      current = { channel: next, open: 0 };
      if (before.open === 0) before.channel.close();
      else replaced.add(before);
    },
    close() {
      for (const { channel } of [current, ...replaced]) channel.close();
      replaced.clear();
    },
  };
}
