/**
 * What each tag key means here: kind, type of its values, owner, purpose, time to live. A key that nobody has defined may be
 * issued; the catalogue then has it as undeclared, as its first job issued it. A definition binds the jobs after it; one that takes
 * its place keeps it, with who had made it and when.
 */
import type * as z from "zod";
import { EntenteError } from "../../proto/errors.ts";
import type { tagDefinition } from "../../proto/http/tag-routes.ts";
import type { Digest } from "../../proto/ids.ts";
import type { Clock } from "../../proto/ports/ports.ts";
import type { Store } from "../store/store.ts";
import { Turns } from "../turns.ts";

export type TagDefinition = z.output<typeof tagDefinition>;

export interface DefinedTag extends TagDefinition {
  readonly definedAt: string;
  readonly definedBy: string;
}

export interface CatalogueEntry extends DefinedTag {
  /** False: nobody has defined it, a job has issued it. */
  readonly isDeclared: boolean;
  /** Definitions that others have taken the place of, the latest first. */
  readonly earlier: DefinedTag[];
}

/** Who defines. */
export interface Definer {
  readonly person: string;
  /** Whether a definition that is there gives way. */
  readonly mayReplace: boolean;
}

/** What a job would issue of one key. */
export interface IssuedKey {
  readonly key: string;
  /** All values that it can have. */
  readonly values: readonly string[];
}

/** An entry that an earlier version of this program stored has none. */
const NOTHING_EARLIER: Partial<CatalogueEntry> = { earlier: [] };

export class TagCatalogue {
  readonly #store: Pick<Store, "tagDefinitions" | "putTagDefinition">;
  readonly #clock: Clock;
  readonly #turns = new Turns<"catalogue">();

  constructor(input: { readonly store: Pick<Store, "tagDefinitions" | "putTagDefinition">; readonly clock: Clock }) {
    this.#store = input.store;
    this.#clock = input.clock;
  }

  async list(): Promise<CatalogueEntry[]> {
    const documents = await this.#store.tagDefinitions();
    return documents.map(({ document }) => ({ ...NOTHING_EARLIER, ...(JSON.parse(document) as CatalogueEntry) }));
  }

  /** Throws BAD_REQUEST when the key's prefix says another kind, NOT_ALLOWED when somebody has defined it and this person may
   * not define it anew. */
  async define(definition: TagDefinition, { person, mayReplace }: Definer): Promise<CatalogueEntry> {
    const prefix = kindOf(definition.key);
    if (prefix !== null && prefix !== definition.kind)
      throw new EntenteError("BAD_REQUEST", { detail: `kind: the key says ${prefix}` });
    return this.#turns.take("catalogue", async () => {
      const before = (await this.list()).find(({ key, isDeclared }) => isDeclared && key === definition.key);
      if (before === undefined) return this.#put({ ...definition, isDeclared: true, earlier: [] }, person);
      if (!mayReplace)
        throw new EntenteError("NOT_ALLOWED", { detail: "for steward: somebody has defined this key already" });
      const { isDeclared, earlier, ...replaced } = before;
      return this.#put({ ...definition, isDeclared, earlier: [replaced, ...earlier] }, person);
    });
  }

  /** Before a job is asked for. Resolves with the days that its tags may live at most, of those wished for. Throws TAG_CATALOGUE
   * naming the key and what it conflicts with. */
  async check(keys: readonly IssuedKey[], agreement: string, wishedDays: number): Promise<number> {
    const declared = new Map(
      (await this.list()).filter(({ isDeclared }) => isDeclared).map((entry) => [entry.key, entry]),
    );
    let days = wishedDays;
    for (const { key, values } of keys) {
      const entry = declared.get(key);
      if (entry === undefined) continue;
      const conflict = (why: string) => new EntenteError("TAG_CATALOGUE", { detail: `${key}: ${why}` });
      if (entry.agreement !== null && entry.agreement !== agreement) throw conflict("under another agreement only");
      const { valueType } = entry;
      if (valueType === "number" && values.some((value) => !isNumber(value))) throw conflict("its values are numbers");
      if (Array.isArray(valueType) && values.some((value) => !valueType.includes(value)))
        throw conflict(`its values are ${valueType.join(", ")}`);
      days = Math.min(days, entry.ttlDays ?? days);
    }
    return days;
  }

  /** A job issues these: those that nobody knows are entered as undeclared. */
  async note(
    keys: readonly string[],
    job: { readonly purpose: string; readonly agreement: Digest; readonly person: string },
  ) {
    const { purpose, agreement, person } = job;
    await this.#turns.take("catalogue", async () => {
      const known = new Set((await this.list()).map(({ key }) => key));
      for (const key of keys) {
        if (known.has(key)) continue;
        const open = { kind: kindOf(key), valueType: "text", owner: null, ttlDays: null, description: null } as const;
        await this.#put({ key, ...open, purpose, agreement, isDeclared: false, earlier: [] }, person);
      }
    });
  }

  async #put(entry: Omit<CatalogueEntry, "definedAt" | "definedBy">, person: string): Promise<CatalogueEntry> {
    const definedAt = new Date(this.#clock.nowMs()).toISOString();
    const whole = { ...entry, definedAt, definedBy: person };
    await this.#store.putTagDefinition(entry.key, JSON.stringify(whole));
    return whole;
  }
}

function isNumber(value: string): boolean {
  return value.trim() !== "" && Number.isFinite(Number(value));
}

/** By its prefix, where it has one that says it. */
function kindOf(key: string): "marketing" | "risk" | null {
  if (key.startsWith("marketing:")) return "marketing";
  return key.startsWith("risk:") ? "risk" : null;
}
