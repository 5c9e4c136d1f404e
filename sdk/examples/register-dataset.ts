/**
 * Looks at a table, and registers it when it is fit for use.
 *
 *     ENTENTE_URL=http://127.0.0.1:7430 ENTENTE_TOKEN=... node sdk/examples/register-dataset.ts /data/customers.csv
 */
// In a program of your own: from "entente".
import { EntenteClient, type RouteRequest, type RouteResponse } from "../client.ts";

/** A dataset that loses more than so many of its rows was read wrongly, or is not the one that was meant. */
const MOST_LOST = 0.05;

export async function registerDataset(
  client: EntenteClient,
  table: RouteRequest<"registerDataset">,
): Promise<RouteResponse<"registerDataset">> {
  const check = await client.call("checkDataset", table);
  for (const { reason, rows, fix } of check.setAside) console.log(`${rows} rows set aside, ${reason}: ${fix ?? ""}`);
  if (check.rows - check.accepted > MOST_LOST * check.rows) throw new Error(`${table.name}: look at these rows first`);
  for await (const event of client.follow("registerDataset", table)) {
    if (event.kind === "answer") return event.answer;
    const { done, total, secondsLeft } = event.progress;
    console.log(`${done} of ${total ?? "?"}, ${secondsLeft ?? "?"} s left`);
  }
  throw new Error("the node has not answered");
}

if (import.meta.main) {
  const { ENTENTE_URL: url = "http://127.0.0.1:7430", ENTENTE_TOKEN: token } = process.env;
  const [path = "customers.csv", column = "phone"] = process.argv.slice(2);
  const table = { name: "customers", path, ids: [{ column, normaliser: "phone-e164" as const }] };
  console.log(`${(await registerDataset(new EntenteClient({ url, token }), table)).accepted} people`);
}
