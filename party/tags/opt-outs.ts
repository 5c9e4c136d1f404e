/**
 * Who wants no part in this: people by their normalised ids, under the form that these ids have: the
 * names of the normalisers of their parts, joined by "+". They take part in no run of
 * either role that begins from then on, and their tags are withdrawn at once. On disk an id is sealed under the node's key.
 */
import { createHmac } from "node:crypto";
import { NORMALISERS } from "../../proto/agreement/fields.ts";
import { concat, fromUtf8, toHex, utf8 } from "../../proto/encoding/bytes.ts";
import { digestOf } from "../../proto/encoding/sha256.ts";
import { EntenteError } from "../../proto/errors.ts";
import type { Clock, Random } from "../../proto/ports/ports.ts";
import { normaliseId } from "../data/composite-id.ts";
import type { OptedOut } from "../data/dataset.ts";
import { packTexts } from "../data/packed-text.ts";
import type { IdReason } from "../data/rejection.ts";
import { openAtRest, sealAtRest } from "../store/at-rest.ts";
import type { Store } from "../store/store.ts";
import type { OptOutRecord } from "../store/tag-records.ts";

type NormaliserName = (typeof NORMALISERS)[number];

const MARK_BYTES = 16;
const PURPOSE = "opt-out";

export interface OptOutsInput {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  /** The node's at-rest key, 32 bytes. */
  readonly key: Uint8Array;
}

export interface AddedOptOuts {
  /** Distinct people who were not on the list. */
  readonly added: number;
  readonly withdrawnTags: number;
  /** What cannot be normalised, by position. */
  readonly rejected: readonly { readonly index: number; readonly reason: IdReason }[];
}

export interface OptOutEntry {
  readonly id: string;
  readonly addedAt: string;
  readonly person: string;
}

interface Loaded extends OptedOut {
  readonly ids: ReadonlySet<string>;
}

export class OptOuts {
  readonly #input: OptOutsInput;
  readonly #loaded = new Map<string, Promise<Loaded | undefined>>();

  constructor(input: OptOutsInput) {
    this.#input = input;
  }

  /** `raw`: the parts of an id of several are separated by a tab. What cannot be normalised is not added. Nothing of the list is
   * in an error. Throws BAD_REQUEST when the form is none. */
  async add(form: string, raw: readonly string[], person: string): Promise<AddedOptOuts> {
    const { store, clock, random, key } = this.#input;
    const { ids, rejected } = normaliseAll(form, raw);
    const addedAt = new Date(clock.nowMs()).toISOString();
    const records = [...ids].map((id) => ({
      form,
      mark: this.#markOf(form, id),
      sealed: sealAtRest({ key, random, purpose: PURPOSE, secret: utf8(id) }),
      ...{ addedAt, person },
    }));
    const done = await store.addOptOuts(records, [...ids], addedAt);
    this.#loaded.delete(form);
    return { ...done, rejected };
  }

  /** How many were on the list. What was withdrawn stays so until somebody issues it anew. */
  async remove(form: string, raw: readonly string[]): Promise<number> {
    const { ids } = normaliseAll(form, raw);
    const marks = [...ids].map((id) => this.#markOf(form, id));
    const removed = await this.#input.store.removeOptOuts(form, marks);
    this.#loaded.delete(form);
    return removed;
  }

  counts(): Promise<{ form: string; count: number; lastAddedAt: string }[]> {
    return this.#input.store.optOutCounts();
  }

  /** In an order that means nothing; `after`: where the page before ended. */
  async page(
    form: string,
    { after, limit }: { readonly after?: string | undefined; readonly limit: number },
  ): Promise<{ readonly entries: OptOutEntry[]; readonly next: string | null }> {
    const all = await this.#input.store.optOuts(form);
    const from = after === undefined ? 0 : all.findIndex(({ mark }) => toHex(mark) > after);
    const page = from < 0 ? [] : all.slice(from, from + limit);
    const last = from >= 0 && from + limit < all.length ? page.at(-1) : undefined;
    return {
      entries: page.map((record) => ({ id: this.#open(record), addedAt: record.addedAt, person: record.person })),
      next: last === undefined ? null : toHex(last.mark),
    };
  }

  /** As runs of a dataset of that form take it; undefined when the list is empty. */
  async of(form: string): Promise<OptedOut | undefined> {
    return this.#load(form);
  }

  async has(form: string): Promise<(subject: string) => boolean> {
    const ids = (await this.#load(form))?.ids;
    return (subject) => ids?.has(subject) ?? false;
  }

  /** For tags that were stored while somebody opted out. */
  async withdrawAll(form: string): Promise<void> {
    const ids = (await this.#load(form))?.ids;
    if (ids === undefined) return;
    await this.#input.store.withdrawTagsOf([...ids], new Date(this.#input.clock.nowMs()).toISOString());
  }

  #load(form: string): Promise<Loaded | undefined> {
    const known = this.#loaded.get(form);
    if (known !== undefined) return known;
    const loading = this.#read(form);
    this.#loaded.set(form, loading);
    loading.catch(() => this.#loaded.delete(form));
    return loading;
  }

  async #read(form: string): Promise<Loaded | undefined> {
    const records = await this.#input.store.optOuts(form);
    if (records.length === 0) return undefined;
    const ids = new Set(records.map((record) => this.#open(record)));
    const digest = digestOf(concat(utf8(`${form}\n`), ...records.map(({ mark }) => mark)));
    return { ids, people: await packTexts(toAsync(ids)), digest };
  }

  #open({ sealed }: OptOutRecord): string {
    return fromUtf8(openAtRest({ key: this.#input.key, purpose: PURPOSE, sealed }));
  }

  /** Under the node's key: telephone numbers could be enumerated from a plain hash. */
  #markOf(form: string, id: string): Uint8Array {
    const mac = createHmac("sha256", this.#input.key).update("entente opt-out/1\n").update(`${form}\n${id}`);
    return new Uint8Array(mac.digest().subarray(0, MARK_BYTES));
  }
}

/** Throws BAD_REQUEST when the form is none. */
function normaliseAll(form: string, raw: readonly string[]) {
  const parts = form.split("+").map((normaliser, i) => {
    if (!NORMALISERS.includes(normaliser as NormaliserName)) throw new EntenteError("BAD_REQUEST", { detail: "form" });
    return { column: String(i), normaliser: normaliser as NormaliserName };
  });
  const ids = new Set<string>();
  const rejected: { index: number; reason: IdReason }[] = [];
  for (const [index, text] of raw.entries()) {
    const result = normaliseId(parts, parts.length === 1 ? [text] : text.split("\t"));
    if (result.ok) ids.add(result.id);
    else rejected.push({ index, reason: result.reason });
  }
  return { ids, rejected };
}

async function* toAsync<T>(items: Iterable<T>): AsyncGenerator<T> {
  yield* items;
}
