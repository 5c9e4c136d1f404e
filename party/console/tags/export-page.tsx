/** The tags in force as a file. */
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import { useRoute } from "../client.ts";
import { DownloadButton } from "../parts/download.tsx";
import { SelectField, TextField } from "../parts/fields.tsx";
import { Page } from "../parts/page.tsx";
import { Panel } from "../parts/panel.tsx";

const FORMATS = {
  csv: "text/csv",
  parquet: "application/vnd.apache.parquet",
} as const;
type Format = keyof typeof FORMATS;

export function ExportPage(): ReactNode {
  const { t } = useTranslation();
  const tags = useRoute("tags", {}).data?.tags ?? [];
  const [key, setKey] = useState("");
  const [format, setFormat] = useState<Format>("csv");
  const [destination, setDestination] = useState("");
  const keys = [...new Set(tags.map((tag) => tag.key))].sort();
  const to = destination.trim();
  return (
    <Page title={t("tags.export")} lede={t("tags.exportLede")}>
      <Panel>
        <SelectField
          label={t("tags.key")}
          value={key}
          onChange={setKey}
          none={t("tags.allKeys")}
          choices={keys.map((name) => ({ value: name, label: name }))}
        />
        <SelectField
          label={t("tags.format")}
          value={format}
          onChange={(value) => setFormat(value as Format)}
          choices={(["csv", "parquet"] as const).map((value) => ({ value, label: t(`jobs.download.${value}`) }))}
        />
        <TextField
          label={t("tags.destination")}
          hint={t("tags.destinationHint")}
          value={destination}
          onChange={setDestination}
        />
        <DownloadButton
          kind="main"
          route="exportTags"
          request={{ format, ...(key !== "" && { key }), ...(to !== "" && { destination: to }) }}
          fileName={`tags.${format}`}
          type={FORMATS[format]}
        >
          {t("tags.download")}
        </DownloadButton>
      </Panel>
    </Page>
  );
}
