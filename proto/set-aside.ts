/**
 * Why a row of a dataset is set aside, and what its owner can do about it: the one catalogue, which the command line shows.
 * The keys are the closed list of reasons; counts by reason are not secret from the dataset's owner, the rows are.
 */

import type { Language } from "./language.ts";

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

/** The same in Chinese. */
const CHINESE: Readonly<Record<SetAsideReason, string>> = {
  "id-empty": "标识为空。请补全，或不导出该行。",
  "id-characters": "标识含有该种类不会出现的字符。请确认选对了标识字段和标识种类。",
  "id-exponent": "电子表格软件把标识写成了 1.38E+10 的形式，丢失了末几位。请从源系统以文本格式导出该字段。",
  "id-decimal": "软件把标识当作数字并加上了小数部分。请以文本格式导出该字段。",
  "id-not-mainland-mobile":
    "不是中国大陆手机号，也没有注明其他国家或地区。境外号码请写成 + 加国家代码的形式；固定电话不指向个人。",
  "id-length": "标识比该种类可能的长度更短或更长。请检查是否有截断或拼接的值。",
  "id-form": "标识不符合该种类的形式。请确认选对了标识字段和标识种类。",
  "id-check-character": "校验位不符，说明标识有误。请在源系统中更正。",
  "row-too-few-columns": "该行的单元格少于表头：缺少分隔符，或未加引号的单元格中含有换行。请加引号导出。",
  "row-too-many-columns": "该行的单元格多于表头：未加引号的单元格中含有分隔符。请加引号导出。",
  "row-quote-broken": "右引号之后还有文字。引号内的引号请写两次。",
  "row-too-long": "该行过长，不可能是一行数据。请去掉存放文档或图片的字段，或补上未闭合的引号。",
  "row-encoding": "该行含有不属于文件编码的字节。请用同一种编码导出整个文件。",
  "number-invalid": "数值字段中的单元格不是有限数值。请更正；若其实是代码，请登记为文本字段。",
  duplicate: "另有一行的标识相同。请在源系统中更正，或登记时改用另一种重复处理方式：以第一行为准、全部剔除或合并。",
};

/** What to do about rows set aside for this reason; undefined of a reason that a newer node sent. */
export function setAsideFix(reason: string, language: Language = "en"): string | undefined {
  if (!isSetAsideReason(reason)) return undefined;
  return language === "en" ? SET_ASIDE[reason] : CHINESE[reason];
}

export function isSetAsideReason(reason: string): reason is SetAsideReason {
  return Object.hasOwn(SET_ASIDE, reason);
}
