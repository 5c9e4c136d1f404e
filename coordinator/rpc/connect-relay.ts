import type { ServerDuplexStream } from "@grpc/grpc-js";
import { CONNECT_RELAY } from "../../proto/codec/coordinator.ts";
import { EntenteError, toEntenteError } from "../../proto/errors.ts";
import type { RelayId } from "../../proto/ids.ts";
import type { Caller } from "../caller.ts";
import type { OpenStream } from "../open-streams.ts";
import type { RelayStream } from "../relay/relay.ts";
import { endStream } from "../serve.ts";
import type { Service } from "../service.ts";

/** Bytes that wait for a party that reads slowly. gRPC's own bound counts messages. */
const MAX_UNSENT_BYTES = 1_048_576;

/** One party's end of a relayed session. The first frame names the meeting; from there on the relay has the stream. */
export function connectRelay(service: Service, call: ServerDuplexStream<Buffer, Buffer>, caller: Caller): void {
  const { meetings, relay, streams, ports, limits } = service;
  let isSeated = false;
  let isHalfClosed = false;
  let unsentBytes = 0;
  let isFull = false;
  const stream: RelayStream = {
    listener: undefined,
    get unsentBytes() {
      return unsentBytes;
    },
    write: (frame) => {
      if (call.destroyed || call.writableEnded) return true;
      const bytes = CONNECT_RELAY.response.encode(frame);
      unsentBytes += bytes.length;
      isFull ||= unsentBytes > MAX_UNSENT_BYTES;
      call.write(bytes, () => {
        unsentBytes -= bytes.length;
        if (!isFull || unsentBytes > MAX_UNSENT_BYTES / 2) return;
        isFull = false;
        stream.listener?.onDrain();
      });
      return !isFull;
    },
    pause: () => call.pause(),
    resume: () => call.resume(),
    end: (error) => {
      cancelTimeout();
      streams.remove(open);
      endStream(call, error);
    },
  };
  const gone = (error: EntenteError) =>
    stream.listener === undefined ? stream.end(error) : stream.listener.onGone(error);
  const open: OpenStream = { caller, end: gone };
  streams.add(open);
  const cancelTimeout = ports.timers.after(limits.meetingMs, () => gone(new EntenteError("PEER_TIMEOUT")));

  const seat = (relayId: RelayId) => {
    const meeting = meetings.join(relayId, caller.party);
    cancelTimeout();
    isSeated = true;
    call.pause();
    relay.seat(meeting, stream);
  };
  call.on("data", (bytes: Buffer) => {
    try {
      const frame = CONNECT_RELAY.request.decode(bytes);
      isHalfClosed ||= frame.kind === "end";
      if (isSeated) stream.listener?.onFrame(frame);
      else if (frame.kind === "open") seat(frame.relayId);
      else throw new EntenteError("WIRE_UNEXPECTED", { detail: "relay stream does not begin with open" });
    } catch (thrown) {
      gone(toEntenteError(thrown));
    }
  });
  // A cancelled call ends its requests before it says that it was cancelled: only the frame means a whole stream.
  call.on("end", () => {
    if (!isHalfClosed) gone(new EntenteError("PEER_GONE", { detail: "relay stream without an end frame" }));
  });
  call.on("cancelled", () => gone(new EntenteError("PEER_GONE")));
}
