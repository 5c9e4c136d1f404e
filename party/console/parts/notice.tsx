/** Something to be noticed. What is bad is read out at once. */
import type { ReactNode } from "react";

export type NoticeKind = "info" | "good" | "warn" | "bad";

interface NoticeProps {
  readonly kind: NoticeKind;
  readonly title?: string;
  readonly children?: ReactNode;
}

export function Notice({ kind, title, children }: NoticeProps): ReactNode {
  return (
    <div className={`notice ${kind}`} role={kind === "bad" ? "alert" : "status"}>
      {title !== undefined && <strong>{title}</strong>}
      {children !== undefined && <div>{children}</div>}
    </div>
  );
}

/** A word with the colour of what it says. */
export function Badge({ kind, children }: { readonly kind: NoticeKind; readonly children: ReactNode }): ReactNode {
  return <span className={`badge ${kind}`}>{children}</span>;
}
