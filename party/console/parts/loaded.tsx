/** What a route answers, once it has: until then that it loads, and why it could not. */
import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import type { EntenteError } from "../../../proto/errors.ts";
import { ErrorNote } from "./error-note.tsx";

export function Loading(): ReactNode {
  const { t } = useTranslation();
  return (
    <p className="loading" role="status">
      {t("shell.loading")}
    </p>
  );
}

interface LoadedProps<T> {
  readonly query: UseQueryResult<T, EntenteError>;
  readonly children: (data: T) => ReactNode;
}

export function Loaded<T>({ query, children }: LoadedProps<T>): ReactNode {
  const { data, error, refetch, isPlaceholderData } = query;
  if (data !== undefined)
    return (
      <div className="loaded" aria-busy={isPlaceholderData}>
        {error !== null && <ErrorNote error={error} onRetry={() => void refetch()} />}
        {children(data)}
      </div>
    );
  return error === null ? <Loading /> : <ErrorNote error={error} onRetry={() => void refetch()} />;
}
