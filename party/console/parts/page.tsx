/** A page: its heading, what it is about, and what one can do on all of it. */
import { type ReactNode, useEffect } from "react";
import { useSession } from "../session.tsx";

interface PageProps {
  readonly title: string;
  /** A sentence or two for whoever sees it for the first time. */
  readonly lede?: ReactNode;
  readonly actions?: ReactNode;
  readonly children: ReactNode;
}

export function Page({ title, lede, actions, children }: PageProps): ReactNode {
  const { party } = useSession();
  useEffect(() => {
    document.title = `${title} · ${party}`;
  }, [title, party]);
  return (
    <>
      <div className="page-head">
        <h1>{title}</h1>
        {actions !== undefined && <div className="actions">{actions}</div>}
      </div>
      {lede !== undefined && <p className="lede">{lede}</p>}
      {children}
    </>
  );
}
