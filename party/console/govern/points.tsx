/** Sentences, one below the other. */
import type { ReactNode } from "react";

export function Points({ lines }: { readonly lines: readonly string[] }): ReactNode {
  return (
    <ul className="points">
      {lines.map((line) => (
        <li key={line}>{line}</li>
      ))}
    </ul>
  );
}
