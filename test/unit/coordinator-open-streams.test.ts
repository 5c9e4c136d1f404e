/** Streams that are open at a coordinator, and certificates that end. */
import { expect, test } from "vitest";
import { DEFAULT_LIMITS } from "../../coordinator/limits.ts";
import { OpenStreams } from "../../coordinator/open-streams.ts";
import { partyId } from "../../proto/ids.ts";

function open(streams: OpenStreams, party: string, fingerprint: string, count: number): string[] {
  const ended: string[] = [];
  for (let i = 0; i < count; i++)
    streams.add({ caller: { party: partyId(party), fingerprint }, end: ({ code }) => ended.push(code) });
  return ended;
}

test("a sweep asks once for each certificate, however many streams it has opened, and ends those of a bad one", async () => {
  const streams = new OpenStreams(DEFAULT_LIMITS);
  const [good, bad] = [open(streams, "bank", "aa", 200), open(streams, "bureau", "bb", 3)];
  const asked: string[] = [];
  await streams.sweep(async (fingerprint) => {
    asked.push(fingerprint);
    return fingerprint === "aa";
  });
  expect(asked).toEqual(["aa", "bb"]);
  expect([good, bad]).toEqual([[], Array(3).fill("CERTIFICATE_REFUSED")]);
});

test("a sweep that cannot be answered ends nothing", async () => {
  const streams = new OpenStreams(DEFAULT_LIMITS);
  const ended = open(streams, "bank", "aa", 1);
  await expect(streams.sweep(() => Promise.reject(new Error("no store")))).rejects.toThrow("no store");
  expect(ended).toEqual([]);
});
