/** One job, live: every state that the node tells, until it has ended. */
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { type EntenteError, toEntenteError } from "../../../proto/errors.ts";
import type { Job } from "../../../sdk/client.ts";
import { askAgain, useClient } from "../client.ts";

export interface LiveJob {
  readonly job: Job | undefined;
  readonly error: EntenteError | undefined;
  retry(): void;
}

export function useJob(jobId: string): LiveJob {
  const client = useClient();
  const queries = useQueryClient();
  const [job, setJob] = useState<Job>();
  const [error, setError] = useState<EntenteError>();
  const [round, setRound] = useState(0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new round is another try
  useEffect(() => {
    let isLeft = false;
    const follow = async () => {
      let hasMoved = false;
      for await (const state of client.jobProgress(jobId)) {
        if (isLeft) return;
        setJob(state);
        setError(undefined);
        hasMoved ||= state.progress !== null;
      }
      // What it released is on other pages, too.
      if (hasMoved && !isLeft) await askAgain(queries);
    };
    setJob(undefined);
    follow().catch((thrown: unknown) => {
      if (!isLeft) setError(toEntenteError(thrown));
    });
    return () => {
      isLeft = true;
    };
  }, [client, jobId, round]);
  return { job, error, retry: () => setRound(round + 1) };
}
