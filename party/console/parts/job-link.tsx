/** A job by the beginning of its id, where its page is. */
import type { ReactNode } from "react";
import { Link } from "wouter";

const CHARACTERS = 12;

export function JobLink({ jobId }: { readonly jobId: string }): ReactNode {
  return (
    <Link href={`/jobs/${jobId}`}>
      <code>{jobId.slice(0, CHARACTERS)}</code>
    </Link>
  );
}
