/** Fingerprints as an auditor types or pastes them: the form of the file that `entente audit verify --trust` reads. */

/** One a line, from "#" on a comment; or the number of the first line, from 1, that is none. */
export function readTrust(text: string): { readonly fingerprints: string[] } | { readonly badLine: number } {
  const fingerprints: string[] = [];
  for (const [i, line] of text.split("\n").entries()) {
    const given = line.replace(/#.*/, "").trim().toLowerCase();
    if (given === "") continue;
    if (!/^[0-9a-f]{4}(?:-[0-9a-f]{4}){7}$/.test(given)) return { badLine: i + 1 };
    fingerprints.push(given);
  }
  return { fingerprints };
}
