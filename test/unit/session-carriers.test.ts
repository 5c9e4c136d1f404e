/** What is kept for a session's carrier, and no longer than that is open. */
import { once } from "node:events";
import { describe, expect, test } from "vitest";
import { Carrier } from "../../party/session/carrier.ts";
import { Carriers } from "../../party/session/carriers.ts";
import type { Direct } from "../../party/session/direct.ts";
import { partyId } from "../../proto/ids.ts";
import { nodePorts } from "../../proto/ports/node.ts";

describe("a direct connection for a session", () => {
  function world() {
    const expected = new Set<string>();
    const direct = {
      address: { host: "127.0.0.1", port: 1 },
      mayDial: () => false,
      expect(tag: Uint8Array) {
        const key = tag.toHex();
        expected.add(key);
        return () => expected.delete(key);
      },
    } as unknown as Direct;
    const link = {} as ConstructorParameters<typeof Carriers>[0]["link"];
    const carriers = new Carriers({ ...nodePorts, link, direct });
    const carrier = new Carrier({ side: "answerer", timers: nodePorts.timers, onBroken: () => undefined });
    const secured = () => carriers.secured(carrier, new Uint8Array(32), partyId("bank"), undefined);
    return { expected, carrier, secured };
  }

  test("is expected until the session is over", async () => {
    const { expected, carrier, secured } = world();
    secured();
    expect(expected.size).toBe(1);
    carrier.destroy();
    await once(carrier, "close");
    expect(expected.size).toBe(0);
  });

  test("is not expected when the peer has ended it with its first word", async () => {
    const { expected, carrier, secured } = world();
    carrier.destroy();
    await once(carrier, "close");
    secured();
    expect(expected.size).toBe(0);
  });
});
