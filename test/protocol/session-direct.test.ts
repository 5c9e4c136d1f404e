/** Sessions between two nodes that go on over a direct connection, and strangers at the listener. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { Channel } from "../../party/session/channel.ts";
import { DIRECT_TAG_BYTES, Direct, type DirectOptions } from "../../party/session/direct.ts";
import { Meetings } from "../../party/session/meetings.ts";
import type { Peer } from "../../party/session/peers.ts";
import type { Endpoint } from "../../proto/codec/endpoint.ts";
import { nodePorts } from "../../proto/ports/node.ts";
import { TestTimers } from "../support/carrier-pair.ts";
import { type SessionParty, sessionParty } from "../support/channel-pair.ts";
import { openTestInbox, TestCoordinator } from "../support/coordinator.ts";

const LOOPBACK: Endpoint = { host: "127.0.0.1", port: 0 };
const CHUNK = { type: 1, round: 1, partition: 0, chunk: 0, body: new Uint8Array(100_000) };
let coordinator: TestCoordinator;
const ends = new Map<
  string,
  { readonly session: SessionParty; readonly link: Awaited<ReturnType<TestCoordinator["enrol"]>>["link"] }
>();
const opened: Direct[] = [];

beforeAll(async () => {
  coordinator = await TestCoordinator.start();
  for (const name of ["bank", "bureau"])
    ends.set(name, { session: await sessionParty(name), link: (await coordinator.enrol(name)).link });
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((direct) => direct.close()));
});
afterAll(() => coordinator.close());

async function directOf(options: Omit<DirectOptions, "timers"> | undefined): Promise<Direct | undefined> {
  if (options === undefined) return undefined;
  const direct = await Direct.open({ timers: nodePorts.timers, ...options });
  opened.push(direct);
  return direct;
}

type Side = Omit<DirectOptions, "timers"> | undefined;

/** A control session that the bank opened: the bank's end, the bureau's, and both listeners. */
async function session(bank: Side, bureau: Side) {
  const [bankDirect, bureauDirect] = [await directOf(bank), await directOf(bureau)];
  const meetings = (name: string, direct: Direct | undefined) => {
    const { session, link } = ends.get(name) as NonNullable<ReturnType<typeof ends.get>>;
    const { credentials, jobsKey } = session.own;
    const signers = { credentials, keys: { jobs: jobsKey } };
    return new Meetings({ own: session.name, signers, link, direct, ...nodePorts });
  };
  const [a, b] = [meetings("bank", bankDirect), meetings("bureau", bureauDirect)];
  const peer = (name: string): Peer => {
    const { session } = ends.get(name) as NonNullable<ReturnType<typeof ends.get>>;
    const { keyset } = session.peer;
    const keys = { ...keyset.keys, session: session.seenByPeer.sessionKey };
    return { ...session.peer, keyset: { ...keyset, keys } };
  };
  let onAccepted: (channel: Channel) => void = () => undefined;
  const accepted = new Promise<Channel>((resolve) => {
    onAccepted = resolve;
  });
  const link = ends.get("bureau")?.link as NonNullable<ReturnType<typeof ends.get>>["link"];
  const inbox = await openTestInbox(link);
  void (async () => {
    for (;;) {
      const wake = await inbox.next();
      if (wake.resumes !== undefined) await b.goOn(wake).catch(() => undefined);
      else onAccepted(await b.acceptControl(wake.relayId, peer("bank")));
    }
  })();
  const channels = [await a.openControl(peer("bureau")), await accepted] as const;
  return {
    channels,
    direct: [bankDirect, bureauDirect] as const,
    close: () => {
      for (const channel of channels) channel.close();
      inbox.close();
    },
  };
}

/** One frame each way. */
async function exchange([a, b]: readonly [Channel, Channel]): Promise<void> {
  for (const [from, to] of [
    [a, b],
    [b, a],
  ] as const) {
    const sent = from.send(CHUNK);
    expect((await to.receive(10_000)).body.length).toBe(CHUNK.body.length);
    await sent;
  }
}

