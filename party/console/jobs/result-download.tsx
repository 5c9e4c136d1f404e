/** Files of a job's result: the people with the partner's values. */
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Job } from "../../../sdk/client.ts";
import { useRoute } from "../client.ts";
import { DownloadButton } from "../parts/download.tsx";
import { CheckField, TextField } from "../parts/fields.tsx";
import { useSession } from "../session.tsx";

export function ResultDownload({ job: { jobId, role } }: { readonly job: Job }): ReactNode {
  const { t } = useTranslation();
  const { has } = useSession();
  const { data } = useRoute("jobTerms", { jobId });
  const [destination, setDestination] = useState("");
  const [forSpreadsheet, setForSpreadsheet] = useState(false);
  if (role !== "receiver" || !has("analyst") || data === undefined || data.labels.length === 0) return null;
  const to = destination.trim() === "" ? {} : { destination: destination.trim() };
  return (
    <>
      <h3>{t("jobs.download.result")}</h3>
      <TextField label={t("jobs.download.destination")} value={destination} onChange={setDestination} />
      <CheckField label={t("jobs.download.forSpreadsheet")} checked={forSpreadsheet} onChange={setForSpreadsheet} />
      <div className="actions">
        <DownloadButton
          route="exportResult"
          request={{ jobId, format: "csv", ...to, ...(forSpreadsheet && { forSpreadsheet: "yes" as const }) }}
          fileName={`result-${jobId.slice(0, 8)}.csv`}
          type="text/csv"
        >
          {t("jobs.download.csv")}
        </DownloadButton>
        <DownloadButton
          route="exportResult"
          request={{ jobId, format: "parquet", ...to }}
          fileName={`result-${jobId.slice(0, 8)}.parquet`}
          type="application/vnd.apache.parquet"
        >
          {t("jobs.download.parquet")}
        </DownloadButton>
      </div>
    </>
  );
}
