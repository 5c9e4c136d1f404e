/**
 * Keysets by place in the logs: what stands up to and with the entry that changes a party's keyset is under the keyset before,
 * all after it under the next. One owner's logs go by in their order.
 */
import { fingerprint } from "../../proto/agreement/identity.ts";
import { parseSuccession } from "../../proto/agreement/succession.ts";
import type { Envelope } from "../../proto/encoding/dsse.ts";
import type { VerifyingKey } from "../../proto/encoding/ed25519.ts";
import { digestOf } from "../../proto/encoding/sha256.ts";
import { type ParsedStatement, timeOf, verifyStatement } from "../../proto/evidence/statements.ts";
import type { Entry } from "./entries.ts";
import type { Keyring } from "./keys.ts";
import type { Trouble } from "./replay.ts";
import type { EntryOf, LogRecord } from "./trace.ts";
import type { Findings, Place } from "./verdict.ts";

export class KeysInForce {
  readonly #owner: string;
  readonly #keyring: Keyring;
  #place: number | undefined;
  /** Where the first log began under an older keyset than its time says: a rotation must follow. */
  #isOwed = false;

  constructor(owner: string, keyring: Keyring) {
    this.#owner = owner;
    this.#keyring = keyring;
  }

  /** Place of the owner's keyset for the next entry. */
  placeFor(entry: ParsedStatement): number {
    this.#place ??= this.#first(entry);
    return this.#place;
  }

  /** After the last entry of the last log: false when the first was signed by keys that had been given up. */
  get isSettled(): boolean {
    return !this.#isOwed;
  }

  /** A log may begin later than its party: under the newest keyset that had begun. A recovered identity dates its own first
   * keyset, and a rotation takes a moment: an older one it may be, too, when the log goes on to say so. */
  #first(entry: ParsedStatement): number {
    const keys = this.#keyring.keysOf(this.#owner, "jobs");
    const newest = Math.max(
      0,
      keys.findLastIndex(({ validFrom }) => validFrom <= timeOf(entry)),
    );
    const signedBy = keys.findLastIndex(({ key }) => isSignedBy(entry.envelope, key));
    this.#isOwed = signedBy >= 0 && signedBy < newest;
    return signedBy < 0 ? newest : Math.min(signedBy, newest);
  }

  /** After the entry has been verified: `record` is that of its log. */
  apply(entry: Entry, record: LogRecord): Trouble {
    const place = this.placeFor(entry);
    if (record.keyChanges.length === 0) record.keyChanges.push({ from: 0, place });
    if (entry.event === "keyset-rotated") return this.#rotated(entry, place, record);
    if (entry.event === "identity-rotated" || entry.event === "identity-recovered")
      return this.#succeeded(entry, place, record);
    return undefined;
  }

  #rotated({ statement, index }: EntryOf<"keyset-rotated">, place: number, record: LogRecord): Trouble {
    const { party, previousKeysetDigest, keysetDigest } = statement.predicate;
    if (party !== this.#owner) return ["ORDER_BROKEN", "a rotation of another party's keys"];
    const next = this.#keyring.placeOf(party, keysetDigest);
    if (next === undefined) return ["KEYSET_INVALID", "the log goes on under a keyset that is not in the folders"];
    this.#goOn(next, index, record);
    const isNext = this.#keyring.placeOf(party, previousKeysetDigest) === place && next > place;
    return isNext
      ? undefined
      : ["ORDER_BROKEN", "a rotation from another keyset than was in force, or to an earlier one"];
  }

  /** In a peer's log it says that the peer follows; only in the party's own do keys change. */
  #succeeded(
    { event, statement, index }: EntryOf<"identity-rotated" | "identity-recovered">,
    place: number,
    record: LogRecord,
  ): Trouble {
    const { party, successionDigest, keysetDigest, identityFingerprint, effectiveAt } = statement.predicate;
    const next = this.#keyring.placeOf(party, keysetDigest);
    const signed = next === undefined ? undefined : this.#keyring.successionTo(party, keysetDigest);
    if (next === undefined || signed === undefined)
      return ["KEYSET_INVALID", `a new identity of ${party} whose succession is not in the folders`];
    if (party === this.#owner) this.#goOn(next, index, record);
    const succession = parseSuccession(signed);
    const isSame =
      digestOf(signed.payload) === successionDigest &&
      `identity-${succession.kind}` === event &&
      succession.effectiveAt === effectiveAt &&
      fingerprint(succession.newIdentity) === identityFingerprint;
    if (!isSame) return ["KEYSET_INVALID", `another succession of ${party} than is in the folders`];
    // Who has lost an identity writes under the new one at once; peers follow when it holds.
    if (party !== this.#owner)
      return statement.predicate.at < effectiveAt
        ? ["KEY_NOT_IN_FORCE", `a new identity of ${party} before it holds`]
        : undefined;
    return next > place ? undefined : ["ORDER_BROKEN", "a succession to an earlier keyset"];
  }

  #goOn(next: number, index: number, record: LogRecord): void {
    this.#place = next;
    this.#isOwed = false;
    record.keyChanges.push({ from: index + 1, place: next });
  }
}

function isSignedBy(envelope: Envelope, key: VerifyingKey): boolean {
  try {
    verifyStatement(envelope, key);
    return true;
  } catch {
    return false;
  }
}

/** A checkpoint of the log that its owner's keyset in `signedBy` signed. A later keyset may sign again what an earlier one had
 * signed; one that was no longer in force has no say. */
export function verifyNoteKey(
  { keyChanges }: LogRecord,
  { size, signedBy }: { readonly size: number; readonly signedBy: number },
  place: Place,
  findings: Findings,
): void {
  // The checkpoint that ends with a rotation's entry is signed before it and after it.
  const inForce = keyChanges.findLast(({ from }) => from < size)?.place ?? 0;
  if (signedBy < inForce) findings.report("KEY_NOT_IN_FORCE", place, `the checkpoint at ${size} entries`);
}
