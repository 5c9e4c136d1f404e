/** The languages in which people are told things. What is hashed, signed or logged is in English alone. */

/** BCP 47; the first is the one where nobody has said another. */
export const LANGUAGES = ["en", "zh-CN"] as const;
export type Language = (typeof LANGUAGES)[number];
