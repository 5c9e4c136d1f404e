/** `entente store check` of a node: what is wrong with its store, beside its database that what is in it makes sense. */
import { checkDatabase, fine, type StoreFinding, wrong } from "../../proto/database/check.ts";
import type { Reader } from "../../proto/database/database.ts";
import type { StorePlace } from "../../proto/database/place.ts";
import { EntenteError } from "../../proto/errors.ts";
import { foldJob, type JobEvent } from "../jobs/lifecycle.ts";
import { dialectOf, inspectStore, newTables } from "./look.ts";
import { PARTY_HISTORY } from "./schema.ts";

/** Changes nothing; the node may be running. Rejects only when the database cannot be reached. */
export async function checkStore(place: StorePlace, owner: string): Promise<StoreFinding[]> {
  const checked = { dialect: dialectOf(place), history: PARTY_HISTORY, tables: await newTables(), owner };
  try {
    return await inspectStore(place, async (reader, found) => {
      const { state, findings } = await checkDatabase(reader, found, checked);
      return state === "current" ? [...findings, await checkJobs(reader), await checkTags(reader)] : findings;
    });
  } catch (error) {
    if (!(error instanceof EntenteError) || error.code !== "STORE_DAMAGED") throw error;
    return [wrong("database", "damaged, or no database")];
  }
}

type EventRow = [jobId: string, seq: number, event: string];

async function checkJobs(reader: Reader): Promise<StoreFinding> {
  const bad: string[] = [];
  let jobs = 0;
  let [jobId, events] = ["", [] as JobEvent[]];
  let isWhole = true;
  const end = () => {
    if (jobId === "") return;
    jobs++;
    if (!isWhole || !folds(jobId, events)) bad.push(jobId);
  };
  for await (const rows of reader.rows<EventRow>("SELECT jobId, seq, event FROM job_event ORDER BY jobId, seq"))
    for (const [id, seq, text] of rows) {
      if (id !== jobId) {
        end();
        [jobId, events, isWhole] = [id, [], true];
      }
      const event = parsed(text);
      isWhole &&= seq === events.length && event !== undefined;
      events.push(event as JobEvent);
    }
  end();
  if (bad.length === 0) return fine("jobs", `${jobs}, whose events fold`);
  return wrong("jobs", `the events of ${bad.length} of ${jobs} do not fold: ${bad.slice(0, 3).join(", ")}`);
}

function folds(jobId: string, events: readonly JobEvent[]): boolean {
  try {
    return foldJob(jobId, events) !== undefined;
  } catch {
    return false;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function checkTags(reader: Reader): Promise<StoreFinding> {
  const strays = await reader.all<{ n: number }>(
    `SELECT count(*) AS n FROM tag WHERE NOT EXISTS (SELECT 1 FROM tag_batch b WHERE b.id = tag.batchId)`,
  );
  const n = strays[0]?.n ?? 0;
  return n === 0 ? fine("tags", "each belongs to a batch") : wrong("tags", `${n} belong to no batch`);
}
