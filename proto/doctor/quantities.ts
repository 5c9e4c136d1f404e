/** Quantities as findings tell them, alike in all languages. */

/** Rounded down, as 1,100 MB. */
export function megabytes(bytes: number): string {
  return `${Math.floor(bytes / 1e6).toLocaleString("en")} MB`;
}

/** Whichever way, as 12.5 s. */
export function seconds(ms: number): string {
  return `${(Math.abs(ms) / 1000).toFixed(1)} s`;
}
