/** A button that saves what a file route answers. */
import type { ReactNode } from "react";
import type { RouteRequest } from "../../../proto/http/routes.ts";
import type { FileRouteName } from "../../../sdk/client.ts";
import { saveFile, useClient } from "../client.ts";
import { Button, type ButtonKind } from "./button.tsx";
import { useDoing } from "./doing.ts";
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
  const { isBusy, error, run } = useDoing();
  const save = () => run(async () => saveFile(await client.download(route, request), fileName, type));
  return (
    <>
      <Button kind={kind} isBusy={isBusy} onClick={() => void save()}>
        {children}
      </Button>
      {error !== undefined && <ErrorNote error={error} />}
    </>
  );
}
