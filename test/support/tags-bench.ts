/** What it costs to issue tags and to bring them, as a feed does, into a table of a real PostgreSQL server that syncs. */
import { randomUUID } from "node:crypto";
import type { Tag } from "../../party/tags/tag.ts";
import { AGREEMENT, FeedWorld } from "./feed-world.ts";
import { phoneOf } from "./people.ts";
import { type Postgres, startPostgres } from "./postgres.ts";

/** As many as a job writes at a time, at most. */
const PART_TAGS = 2 ** 17;
const KEY = "marketing:joint";

export class TagsBench {
  readonly #server: Postgres;
  readonly #world: FeedWorld;

  private constructor(server: Postgres, world: FeedWorld) {
    this.#server = server;
    this.#world = world;
  }

  /** Undefined, with a message on stderr, where no server can be had. */
  static async start(): Promise<TagsBench | undefined> {
    const server = await startPostgres({ durable: true });
    if (server === undefined) return undefined;
    await server.query("CREATE SCHEMA crm");
    const world = await FeedWorld.make(server.url);
    await world.addFeed("crm", { kind: "postgres", database: "crm", schema: "crm", table: "tags" });
    return new TagsBench(server, world);
  }

  /** Issues `count` tags of one job, and delivers them. Throws when the table has not all of them. */
  async run(count: number): Promise<void> {
    const { store } = this.#world;
    const jobId = randomUUID().replaceAll("-", "");
    for (let first = 0, part = 0; first < count; first += PART_TAGS, part++)
      await store.putTags(jobId, part, this.#tags(jobId, first, Math.min(count, first + PART_TAGS)));
    await store.publishTags(jobId, this.#world.now(), null);
    const { written } = await this.#world.run("crm");
    const [row] = await this.#server.query<{ count: string }>("SELECT count(*) FROM crm.tags");
    if (written !== count || Number(row?.count) !== count) throw new Error(`${written} tags delivered of ${count}`);
  }

  async stop(): Promise<void> {
    await this.#world.close();
    await this.#server.stop();
  }

  /** Of people in an order as that of their hashes: none. */
  *#tags(jobId: string, from: number, to: number): Generator<Tag> {
    const issuedAt = this.#world.now();
    const expiresAt = new Date(this.#world.nowMs + 30 * 86_400_000).toISOString();
    const common = { jobId, agreement: AGREEMENT, key: KEY, model: null, scoredAt: null, issuedAt, expiresAt };
    for (let i = from; i < to; i++) {
      const subject = `+86${phoneOf((i * 48_271) % 99_999_989)}`;
      yield { ...common, subject, value: i % 3 === 0 ? "A" : "B", score: i / to };
    }
  }
}
