/** What a check found: what would be set aside and what to do about it, the ids' forms, the columns, an estimate. */
import type { TFunction } from "i18next";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import type { RouteResponse } from "../../../proto/http/routes.ts";
import { isSetAsideReason, setAsideFix } from "../../../proto/set-aside.ts";
import { currentLanguage } from "../language.ts";
import { Notice } from "../parts/notice.tsx";
import { Panel } from "../parts/panel.tsx";
import { Table } from "../parts/table.tsx";
import { bytesText, countText, durationText } from "../parts/values.tsx";
import { ColumnType } from "./id-columns.tsx";

type Check = RouteResponse<"checkDataset">;
type Preview = NonNullable<Check["preview"]>[number];

export function CheckFindings({ check }: { readonly check: Check }): ReactNode {
  const { t } = useTranslation();
  const { accepted, rows, setAside, quarantine, preview } = check;
  const aside = setAside.reduce((sum, item) => sum + item.rows, 0);
  const words = { accepted: countText(accepted), setAside: countText(aside), rows: countText(rows) };
  return (
    <>
      <Notice kind={aside === 0 ? "good" : "warn"} title={t("datasets.check.title")}>
        <p>
          {aside === 0
            ? t("datasets.check.good", { count: accepted, amount: countText(accepted) })
            : t("datasets.check.some", words)}
        </p>
        <Estimate check={check} />
      </Notice>
      {setAside.length > 0 && <SetAside setAside={setAside} quarantine={quarantine} />}
      <Shapes check={check} />
      {preview !== null && preview.length > 0 && <FirstRows preview={preview} />}
      <Columns columns={check.columns} />
    </>
  );
}

function Estimate({ check: { estimate } }: { readonly check: Check }): ReactNode {
  const { t } = useTranslation();
  if (estimate === null) return <p>{t("datasets.check.noEstimate")}</p>;
  const { cpuSeconds, memoryMB, diskMB, partitions } = estimate;
  const words = {
    time: durationText(Math.max(1, cpuSeconds)),
    memory: bytesText(memoryMB * 1e6),
    disk: bytesText(diskMB * 1e6),
  };
  return (
    <>
      <p>{t("datasets.check.estimate", { ...words, count: partitions })}</p>
      <p className="hint">{t("datasets.check.estimateHint")}</p>
    </>
  );
}

function reasonName(reason: string, t: TFunction): string {
  return isSetAsideReason(reason) ? t(`datasets.reasons.${reason}`) : reason;
}

function SetAside({ setAside, quarantine }: Pick<Check, "setAside" | "quarantine">): ReactNode {
  const { t } = useTranslation();
  return (
    <Panel title={t("datasets.setAside")}>
      <Table
        caption={t("datasets.setAside")}
        rows={setAside}
        rowKey={({ reason }) => reason}
        columns={[
          { head: t("datasets.reason"), isName: true, cell: ({ reason }) => reasonName(reason, t) },
          { head: t("datasets.rows"), align: "end", cell: ({ rows }) => countText(rows) },
          {
            head: t("datasets.firstAt"),
            cell: ({ first }) =>
              first.map(({ file, line }) => (file === undefined ? String(line) : `${file}:${line}`)).join(", "),
          },
          { head: t("datasets.whatToDo"), cell: ({ reason, fix }) => setAsideFix(reason, currentLanguage()) ?? fix },
        ]}
      />
      {quarantine !== null && (
        <p className="hint">
          {t("datasets.quarantine")} <code>{quarantine}</code>
        </p>
      )}
    </Panel>
  );
}

function Shapes({ check: { shapes, otherShapeRows } }: { readonly check: Check }): ReactNode {
  const { t } = useTranslation();
  const other = { shape: t("datasets.check.otherShapes"), rows: otherShapeRows, usable: null };
  const all = [...shapes, ...(otherShapeRows > 0 ? [other] : [])];
  if (all.length === 0) return null;
  return (
    <Panel title={t("datasets.check.shapes")}>
      <Table
        caption={t("datasets.check.shapes")}
        rows={all}
        rowKey={({ shape }) => shape}
        columns={[
          { head: t("datasets.check.shape"), isName: true, cell: ({ shape }) => <code>{shape}</code> },
          { head: t("datasets.rows"), align: "end", cell: ({ rows }) => countText(rows) },
          {
            head: t("datasets.check.usable"),
            align: "end",
            cell: ({ usable }) => (usable === null ? "" : countText(usable)),
          },
        ]}
      />
      <p className="hint">{t("datasets.check.shapesHint")}</p>
    </Panel>
  );
}

function FirstRows({ preview }: { readonly preview: readonly Preview[] }): ReactNode {
  const { t } = useTranslation();
  const one = (part: string | null) => part ?? t("datasets.check.noValue");
  const written = ({ written: id }: Preview) => (Array.isArray(id) ? id.map(one).join(" | ") : one(id));
  const where = ({ place: { file, line } }: Preview) => (file === undefined ? String(line) : `${file}:${line}`);
  return (
    <Panel title={t("datasets.check.preview")}>
      <Table
        caption={t("datasets.check.preview")}
        rows={preview}
        rowKey={where}
        columns={[
          { head: t("datasets.check.line"), isName: true, cell: where },
          { head: t("datasets.check.written"), cell: (row) => <code>{written(row)}</code> },
          {
            head: t("datasets.check.normalised"),
            cell: ({ normalised, reason }) =>
              normalised === null ? reasonName(reason ?? "", t) : <code>{normalised}</code>,
          },
        ]}
      />
      <p className="hint">{t("datasets.check.previewHint")}</p>
    </Panel>
  );
}

function Columns({ columns }: Pick<Check, "columns">): ReactNode {
  const { t } = useTranslation();
  const figure = (value: number | undefined) => (value === undefined ? "" : countText(value));
  return (
    <Panel title={t("datasets.columns")}>
      <Table
        caption={t("datasets.columns")}
        rows={columns}
        rowKey={({ name }) => name}
        columns={[
          { head: t("datasets.column"), isName: true, cell: ({ name }) => name },
          { head: t("datasets.type"), cell: ({ type }) => <ColumnType type={type} /> },
          { head: t("datasets.check.filled"), align: "end", cell: ({ filled }) => countText(filled) },
          {
            head: t("datasets.check.distinct"),
            align: "end",
            cell: ({ distinct, isConstant }) => (isConstant ? t("datasets.check.constant") : countText(distinct)),
          },
          { head: t("datasets.check.least"), align: "end", cell: ({ numbers }) => figure(numbers?.min) },
          { head: t("datasets.check.most"), align: "end", cell: ({ numbers }) => figure(numbers?.max) },
          { head: t("datasets.check.mean"), align: "end", cell: ({ numbers }) => figure(numbers?.mean) },
        ]}
      />
    </Panel>
  );
}
