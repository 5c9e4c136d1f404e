/** Protocol buffers that nobody honest sends, to every message of the contract: too large, deep, cut, with other members, twice. */
import { expect, test } from "vitest";
import { MAX_REQUEST_BYTES, MAX_RESPONSE_BYTES } from "../../proto/codec/coordinator.ts";
import { concat } from "../../proto/encoding/bytes.ts";
import { EntenteError } from "../../proto/errors.ts";
import { execute } from "../support/fuzz/campaign.ts";
import { field, fieldsOf, nested, varint } from "../support/fuzz/mutate-protobuf.ts";
import { WIRE_TARGETS } from "../support/fuzz/targets/wire.ts";

const MESSAGES = WIRE_TARGETS.filter(({ name }) => /^(?:session|coordinator)\//.test(name));
const LENGTH_DELIMITED = 2;

/** Refused, or taken where it says nothing new; never anything else. */
async function outcomes(name: string, make: (valid: Uint8Array) => Uint8Array): Promise<string[]> {
  const found: string[] = [];
  for (const target of MESSAGES)
    for (const seed of target.seeds) {
      const outcome = await execute(target, make(seed));
      if (typeof outcome !== "string") throw new Error(`${target.name}: ${name}`, { cause: outcome.thrown });
      found.push(`${target.name} ${outcome}`);
    }
  return found;
}

const accepted = (found: readonly string[]) => found.filter((one) => one.endsWith(" accepted"));
/** A request without a body, which nothing is read of. */
const EMPTY = ["coordinator/OPEN_INBOX request", "coordinator/SUBMIT_COSIGNATURE response"];
const but = (found: readonly string[], ...names: readonly string[]) =>
  accepted(found).filter((one) => !names.some((name) => one.startsWith(name)));

test("there are as many messages as the contract has", () => {
  expect(MESSAGES.length).toBeGreaterThan(70);
});

test("a message beyond every limit is refused before it is read", async () => {
  // A field that nobody knows would be skipped: what counts is the size alone.
  const padding = field(1_000, LENGTH_DELIMITED, new Uint8Array(MAX_RESPONSE_BYTES + MAX_REQUEST_BYTES));
  expect(accepted(await outcomes("too large", (valid) => concat(valid, padding)))).toEqual([]);
});

test("messages nested without end, as fields or as groups, end no process", async () => {
  for (const how of ["message", "group"] as const)
    for (const number of [1, 3, 300]) {
      const deep = nested(number, 10_000, how);
      await outcomes(`${how} in field ${number}`, (valid) => concat(valid, field(number, LENGTH_DELIMITED, deep)));
      await outcomes(`bare ${how} in field ${number}`, () => deep);
    }
});

test("a message that is cut anywhere is refused, or is a shorter one that is whole", async () => {
  for (const part of [0.25, 0.5, 0.75, 0.99])
    for (const target of MESSAGES)
      for (const seed of target.seeds) {
        const cut = seed.subarray(0, Math.floor(seed.length * part));
        const outcome = await execute(target, cut);
        if (typeof outcome !== "string") throw new Error(target.name, { cause: outcome.thrown });
        if (outcome === "accepted") expect(fieldsOf(cut), target.name).toBeDefined();
      }
});

test("another member of the oneof, or two of them, is refused in every session message", async () => {
  const session = MESSAGES.filter(({ name }) => name.startsWith("session/"));
  const seeds = session.map(({ name, seeds: [first] }) => [name, first as Uint8Array] as const);
  for (const target of session)
    for (const [name, other] of seeds) {
      if (name === target.name) continue;
      expect(await execute(target, other), `${name} as ${target.name}`).toBe("refused");
      expect(await execute(target, concat(target.seeds[0] as Uint8Array, other)), `${name} with ${target.name}`).toBe(
        "refused",
      );
    }
});

test("a number of an enum that there is not, and a field of another wire type, are refused where they are read", async () => {
  const target = MESSAGES.find(({ name }) => name === "coordinator/REPORT_JOB request");
  if (target === undefined) throw new Error("no such message");
  const [seed] = target.seeds as [Uint8Array];
  const state = fieldsOf(seed)?.find(({ type }) => type === 0);
  expect(state).toBeDefined();
  for (const value of [0n, 9n, 255n, 1n << 31n, (1n << 64n) - 1n]) {
    const changed = concat(seed, field(state?.number as number, 0, varint(value)));
    expect(await execute(target, changed), `${value}`).toBe("refused");
  }
  // A string as a number: whatever the runtime makes of it is no id.
  const found = await outcomes("other wire types", (valid) =>
    concat(...(fieldsOf(valid) ?? []).map(({ number }) => field(number, 0, varint(1)))),
  );
  // Those that ask for nothing that must be there, and the words of a session that are empty.
  const readable = /^(?:coordinator\/(?:LIST_|OPEN_INBOX|SUBMIT_COSIGNATURE|FETCH_|CONNECT_RELAY)|session\/)/;
  expect(accepted(found).filter((one) => !readable.test(one))).toEqual([]);
  expect(accepted(found).length).toBeLessThan(found.length / 4);
});

test("a field that stands twice counts once, and one of its values is that which counts", async () => {
  // Protocol buffers let the last win: a second party must not be smuggled in beside the checked one.
  const found = await outcomes("twice", (valid) => concat(valid, valid));
  expect(but(found, ...EMPTY).length).toBeGreaterThan(20);
  expect(
    found.filter((one) => one.startsWith("coordinator/CONNECT_RELAY") && one.endsWith("accepted")).length,
  ).toBeLessThan(7);
});

test("a length that says more than there is, or a varint without end, is refused", async () => {
  const lies: readonly Uint8Array[] = [
    Uint8Array.of(0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f),
    Uint8Array.of(0x0a, 0x7f),
    new Uint8Array(20).fill(0xff),
    Uint8Array.of(0x0b),
    Uint8Array.of(0x0c),
    Uint8Array.of(0x07),
    Uint8Array.of(0x00),
  ];
  for (const lie of lies) {
    const found = await outcomes(lie.toHex(), (valid) => concat(valid, lie));
    expect(
      accepted(found).filter((one) => !one.startsWith("coordinator/OPEN_INBOX request")),
      lie.toHex(),
    ).toEqual([]);
  }
});

test("the harness tells a refusal from everything else", async () => {
  const [target] = MESSAGES as [(typeof MESSAGES)[number]];
  const failing = {
    ...target,
    run: () => {
      throw new RangeError("planted");
    },
  };
  expect(await execute(failing, new Uint8Array(0))).toMatchObject({ thrown: expect.any(RangeError) });
  expect(
    await execute(
      {
        ...target,
        run: () => {
          throw new EntenteError("WIRE_INVALID");
        },
      },
      new Uint8Array(0),
    ),
  ).toBe("refused");
});
