/** A part of a page with a heading of its own. */
import { type ReactNode, useId } from "react";

interface PanelProps {
  readonly title?: ReactNode;
  readonly actions?: ReactNode;
  readonly children: ReactNode;
}

export function Panel({ title, actions, children }: PanelProps): ReactNode {
  const id = useId();
  return (
    <section className="panel" {...(title === undefined ? {} : { "aria-labelledby": id })}>
      {title !== undefined && (
        <div className="panel-head">
          <h2 id={id}>{title}</h2>
          {actions !== undefined && <div className="actions">{actions}</div>}
        </div>
      )}
      {children}
    </section>
  );
}