describe("a session goes on over a direct connection", () => {
  test.each<[string, Side, Side]>([
    ["that its opener dials", { dial: ["bureau"] }, { listen: LOOPBACK, dial: [] }],
    ["that its answerer dials", { listen: LOOPBACK, dial: [] }, { dial: ["bank"] }],
    ["when both listen, too", { listen: LOOPBACK, dial: ["bureau"] }, { listen: LOOPBACK, dial: ["bank"] }],
  ])("%s, and back at the relay when that breaks", async (_name, bank, bureau) => {
    const { channels, direct, close } = await session(bank, bureau);
    const taken = () => direct.reduce((sum, one) => sum + (one?.counters().taken ?? 0), 0);
    await expect.poll(taken).toBe(1);
    const relayed = () => coordinator.running.counters().bytes;
    // The carrier is over to it when the relay moves no more.
    await expect
      .poll(async () => {
        const before = relayed();
        await exchange(channels);
        return relayed() - before;
      })
      .toBe(0);
    await Promise.all(direct.map((one) => one?.close()));
    const before = relayed();
    await exchange(channels);
    expect(relayed()).toBeGreaterThan(before);
    close();
  });

  test.each<[string, Side, Side]>([
    ["nobody may dial", { dial: [] }, { listen: LOOPBACK, dial: [] }],
    ["nobody listens", { dial: ["bureau"] }, { dial: ["bank"] }],
    [
      "nobody is at the address",
      { dial: ["bureau"] },
      { listen: LOOPBACK, address: { host: "127.0.0.1", port: 1 }, dial: [] },
    ],
  ])("not when %s: it stays at the relay", async (_name, bank, bureau) => {
    const { channels, direct, close } = await session(bank, bureau);
    const before = coordinator.running.counters().bytes;
    await exchange(channels);
    expect(coordinator.running.counters().bytes - before).toBeGreaterThan(2 * CHUNK.body.length);
    for (const one of direct) expect(one?.counters().taken ?? 0).toBe(0);
    close();
  });
});

describe("strangers at the listener", () => {
  async function listening() {
    const timers = new TestTimers();
    const direct = await Direct.open({ timers, listen: LOOPBACK, dial: [] });
    opened.push(direct);
    const { port } = direct.address as Endpoint;
    const knock = async (bytes?: Uint8Array): Promise<Socket> => {
      const socket = connect({ host: "127.0.0.1", port });
      socket.on("error", () => undefined);
      await once(socket, "connect");
      if (bytes !== undefined) socket.write(bytes);
      return socket;
    };
    return { timers, direct, knock };
  }

  test("hear nothing, and are closed at a wrong tag, or when they say none in time", async () => {
    const { timers, direct, knock } = await listening();
    const heard: Buffer[] = [];
    const sockets = [await knock(Buffer.alloc(DIRECT_TAG_BYTES)), await knock(Buffer.alloc(7)), await knock()];
    for (const socket of sockets) socket.on("data", (chunk: Buffer) => heard.push(chunk));
    await expect.poll(() => direct.counters()).toMatchObject({ refused: 1, open: 2 });
    timers.pass(5_000);
    await expect.poll(() => direct.counters()).toMatchObject({ refused: 3, open: 0, taken: 0 });
    expect(heard).toEqual([]);
  });

  test("are no more than a few at a time, however many come", async () => {
    const { direct, knock } = await listening();
    const sockets: Socket[] = [];
    for (let stranger = 0; stranger < 80; stranger++) sockets.push(await knock());
    await expect.poll(() => direct.counters().refused).toBe(48);
    expect(direct.counters().open).toBe(32);
    for (const socket of sockets) socket.destroy();
  });

  test("who know a session's tag get two connections and no further", async () => {
    const { direct, knock } = await listening();
    const tag = Buffer.alloc(DIRECT_TAG_BYTES, 7);
    const taken: unknown[] = [];
    const forget = direct.expect(tag, (stream) => taken.push(stream));
    const sockets = [await knock(tag), await knock(tag), await knock(tag)];
    await expect.poll(() => direct.counters()).toMatchObject({ taken: 2, refused: 1 });
    expect(taken).toHaveLength(2);
    forget();
    sockets.push(await knock(tag));
    await expect.poll(() => direct.counters()).toMatchObject({ taken: 2, refused: 2 });
    for (const socket of sockets) socket.destroy();
  });
});
