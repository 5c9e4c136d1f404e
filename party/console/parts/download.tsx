/** A button that saves what a file route answers. */
import { type ReactNode, useState } from "react";
import { type EntenteError, toEntenteError } from "../../../proto/errors.ts";
import type { RouteRequest } from "../../../proto/http/routes.ts";
import type { FileRouteName } from "../../../sdk/client.ts";
import { saveFile, useClient } from "../client.ts";
import { Button, type ButtonKind } from "./button.tsx";
import { ErrorNote } from "./error-note.tsx";

interface DownloadProps<N extends FileRouteName> {
  readonly route: N;
  readonly request: RouteRequest<N>;
  readonly fileName: string;
  /** Media type. */
  readonly type: string;
  readonly kind?: ButtonKind;
  readonly children: ReactNode;
}

export function DownloadButton<N extends FileRouteName>(props: DownloadProps<N>): ReactNode {
  const { route, request, fileName, type, kind = "plain", children } = props;
  const client = useClient();
  const [isBusy, setIsBusy] = useState(false);
  const [error, setError] = useState<EntenteError>();
  const save = async () => {
    setIsBusy(true);
    setError(undefined);
    try {
      await saveFile(await client.download(route, request), fileName, type);
    } catch (thrown) {
      setError(toEntenteError(thrown));
    } finally {
      setIsBusy(false);
    }
  };
  return (
    <>
      <Button kind={kind} isBusy={isBusy} onClick={() => void save()}>
        {children}
      </Button>
      {error !== undefined && <ErrorNote error={error} />}
    </>
  );
}
