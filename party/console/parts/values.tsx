/** Values as people read them: numbers, times, digests. */
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import { currentLanguage } from "../language.ts";

/** With separators of thousands, as the language has them. */
export function countText(value: number): string {
  return new Intl.NumberFormat(currentLanguage(), { maximumFractionDigits: 1 }).format(value);
}

/** As "a, b, and c", as the language has it. */
export function listText(items: readonly string[]): string {
  return new Intl.ListFormat(currentLanguage(), { type: "conjunction" }).format(items);
}

/** 10^6 bytes are a megabyte. */
export function bytesText(bytes: number): string {
  const [unit, divisor] =
    bytes < 1e6
      ? (["kilobyte", 1e3] as const)
      : bytes < 1e9
        ? (["megabyte", 1e6] as const)
        : (["gigabyte", 1e9] as const);
  const format = { style: "unit", unit, unitDisplay: "short", maximumFractionDigits: 1 } as const;
  return new Intl.NumberFormat(currentLanguage(), format).format(bytes / divisor);
}

/** As "3 min". */
export function durationText(seconds: number): string {
  const [unit, value] =
    seconds < 90
      ? (["second", seconds] as const)
      : seconds < 5400
        ? (["minute", seconds / 60] as const)
        : (["hour", seconds / 3600] as const);
  const format = { style: "unit", unit, unitDisplay: "short", maximumFractionDigits: 0 } as const;
  return new Intl.NumberFormat(currentLanguage(), format).format(value);
}

export function timeText(at: string): string {
  return new Intl.DateTimeFormat(currentLanguage(), { dateStyle: "medium", timeStyle: "short" }).format(new Date(at));
}

/** In the browser's time zone; the exact UTC time stands beside it for whoever points at it. `at`: ISO 8601. */
export function When({ at }: { readonly at: string }): ReactNode {
  return (
    <time dateTime={at} title={at}>
      {timeText(at)}
    </time>
  );
}

/** The beginning of a digest or an id, with the whole to copy. */
export function Digest({
  value,
  characters = 12,
}: {
  readonly value: string;
  readonly characters?: number;
}): ReactNode {
  return (
    <span className="digest">
      <code title={value}>{value.length > characters ? `${value.slice(0, characters)}…` : value}</code>
      <Copy text={value} />
    </span>
  );
}

/** Puts a text where it can be pasted from. */
export function Copy({ text }: { readonly text: string }): ReactNode {
  const { t } = useTranslation();
  const [isCopied, setIsCopied] = useState(false);
  // Browsers have none where the page came over plain HTTP from another machine.
  if (navigator.clipboard === undefined) return null;
  const copy = async () => {
    await navigator.clipboard.writeText(text);
    setIsCopied(true);
    setTimeout(() => setIsCopied(false), 2_000);
  };
  return (
    <button type="button" className="copy" onClick={() => void copy()}>
      {isCopied ? t("parts.copied") : t("parts.copy")}
    </button>
  );
}
