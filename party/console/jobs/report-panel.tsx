/** A joint audience report: its numbers as charts and tables, and as files. */
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import type { RouteResponse } from "../../../proto/http/routes.ts";
import { REPORT_FORMATS, reportStrings } from "../../../proto/report/render.ts";
import type { ReportStrings } from "../../../proto/report/strings.ts";
import { useRoute } from "../client.ts";
import { currentLanguage } from "../language.ts";
import { Bars } from "../parts/bars.tsx";
import { DownloadButton } from "../parts/download.tsx";
import { Loaded } from "../parts/loaded.tsx";
import { Panel } from "../parts/panel.tsx";
import { Table } from "../parts/table.tsx";
import { countText } from "../parts/values.tsx";

type Report = RouteResponse<"jobReport">["report"];
type Breakdown = Report["breakdowns"][number];

const TYPES = { html: "text/html", svg: "image/svg+xml", json: "application/json" } as const;

export function ReportPanel({ jobId }: { readonly jobId: string }): ReactNode {
  const { t } = useTranslation();
  const language = currentLanguage();
  const query = useRoute("jobReport", { jobId });
  const strings = reportStrings(language);
  return (
    <Loaded query={query}>
      {({ report }) => (
        <>
          <Panel
            title={t("jobs.report.title")}
            actions={REPORT_FORMATS.map((format) => (
              <DownloadButton
                key={format}
                route="jobReportFile"
                request={{ jobId, format, language }}
                fileName={`report-${jobId.slice(0, 8)}.${format}`}
                type={TYPES[format]}
              >
                {t(`jobs.download.${format}`)}
              </DownloadButton>
            ))}
          >
            <Groups
              caption={t("jobs.report.total")}
              rows={[{ label: strings.total, row: report.total }]}
              strings={strings}
            />
            {notesOf(report, strings).map((note) => (
              <p key={note} className="hint">
                {note}
              </p>
            ))}
          </Panel>
          {report.breakdowns.map((breakdown) => (
            <BreakdownPanel key={`${breakdown.kind}/${breakdown.name}`} breakdown={breakdown} strings={strings} />
          ))}
        </>
      )}
    </Loaded>
  );
}

function notesOf({ floors, noiseScale }: Report, strings: ReportStrings): readonly string[] {
  const { group, result, matchRateCapPercent: cap } = floors;
  return strings.notes({ group, result, cap, noiseScale });
}

function BreakdownPanel({
  breakdown: { kind, name, groups },
  strings,
}: {
  readonly breakdown: Breakdown;
  readonly strings: ReportStrings;
}): ReactNode {
  const { t } = useTranslation();
  const rows = groups.map(({ group, ...row }) => ({ label: strings.group(group), row }));
  const bars = rows.map(({ label, row }) => ({ label, value: row.overlap }));
  return (
    <Panel title={strings.breakdown(kind, name)}>
      {rows.length > 1 && (
        <Bars title={t("jobs.report.chart", { name })} unit={t("jobs.report.unit")} bars={bars} isLying />
      )}
      <Groups caption={strings.breakdown(kind, name)} rows={rows} strings={strings} />
    </Panel>
  );
}

interface GroupRow {
  readonly label: string;
  readonly row: Report["total"];
}

function Groups({
  caption,
  rows,
  strings,
}: {
  readonly caption: string;
  readonly rows: readonly GroupRow[];
  readonly strings: ReportStrings;
}): ReactNode {
  const { heads, withheld } = strings;
  return (
    <Table
      caption={caption}
      rows={rows}
      rowKey={({ label }) => label}
      columns={[
        { head: heads.group, isName: true, cell: ({ label }) => label },
        { head: heads.size, align: "end", cell: ({ row }) => countText(row.size) },
        {
          head: heads.overlap,
          align: "end",
          cell: ({ row }) => (row.overlap === null ? withheld : countText(row.overlap)),
        },
        { head: heads.rate, align: "end", cell: ({ row }) => row.rate ?? withheld },
      ]}
    />
  );
}
