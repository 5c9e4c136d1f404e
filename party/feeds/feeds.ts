/** The node's feeds: where tags go, one delivery at a time for each, and what has gone. */
import { isAbsolute } from "node:path";
import type { Logger } from "pino";
import type * as z from "zod";
import { toHex } from "../../proto/encoding/bytes.ts";
import { EntenteError, toEntenteError } from "../../proto/errors.ts";
import { feedConfig } from "../../proto/http/feed-routes.ts";
import type { Ports } from "../../proto/ports/ports.ts";
import type { Databases } from "../databases/databases.ts";
import type { Store } from "../store/store.ts";
import type { DeliveryRecord, FeedRecord } from "../store/tag-records.ts";
import type { ExportedTags } from "../tags/exported.ts";
import { Turns } from "../turns.ts";
import { fileTarget } from "./file-target.ts";
import { postgresTarget } from "./postgres-target.ts";
import type { Outgoing, Target } from "./target.ts";
import { requireProtected, type WebhookLimits, webhookTarget } from "./webhook-target.ts";

export type FeedConfig = z.output<typeof feedConfig>;
export type FeedMode = "full" | "since-last";

export interface FeedsInput {
  readonly party: string;
  readonly store: Store;
  readonly ports: Ports;
  readonly databases: Pick<Databases, "connect">;
  readonly logger: Logger;
  /** Throws when an agreement is not known to be in force. */
  readonly requireInForce: (agreement: string) => Promise<void>;
  /** Writes evidence of what is about to leave. */
  readonly record: (tags: ExportedTags) => Promise<void>;
  readonly webhookLimits?: WebhookLimits;
}

export interface FeedStatus {
  readonly name: string;
  readonly config: FeedConfig;
  readonly createdAt: string;
  readonly createdBy: string;
  readonly behind: number;
  readonly last: DeliveryRecord | null;
}

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
/** For so long a feed that is not run can still be told what has ended; then who had those tags is forgotten. */
export const ENDED_TAG_DAYS = 30;
const HISTORY = 100;
const SCHEDULE = "schedule";

/** Those of all feeds; absolute. */
export async function feedSecretFiles(store: Pick<Store, "feeds">): Promise<string[]> {
  return (await store.feeds()).flatMap(({ config }) => {
    const { target } = feedConfig.parse(JSON.parse(config));
    return "secretFile" in target ? [target.secretFile] : [];
  });
}

export class Feeds {
  readonly #input: FeedsInput;
  readonly #turns = new Turns<string>();

  constructor(input: FeedsInput) {
    this.#input = input;
  }

