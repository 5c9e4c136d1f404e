/** Counts a segment's people when asked: it reads the dataset. */
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import { useRoute } from "../client.ts";
import { Button } from "../parts/button.tsx";
import { ErrorNote } from "../parts/error-note.tsx";
import { countText } from "../parts/values.tsx";
import { useSession } from "../session.tsx";

export function CountSegment({ name }: { readonly name: string }): ReactNode {
  const { t } = useTranslation();
  const { has } = useSession();
  const [isAsked, setIsAsked] = useState(false);
  const { data, error, isFetching } = useRoute("countSegment", { name }, { enabled: isAsked });
  if (data !== undefined) return t("segments.counted", { count: data.people, amount: countText(data.people) });
  if (error !== null) return <ErrorNote error={error} />;
  if (!has("analyst")) return null;
  return (
    <Button isBusy={isFetching} onClick={() => setIsAsked(true)}>
      {t("segments.count")}
    </Button>
  );
}
