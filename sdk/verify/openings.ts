/** Verify openings: each is what a commitment of the exporter was made of, as far as its logs are here. */
import type { OpeningKind } from "../../proto/evidence/opening-kinds.ts";
import {
  OPENINGS_PATH,
  type Opened,
  type OpenedValue,
  parseOpenings,
  readOpening,
} from "../../proto/evidence/openings.ts";
import type { ExportFolder } from "./load.ts";
import type { Findings, Place } from "./verdict.ts";

interface HeldOpening {
  readonly place: Place;
  readonly party: string;
  readonly opened: Opened;
}

export class Openings {
  readonly #held = new Map<string, HeldOpening>();
  readonly #seen = new Set<string>();

  put(commitment: string, held: HeldOpening): void {
    this.#held.set(`${held.party}/${commitment}`, held);
  }

  /** What `by` committed to; undefined when it is not opened here. An opening of another kind is none. */
  find<K extends OpeningKind>({
    by,
    kind,
    commitment,
  }: {
    readonly by: string;
    readonly kind: K;
    readonly commitment: string;
  }): OpenedValue<K> | undefined {
    const key = `${by}/${commitment}`;
    const held = this.#held.get(key);
    if (held?.opened.kind !== kind) return undefined;
    this.#seen.add(key);
    return held.opened.value as OpenedValue<K>;
  }

  /** Where an opening stands that no entry has asked for. */
  unused(): Place[] {
    return [...this.#held].filter(([key]) => !this.#seen.has(key)).map(([, { place }]) => place);
  }
}

export async function verifyOpenings(folders: readonly ExportFolder[], findings: Findings): Promise<Openings> {
  const openings = new Openings();
  for (const { folder, manifest, read } of folders) {
    const place = { folder, path: OPENINGS_PATH };
    try {
      const bytes = await read(OPENINGS_PATH);
      if (bytes === undefined) {
        findings.report("FILE_MISSING", place);
        continue;
      }
      const { party, openings: listed } = parseOpenings(bytes);
      if (party !== manifest.exportingParty) findings.report("OPENING_INVALID", place, "of another party");
      for (const opening of listed) {
        const opened = readOpening(opening);
        if (opened !== undefined) openings.put(opening.commitment, { place, party: manifest.exportingParty, opened });
      }
    } catch (error) {
      findings.report("OPENING_INVALID", place, (error as Error).message);
    }
  }
  return openings;
}