  /** Nothing is delivered yet. Throws ALREADY_EXISTS, BAD_REQUEST when the target is not one. */
  async add(name: string, config: FeedConfig, person: string): Promise<FeedStatus> {
    const { store } = this.#input;
    const place =
      "folder" in config.target ? config.target.folder : "secretFile" in config.target && config.target.secretFile;
    if (typeof place === "string" && !isAbsolute(place))
      throw new EntenteError("BAD_REQUEST", { detail: "target: the path is not absolute" });
    if (config.target.kind === "webhook") requireProtected(config.target);
    const feed = { name, config: JSON.stringify(config), cursor: 0, createdAt: this.#now(), createdBy: person };
    if (!(await store.addFeed(feed))) throw new EntenteError("ALREADY_EXISTS", { detail: name });
    return this.#status(feed);
  }

  /** Throws NOT_FOUND. */
  async remove(name: string): Promise<void> {
    await this.#require(name);
    await this.#turns.take(name, () => this.#input.store.removeFeed(name));
  }

  async list(): Promise<FeedStatus[]> {
    return Promise.all((await this.#input.store.feeds()).map((feed) => this.#status(feed)));
  }

  /** Newest first. Throws NOT_FOUND. */
  async history(name: string): Promise<DeliveryRecord[]> {
    await this.#require(name);
    return this.#input.store.deliveries(name, HISTORY);
  }

  /**
   * Delivers, or goes on with the delivery that was broken off; resolves when it has ended. Throws NOT_FOUND, FEED_BEHIND,
   * FEED_GONE, the errors of the agreements in force, of evidence and of the target; the delivery's record has their code.
   */
  run(name: string, mode: FeedMode, person: string): Promise<DeliveryRecord> {
    return this.#turns.take(name, () => this.#run(name, mode, person));
  }

  /** Runs the feeds whose time has come. Never rejects. */
  async keepUp(): Promise<void> {
    await this.#runDue().catch((err: unknown) => this.#input.logger.error({ err }, "feeds could not be looked at"));
  }

  async #runDue(): Promise<void> {
    const { store, logger, ports } = this.#input;
    await store.forgetEndedTags(new Date(ports.clock.nowMs() - ENDED_TAG_DAYS * DAY_MS).toISOString());
    for (const { name, config, last } of await this.list()) {
      if (config.everyMinutes === undefined || last?.code === "FEED_GONE" || !this.#turns.isFree(name)) continue;
      const sinceMs = ports.clock.nowMs() - Date.parse(last?.startedAt ?? new Date(0).toISOString());
      if (sinceMs < config.everyMinutes * MINUTE_MS) continue;
      await this.run(name, "since-last", SCHEDULE).catch((error: unknown) => {
        const { code, detail } = toEntenteError(error);
        logger.warn({ feed: name, code, detail }, "a feed could not be delivered");
      });
    }
  }

  async #run(name: string, mode: FeedMode, person: string): Promise<DeliveryRecord> {
    const { store } = this.#input;
    const feed = await this.#require(name);
    const config = configOf(feed);
    const [last] = await store.deliveries(name, 1);
    if (last?.code === "FEED_GONE") throw new EntenteError("FEED_GONE", { detail: name });
    const delivery = (await this.#broken(last, mode)) ?? (await this.#begin(feed, mode, person));
    await store.putDelivery(delivery);
    try {
      return await this.#deliver(delivery, config);
    } catch (error) {
      const now = (await store.deliveries(name, 1))[0] ?? delivery;
      await store.putDelivery({ ...now, state: "failed", endedAt: this.#now(), code: toEntenteError(error).code });
      throw error;
    }
  }

  /** The delivery to go on with. One of which the target has nothing, or all, is begun anew when tags have changed since: then
   * evidence has what leaves. */
  async #broken(last: DeliveryRecord | undefined, mode: FeedMode): Promise<DeliveryRecord | undefined> {
    if (last === undefined || last.state === "done" || last.mode !== mode) return undefined;
    await this.#input.store.expireTags(this.#now());
    const isSame = (await this.#input.store.lastTagChange()) === last.toChange;
    if (!isSame && last.place === null) return undefined;
    return { ...last, state: "running", code: null, endedAt: null, isRecorded: last.isRecorded && isSame };
  }

  async #begin(feed: FeedRecord, mode: FeedMode, person: string): Promise<DeliveryRecord> {
    const { store, ports } = this.#input;
    const isSince = mode === "since-last";
    if (isSince && feed.cursor > 0 && feed.cursor < (await store.forgottenTagChange()))
      throw new EntenteError("FEED_BEHIND", { detail: feed.name });
    const startedAt = this.#now();
    await store.expireTags(startedAt);
    return {
      deliveryId: toHex(ports.random.bytes(16)),
      ...{ feed: feed.name, mode, person, startedAt },
      fromChange: isSince ? feed.cursor : 0,
      toChange: await store.lastTagChange(),
      ...{ state: "running", endedAt: null, written: 0, ended: 0, isRecorded: false, place: null, code: null },
    };
  }

  async #deliver(begun: DeliveryRecord, config: FeedConfig): Promise<DeliveryRecord> {
    const { store } = this.#input;
    const { feed, mode, fromChange, toChange } = begun;
    const isSince = mode === "since-last";
    // What a job publishes from here on has been neither asked about nor recorded: it is for the next delivery.
    const filter = { since: fromChange, until: toChange, keys: config.keys };
    let delivery = begun;
    const done = async (counts: { written: number; ended: number }) => {
      const ended: DeliveryRecord = { ...delivery, ...counts, state: "done", endedAt: this.#now() };
      await store.endDelivery(ended, toChange);
      await store.forgetEndedTags("");
      return ended;
    };
    if (isSince && fromChange === toChange) return done({ written: 0, ended: 0 });
    // What has ended is told, whatever stands against the rest.
    let held: EntenteError | undefined;
    const { jobIds, agreements } = await store.tagChangeSources(filter);
    for (const agreement of agreements)
      await this.#input.requireInForce(agreement).catch((error: unknown) => {
        held ??= toEntenteError(error);
      });
    if (held !== undefined && !isSince) throw held;
    if (held === undefined && !delivery.isRecorded) {
      const destination = `feed ${feed} (${config.target.kind})`;
      await this.#input.record({ jobIds, person: delivery.person, format: config.target.kind, destination });
      delivery = { ...delivery, isRecorded: true };
      await store.putDelivery(delivery);
    }
    const isHeld = held !== undefined;
    const outgoing: Outgoing = {
      deliveryId: isHeld ? `${delivery.deliveryId}-${toChange}-ended` : delivery.deliveryId,
      ...{ feed, mode, toChange },
      place: isHeld ? null : delivery.place,
      counts: isHeld ? { written: 0, ended: 0 } : { written: delivery.written, ended: delivery.ended },
      changes: async function* (after) {
        const wanted = {
          ...filter,
          onlyCurrent: !isSince && config.target.kind !== "webhook",
          ...(after && { after }),
        };
        for await (const changes of store.tagChanges(wanted))
          yield isHeld ? changes.filter((one) => one.isEnded) : changes;
      },
      acknowledged: async (place, counts) => {
        if (isHeld) return;
        delivery = { ...delivery, place, ...counts };
        await store.putDelivery(delivery);
      },
    };
    const counts = await this.#targetOf(config)(outgoing);
    if (held !== undefined) throw held;
    return done(counts);
  }

  #targetOf({ target }: FeedConfig): Target {
    const { party, ports, databases, webhookLimits } = this.#input;
    switch (target.kind) {
      case "csv":
      case "parquet":
        return fileTarget(target);
      case "postgres":
        return postgresTarget(target, (name) => databases.connect(name, "feeds"));
      case "webhook":
        return webhookTarget(target, { party, ports, ...(webhookLimits && { limits: webhookLimits }) });
    }
  }

  async #status(feed: FeedRecord): Promise<FeedStatus> {
    const { store } = this.#input;
    const { name, createdAt, createdBy, cursor } = feed;
    const behind = (await store.lastTagChange()) - cursor;
    const last = (await store.deliveries(name, 1))[0] ?? null;
    return { name, config: configOf(feed), createdAt, createdBy, behind, last };
  }

  async #require(name: string): Promise<FeedRecord> {
    const feed = (await this.#input.store.feeds()).find((one) => one.name === name);
    if (feed === undefined) throw new EntenteError("NOT_FOUND", { detail: `feed ${name}` });
    return feed;
  }

  #now(): string {
    return new Date(this.#input.ports.clock.nowMs()).toISOString();
  }
}

function configOf({ config }: FeedRecord): FeedConfig {
  return feedConfig.parse(JSON.parse(config));
}
