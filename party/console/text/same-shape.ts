/** The form that a catalogue in another language must have: every text of the English one, and no other. Where English has two
 * forms for numbers (`_one`, `_other`), Chinese has one. */
export type SameShape<Texts> = {
  readonly [K in keyof Texts as K extends `${string}_one` ? never : K]: Texts[K] extends string
    ? string
    : SameShape<Texts[K]>;
};
