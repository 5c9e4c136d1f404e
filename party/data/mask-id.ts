/** Shows of an id what a person needs to recognise its form, and hides what makes it one person's. */
import type { RawId } from "./composite-id.ts";

/** From so many characters on three in front and four behind are shown, of a shorter one a quarter, of the shortest none. */
const LONG = 11;
const SHORT = 5;
/** Of a long id, too, most is hidden. */
const STARS = "****";

function maskText(text: string): string {
  const characters = [...text];
  const { length } = characters;
  if (length < SHORT) return STARS;
  const [front, back] = length >= LONG ? [3, 4] : [1, 1];
  return `${characters.slice(0, front).join("")}${STARS}${characters.slice(length - back).join("")}`;
}

/** As 138****5678. */
export function maskId(raw: RawId): RawId {
  if (raw === null) return null;
  return typeof raw === "string" ? maskText(raw) : raw.map((part) => (part === null ? null : maskText(part)));
}
