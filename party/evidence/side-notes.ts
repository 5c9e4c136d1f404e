/**
 * What people wrote, beside the log: an entry holds a salted commitment, this store the text and the salt, encrypted. Without
 * the salt the commitment tells nothing, so that a text that is erased here is gone, and the log verifies as before.
 */
import { fromHex, toHex, utf8 } from "../../proto/encoding/bytes.ts";
import { canonicalJson, parseCanonicalJson } from "../../proto/encoding/canonical-json.ts";
import { commit, SALT_BYTES } from "../../proto/evidence/commitment.ts";
import type { Random } from "../../proto/ports/ports.ts";
import { openAtRest, sealAtRest } from "../store/at-rest.ts";
import type { Store } from "../store/store.ts";

/** What a text is: part of what is committed to, so that a reason cannot be shown as a destination. */
export type NoteKind = "reason" | "destination";

export interface SideNote {
  readonly kind: NoteKind;
  readonly text: string;
  /** 32 bytes. With it the commitment can be checked: HMAC over the domain `entente <kind>/1` and the text. */
  readonly salt: Uint8Array;
}

export interface SideNotesOptions {
  readonly store: Pick<Store, "setting" | "putSetting" | "eraseSetting">;
  readonly random: Random;
  /** The node's at-rest key, 32 bytes. */
  readonly key: Uint8Array;
}

export class SideNotes {
  readonly #options: SideNotesOptions;

  constructor(options: SideNotesOptions) {
    this.#options = options;
  }

  /** Durable when it resolves, to the commitment in hex. Two notes of one text have different ones. */
  async put(kind: NoteKind, text: string): Promise<string> {
    const { store, random, key } = this.#options;
    const salt = random.bytes(SALT_BYTES);
    const commitment = toHex(commit(salt, `entente ${kind}/1`, utf8(text)));
    const secret = canonicalJson({ kind, text, salt: toHex(salt) });
    const sealed = sealAtRest({ key, random, purpose: settingOf(commitment), secret });
    await store.putSetting(settingOf(commitment), toHex(sealed));
    return commitment;
  }

  /** Undefined when there is none, or it was erased. Throws STORAGE_FAILED when it was changed. */
  async get(commitment: string): Promise<SideNote | undefined> {
    const purpose = settingOf(commitment);
    const sealed = await this.#options.store.setting(purpose);
    if (sealed === undefined) return undefined;
    const bytes = openAtRest({ key: this.#options.key, purpose, sealed: fromHex(sealed) });
    const { kind, text, salt } = parseCanonicalJson(bytes) as { kind: NoteKind; text: string; salt: string };
    return { kind, text, salt: fromHex(salt) };
  }

  /** For good; nothing happens when there is none. */
  erase(commitment: string): Promise<void> {
    return this.#options.store.eraseSetting(settingOf(commitment));
  }
}

function settingOf(commitment: string): string {
  return `side-note/${commitment}`;
}
