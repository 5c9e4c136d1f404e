/** Parts of a list that a person separates by commas, Chinese ones too. */
export function listed(text: string): string[] {
  return text
    .split(/[,，、]/)
    .map((part) => part.trim())
    .filter((part) => part !== "");
}
