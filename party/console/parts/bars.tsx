/** A bar chart, and the same as a table for who does not see it. */
import { BarController, BarElement, CategoryScale, Chart, LinearScale, Tooltip } from "chart.js";
import { type ReactNode, useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import { Table } from "./table.tsx";
import { countText } from "./values.tsx";

Chart.register(BarController, BarElement, CategoryScale, LinearScale, Tooltip);

export interface Bar {
  readonly label: string;
  /** null: withheld. */
  readonly value: number | null;
}

interface BarsProps {
  /** What is shown. */
  readonly title: string;
  /** Of the values, as "People". */
  readonly unit: string;
  readonly bars: readonly Bar[];
  /** Long labels stand better beside lying bars. */
  readonly isLying?: boolean;
  readonly format?: (value: number) => string;
}

export function Bars({ title, unit, bars, isLying = false, format = countText }: BarsProps): ReactNode {
  const { t } = useTranslation();
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    if (canvas.current === null) return;
    const style = getComputedStyle(canvas.current);
    const chart = new Chart(canvas.current, {
      type: "bar",
      data: {
        labels: bars.map(({ label, value }) => (value === null ? `${label} (${t("parts.withheld")})` : label)),
        datasets: [
          {
            label: unit,
            data: bars.map(({ value }) => value),
            backgroundColor: style.getPropertyValue("--accent"),
            maxBarThickness: 48,
          },
        ],
      },
      options: {
        indexAxis: isLying ? "y" : "x",
        maintainAspectRatio: false,
        animation: false,
        font: { family: style.fontFamily },
        plugins: { tooltip: { callbacks: { label: ({ raw }) => format(raw as number) } } },
        scales: { [isLying ? "x" : "y"]: { beginAtZero: true, ticks: { callback: (value) => format(Number(value)) } } },
      },
    });
    return () => chart.destroy();
  }, [bars, unit, isLying, format, t]);
  return (
    <figure className="chart">
      <figcaption>{title}</figcaption>
      {/* Its own box: the chart measures it. */}
      <div className={isLying && bars.length > 8 ? "canvas tall" : "canvas"}>
        <canvas ref={canvas} role="img" aria-label={title} />
      </div>
      <details>
        <summary>{t("parts.asTable")}</summary>
        <Table
          caption={title}
          columns={[
            { head: t("parts.name"), cell: ({ label }) => label, isName: true },
            { head: unit, cell: ({ value }) => (value === null ? t("parts.withheld") : format(value)), align: "end" },
          ]}
          rows={bars}
          rowKey={({ label }) => label}
        />
      </details>
    </figure>
  );
}
