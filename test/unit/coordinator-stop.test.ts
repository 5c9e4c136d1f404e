/** A coordinator that is stopped: nothing new begins, what runs at the relay may end, and then every stream hears why. */
import { once } from "node:events";
import { afterEach, expect, test } from "vitest";
import { partyId } from "../../proto/ids.ts";
import { codeOf, openTestInbox, TestCoordinator } from "../support/coordinator.ts";

let coordinator: TestCoordinator;
afterEach(() => coordinator.close());

test("sessions that run go on until they have ended, none is begun, and the inboxes hear last", async () => {
  coordinator = await TestCoordinator.start();
  const [bank, telecom] = [await coordinator.enrol("bank"), await coordinator.enrol("telecom")];
  const inbox = await openTestInbox(telecom.link);
  const control = { peer: partyId("telecom"), purpose: { kind: "control" } } as const;
  const { relayId } = await bank.link.requestSession(control);
  await inbox.next();
  const [a, b] = await Promise.all([bank.link.connectRelay(relayId), telecom.link.connectRelay(relayId)]);
  a.write("before");
  expect(String((await once(b, "data"))[0])).toBe("before");
  const stopped = coordinator.running.stop();
  let isStopped = false;
  void stopped.then(() => (isStopped = true));
  expect(await codeOf(bank.link.requestSession(control))).toBe("COORDINATOR_UNREACHABLE");
  b.write("after");
  expect(String((await once(a, "data"))[0])).toBe("after");
  expect(isStopped).toBe(false);
  a.end();
  b.end();
  a.resume();
  b.resume();
  await stopped;
  expect((await inbox.ended).code).toBe("COORDINATOR_UNREACHABLE");
});
