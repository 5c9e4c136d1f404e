/** The API's routes on feeds. */
import type { RouteResponse } from "../../proto/http/routes.ts";
import type { Handlers } from "../api/server.ts";
import type { Node } from "../node.ts";
import type { DeliveryRecord } from "../store/tag-records.ts";
import type { FeedStatus } from "./feeds.ts";

/** Below a client's patience: a longer delivery goes on, and its history says how. */
const WAIT_MS = 8_000;

export function feedHandlers(
  node: Node,
): Pick<Handlers, "feeds" | "addFeed" | "removeFeed" | "runFeed" | "deliveries"> {
  const { feeds, ports } = node;
  return {
    feeds: async () => ({ feeds: (await feeds.list()).map(viewFeed) }),
    addFeed: async ({ name, ...config }, { person }) => viewFeed(await feeds.add(name, config, person)),
    removeFeed: async ({ name }) => {
      await feeds.remove(name);
      return { name };
    },
    runFeed: async ({ name, mode }, { person }) => {
      const before = (await feeds.history(name))[0]?.deliveryId;
      const run = feeds.run(name, mode, person);
      run.catch(() => {});
      const waited = new Promise<undefined>((resolve) => ports.timers.after(WAIT_MS, () => resolve(undefined)));
      const ended = await Promise.race([run, waited]);
      if (ended !== undefined) return viewDelivery(ended);
      const [now] = await feeds.history(name);
      // Where there is none yet, it waits for another delivery of the same feed.
      const isOwn = now !== undefined && (now.deliveryId !== before || now.state === "running");
      return viewDelivery(isOwn ? now : await run);
    },
    deliveries: async ({ name }) => ({ deliveries: (await feeds.history(name)).map(viewDelivery) }),
  };
}

function viewFeed({ config, last, ...feed }: FeedStatus): RouteResponse<"addFeed"> {
  return { ...feed, config, last: last === null ? null : viewDelivery(last) };
}

/** Without the place: it is somebody's id. */
function viewDelivery({ place: _, isRecorded: __, feed: ___, ...delivery }: DeliveryRecord): RouteResponse<"runFeed"> {
  return delivery;
}
