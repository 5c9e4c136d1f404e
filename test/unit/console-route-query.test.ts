/** What a page shows while it waits for an answer: never one to another question, where somebody decides by it. */
import { QueryClient, QueryObserver } from "@tanstack/react-query";
import { afterEach, expect, test } from "vitest";
import { routeQuery } from "../../party/console/route-query.ts";

const queries = new QueryClient({ defaultOptions: { queries: { retry: false } } });
afterEach(() => queries.clear());

/** A node that has the terms of one agreement and takes its time over another's. */
const SLOW = "b".repeat(64);
const client = {
  call: (_name: string, { digest }: { digest: string }) =>
    digest === SLOW ? new Promise(() => {}) : Promise.resolve({ digest }),
};

/** What is shown of the second question while the node has answered the first alone. */
async function shownMeanwhile(options?: { keepsPrevious: boolean }) {
  const queryOf = (digest: string) => routeQuery(client as never, ["agreementTerms", { digest }], options);
  const observer = new QueryObserver(queries, queryOf("a".repeat(64)));
  const leave = observer.subscribe(() => {});
  await queries.ensureQueryData(queryOf("a".repeat(64)));
  observer.setOptions(queryOf(SLOW));
  const { data } = observer.getCurrentResult();
  leave();
  return data;
}

test("another agreement's terms are not shown while an agreement's are asked for", async () => {
  expect(await shownMeanwhile()).toBeUndefined();
});

test("the page before may stand where nothing is decided", async () => {
  expect(await shownMeanwhile({ keepsPrevious: true })).toEqual({ digest: "a".repeat(64) });
});
