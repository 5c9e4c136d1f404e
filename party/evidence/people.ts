/**
 * Who did what an entry says. The log itself names nobody: who approved is a salted commitment, who asked for a job is this
 * node's own record, and who took something out stands in a side note. All of it is of this node's people alone.
 */
import { utf8 } from "../../proto/encoding/bytes.ts";
import { parseCanonicalJson } from "../../proto/encoding/canonical-json.ts";
import { type Opening, readOpening } from "../../proto/evidence/openings.ts";
import type { ParsedStatement } from "../../proto/evidence/statements.ts";
import type { JobBook } from "../jobs/book.ts";
import type { Job } from "../jobs/lifecycle.ts";
import type { SideNotes } from "./side-notes.ts";

export interface Person {
  readonly did: "requested" | "decided" | "exported";
  /** Null when nobody at this node can say. */
  readonly name: string | null;
  readonly party: string;
}

export interface PeopleSources {
  readonly party: string;
  readonly book: Pick<JobBook, "list">;
  readonly sideNotes: Pick<SideNotes, "get">;
  readonly vault: { opening(commitment: string): Promise<Opening["opened"]> };
}

export class EntryPeople {
  readonly #sources: PeopleSources;
  readonly #requesters: ReadonlyMap<string, string>;

  private constructor(sources: PeopleSources, requesters: ReadonlyMap<string, string>) {
    this.#sources = sources;
    this.#requesters = requesters;
  }

  /** `jobs`: the node's, as they are now. */
  static of(sources: PeopleSources, jobs: readonly Job[]): EntryPeople {
    const known = jobs.flatMap(({ jobId, proposed }) =>
      proposed.requestedBy === undefined ? [] : [[jobId, proposed.requestedBy] as const],
    );
    return new EntryPeople(sources, new Map(known));
  }

  /** Of an entry of this node's own log. Throws STORAGE_FAILED when what stands beside the log was changed. */
  async in({ event, statement }: ParsedStatement): Promise<Person[]> {
    const { party } = this.#sources;
    switch (event) {
      case "job-requested": {
        const { jobId, requester } = statement.predicate;
        const name = requester === party ? (this.#requesters.get(jobId) ?? null) : null;
        return [{ did: "requested", name, party: requester }];
      }
      case "approval":
        return [{ did: "decided", name: await this.#approver(statement.predicate.approver), party }];
      case "tags-exported":
      case "result-exported":
        return [{ did: "exported", name: await this.#exporter(statement.predicate.destination), party }];
      default:
        return [];
    }
  }

  async #approver(commitment: string): Promise<string | null> {
    const opened = await this.#sources.vault.opening(commitment);
    const read = readOpening({ kind: "approver", commitment, opened });
    return read?.kind === "approver" ? read.value.person : null;
  }

  async #exporter(commitment: string): Promise<string | null> {
    const note = await this.#sources.sideNotes.get(commitment);
    return note === undefined ? null : (destinationOf(note.text).person ?? null);
  }
}

/** What a destination's side note holds. A feed that delivers by itself names no person. */
export function destinationOf(text: string): { readonly person?: string; readonly destination?: string } {
  const value = parseCanonicalJson(utf8(text));
  if (typeof value !== "object" || value === null || Array.isArray(value)) return {};
  const { person, destination } = value as Record<string, unknown>;
  return {
    ...(typeof person === "string" ? { person } : {}),
    ...(typeof destination === "string" ? { destination } : {}),
  };
}
