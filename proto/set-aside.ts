/**
 * Why a row of a dataset is set aside, and what its owner can do about it: the one catalogue, which the command line shows.
 * The keys are the closed list of reasons; counts by reason are not secret from the dataset's owner, the rows are.
 */

export const SET_ASIDE = {
  "id-empty": "The id is blank. Fill it in, or leave the row out.",
  "id-characters":
    "The id holds characters that ids of this kind do not have. Check that the id column and the normaliser are the ones you meant.",
  "id-exponent":
    "A spreadsheet wrote the id as 1.38E+10 and dropped its last digits. Export the column as text, from the source.",
  "id-decimal": "Software took the ids for numbers and added a decimal part. Export the column as text.",
  "id-not-mainland-mobile":
    "It is no mainland mobile number and names no other country. Write other countries' numbers with + and country code; landlines name no person.",
  "id-length": "The id is shorter or longer than ids of this kind can be. Look for cut or joined values.",
  "id-form":
    "The id does not have the form of its kind. Check that the id column and the normaliser are the ones you meant.",
  "id-check-character": "The check character does not fit, so the id is mistyped. Correct it at the source.",
  "row-too-few-columns":
    "The line has fewer cells than the header: a delimiter is missing, or a line end stands in a cell without quotes. Export with quotes.",
  "row-too-many-columns":
    "The line has more cells than the header: a delimiter stands in a cell without quotes. Export with quotes.",
  "row-quote-broken": "Text follows a closing quote. Double each quote that stands inside a quoted cell.",
  "row-too-long":
    "The line is too long to be a row. Leave out columns of documents or pictures, or close an open quote.",
  "row-encoding":
    "The line holds bytes that are no text in the file's encoding. Export the whole file in one encoding.",
  "number-invalid":
    "A cell in a column of numbers is no finite number. Correct it, or register the column as text if it is a code.",
  duplicate:
    "Another row has the same id. Correct the source, or register with another --duplicates: keep the first, reject all, or aggregate.",
} as const satisfies Readonly<Record<string, string>>;

export type SetAsideReason = keyof typeof SET_ASIDE;

/** What to do about rows set aside for this reason; undefined of a reason that a newer node sent. */
export function setAsideFix(reason: string): string | undefined {
  return Object.hasOwn(SET_ASIDE, reason) ? SET_ASIDE[reason as SetAsideReason] : undefined;
}
