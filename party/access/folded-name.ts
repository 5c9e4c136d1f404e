/** Names of people as they are compared: "wang li" and full-width letters are no second person. */
export function foldedName(person: string): string {
  return person.normalize("NFKC").toLowerCase();
}
