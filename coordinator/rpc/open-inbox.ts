import type { ServerWritableStream } from "@grpc/grpc-js";
import { OPEN_INBOX, type Wake } from "../../proto/codec/coordinator.ts";
import type { Caller } from "../caller.ts";
import type { InboxStream } from "../relay/inboxes.ts";
import type { Meeting } from "../relay/meetings.ts";
import { endStream } from "../serve.ts";
import type { Service } from "../service.ts";

export function wakeFor({ meetings }: Service, meeting: Meeting): Wake {
  const { relayId, requester: from, purpose, resumes, wakeNumber: number } = meeting;
  return { relayId, from, purpose, resumes, number, expiresInSeconds: meetings.remainingSeconds(meeting) };
}

/** The caller's inbox: `opened`, the meetings that wait for it and of which it has not heard, then a wake for each new one.
 * An older inbox of the same party ends with ALREADY_EXISTS. */
export function openInbox(service: Service, call: ServerWritableStream<Buffer, Buffer>, caller: Caller): void {
  const { inboxes, meetings, streams } = service;
  const position = OPEN_INBOX.request.decode(call.request);
  const inbox: InboxStream = {
    get unsent() {
      return call.writableLength;
    },
    send: (wake) => {
      call.write(OPEN_INBOX.response.encode({ kind: "wake", wake }));
    },
    end: (error) => {
      close();
      endStream(call, error);
    },
  };
  const stream = { caller, end: inbox.end };
  const close = () => {
    inboxes.close(caller.party, inbox);
    streams.remove(stream);
  };
  call.on("cancelled", close);
  streams.add(stream);
  inboxes.open(caller.party, inbox);
  call.write(OPEN_INBOX.response.encode({ kind: "opened", run: inboxes.run }));
  const after = position?.run === inboxes.run ? position.after : 0;
  for (const meeting of meetings.waitingFor(caller.party, after)) inbox.send(wakeFor(service, meeting));
}
