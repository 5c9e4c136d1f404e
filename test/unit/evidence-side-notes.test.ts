import { expect, test } from "vitest";
import { SideNotes } from "../../party/evidence/side-notes.ts";
import { openSqliteStore } from "../../party/store/sqlite.ts";
import { fromHex, utf8 } from "../../proto/encoding/bytes.ts";
import { opens } from "../../proto/evidence/commitment.ts";
import { nodePorts } from "../../proto/ports/node.ts";

const key = new Uint8Array(32).fill(7);
const store = openSqliteStore(":memory:");
const notes = new SideNotes({ store, random: nodePorts.random, key });
const TEXT = "The customer asked us to stop, call 13900000001";

test("a text is kept encrypted under its commitment, which its owner can open", async () => {
  const commitment = await notes.put("reason", TEXT);
  const note = await notes.get(commitment);
  if (note === undefined) throw new Error("no note");
  const { kind, text, salt } = note;
  expect([kind, text]).toEqual(["reason", TEXT]);
  const opening = { salt, domain: "entente reason/1", value: utf8(text) };
  expect(opens(fromHex(commitment), opening)).toBe(true);
  expect(opens(fromHex(commitment), { ...opening, domain: "entente destination/1" })).toBe(false);
  expect(await store.setting(`side-note/${commitment}`)).not.toContain(Buffer.from("13900000001").toString("hex"));
});

test("one text twice has two commitments; the one that is erased is gone, the other stays", async () => {
  const [a, b] = [await notes.put("reason", TEXT), await notes.put("reason", TEXT)];
  expect(a).not.toBe(b);
  await notes.erase(a);
  await notes.erase(a);
  expect(await notes.get(a)).toBeUndefined();
  expect((await notes.get(b))?.text).toBe(TEXT);
});

test("a note under another's commitment, or of another node's key, does not open", async () => {
  const [a, b] = [await notes.put("reason", "a"), await notes.put("reason", "b")];
  await store.putSetting(`side-note/${a}`, (await store.setting(`side-note/${b}`)) as string);
  await expect(notes.get(a)).rejects.toMatchObject({ code: "STORAGE_FAILED" });
  const other = new SideNotes({ store, random: nodePorts.random, key: new Uint8Array(32) });
  await expect(other.get(b)).rejects.toMatchObject({ code: "STORAGE_FAILED" });
});
