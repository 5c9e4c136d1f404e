/** Text in HTML, SVG and XML. */

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** What others wrote, as text between tags or in a quoted attribute: markup in it is text, and control characters are shown
 * as U+FFFD. */
export function escapeMarkup(text: string): string {
  return text.replaceAll(/\p{C}/gu, "\ufffd").replaceAll(/[&<>"']/g, (char) => ENTITIES[char] as string);
}
