/** How far a piece of work is: step, part, rate, time left. */
import { type ReactNode, useId } from "react";
import { useTranslation } from "react-i18next";
import type { Progress } from "../../../proto/http/progress.ts";
import { bytesText, countText, durationText } from "./values.tsx";

export function ProgressBar({ progress, step }: { readonly progress: Progress; readonly step: string }): ReactNode {
  const { t } = useTranslation();
  const id = useId();
  const { done, total, unit, rate, secondsLeft } = progress;
  const amount = unit === "bytes" ? bytesText : countText;
  const words = [
    total === null
      ? t("parts.progressOpen", { done: amount(done) })
      : t("parts.progress", { done: amount(done), total: amount(total) }),
    ...(rate === null ? [] : [t("parts.rate", { rate: amount(rate) })]),
    ...(secondsLeft === null ? [] : [t("parts.left", { time: durationText(secondsLeft) })]),
  ];
  return (
    <div className="progress">
      <span id={id}>{step}</span>
      <progress
        aria-labelledby={id}
        {...(total === null ? {} : { value: Math.min(done, total), max: Math.max(total, 1) })}
      />
      <span className="hint">{words.join(" · ")}</span>
    </div>
  );
}
