/** Feeds over a real store in a folder, with a clock that a test moves and evidence that it can look at. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { Databases } from "../../party/databases/databases.ts";
import { type FeedConfig, Feeds, type FeedsInput } from "../../party/feeds/feeds.ts";
import { openSqliteStore } from "../../party/store/sqlite.ts";
import type { Store } from "../../party/store/store.ts";
import type { ExportedTags } from "../../party/tags/exported.ts";
import type { Tag } from "../../party/tags/tag.ts";
import { EntenteError } from "../../proto/errors.ts";
import { feedConfig } from "../../proto/http/feed-routes.ts";
import { Secret } from "../../proto/keys/secret.ts";
import { nodePorts } from "../../proto/ports/node.ts";

export const FEED_START_MS = Date.parse("2026-05-01T00:00:00.000Z");
export const AGREEMENT = "5f".repeat(32);
const DAY_MS = 86_400_000;

export class FeedWorld {
  readonly folder: string;
  readonly recorded: ExportedTags[] = [];
  readonly log: string[] = [];
  nowMs = FEED_START_MS;
  /** Agreements that the peer does not call in force. */
  readonly lapsed = new Set<string>();
  store: Store;
  feeds: Feeds;
  readonly #changes: Partial<FeedsInput>;
  readonly #databaseUrl: string | undefined;
  #jobs = 0;

  private constructor(folder: string, databaseUrl: string | undefined, changes: Partial<FeedsInput>) {
    this.folder = folder;
    this.#databaseUrl = databaseUrl;
    this.#changes = changes;
    this.store = openSqliteStore(join(folder, "node.db"));
    this.feeds = this.#open();
  }

  /** `databaseUrl`: of the database named `crm`. */
  static async make(databaseUrl?: string, changes: Partial<FeedsInput> = {}): Promise<FeedWorld> {
    return new FeedWorld(await mkdtemp(join(tmpdir(), "entente-feeds-")), databaseUrl, changes);
  }

  /** As after a stop of the process. */
  async restart(): Promise<void> {
    await this.store.close();
    this.store = openSqliteStore(join(this.folder, "node.db"));
    this.feeds = this.#open();
  }

  async close(): Promise<void> {
    await this.store.close();
    await rm(this.folder, { recursive: true, force: true });
  }

  now(): string {
    return new Date(this.nowMs).toISOString();
  }

  async addFeed(name: string, target: object, more: object = {}): Promise<void> {
    await this.feeds.add(name, feedConfig.parse({ target, ...more }) as FeedConfig, "Ola");
  }

  run(name: string, mode: "full" | "since-last" = "since-last") {
    return this.feeds.run(name, mode, "Ada");
  }

  /** A job that issues these values, by subject and key, for 30 days. Resolves with its id. */
  async issue(values: readonly (readonly [subject: string, key: string, value: string])[], changes: Partial<Tag> = {}) {
    const jobId = String(++this.#jobs).padStart(32, "0");
    const times = { issuedAt: this.now(), expiresAt: new Date(this.nowMs + 30 * DAY_MS).toISOString() };
    const common = { jobId, agreement: AGREEMENT, score: null, model: null, scoredAt: null, ...times, ...changes };
    const tags = values.map(([subject, key, value]) => ({ subject, key, value, ...common }));
    await this.store.putTags(jobId, 0, tags);
    await this.store.publishTags(jobId, this.now(), null);
    return jobId;
  }

  #open(): Feeds {
    const clock = { nowMs: () => this.nowMs, monotonicMs: () => performance.now() };
    const config = this.#databaseUrl === undefined ? {} : { crm: { url: new Secret(this.#databaseUrl) } };
    return new Feeds({
      party: "bank",
      store: this.store,
      ports: { ...nodePorts, clock },
      databases: new Databases({ files: nodePorts.files, folder: this.folder, config }),
      logger: pino({ level: "trace" }, { write: (line: string) => void this.log.push(line) }),
      requireInForce: async (agreement) => {
        if (this.lapsed.has(agreement)) throw new EntenteError("AGREEMENT_NOT_IN_FORCE");
      },
      record: async (tags) => void this.recorded.push(tags),
      ...this.#changes,
    });
  }
}
