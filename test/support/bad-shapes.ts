/** CSV files whose lines, headers, quotes and delimiters are not as they should be. */
import { A, a, accepted, B, type BadInput, b, C, c, refused } from "./bad-input.ts";

const rows = (count: number, cell: (i: number) => string) =>
  Array.from({ length: count }, (_, i) => `${13800000000 + i},${cell(i)}\n`).join("");

export const EMPTY_FILES: readonly BadInput[] = [
  { name: "no byte", content: "", outcome: refused("DATASET_EMPTY") },
  { name: "a byte order mark alone", content: "\ufeff", outcome: refused("DATASET_EMPTY") },
  { name: "line ends alone", content: "\n\r\n\n", outcome: refused("DATASET_EMPTY") },
  { name: "white space alone", content: "  \n\t\n   ", outcome: refused("DATASET_EMPTY") },
  { name: "a header alone", content: "phone,x\n", outcome: refused("DATASET_EMPTY") },
  { name: "a header without line end", content: "phone,x", outcome: refused("DATASET_EMPTY") },
  { name: "a header and blank lines", content: "phone,x\n\n\n\n", outcome: refused("DATASET_EMPTY") },
  {
    name: "a header and unusable rows",
    content: "phone,x\n,1\nabc,2\n",
    outcome: refused("DATASET_ID_EMPTY", /phone/),
  },
];

export const LINES: readonly BadInput[] = [
  {
    name: "blank lines everywhere",
    content: `\n\nphone,x\n\n${a},1\n\n\n${b},2\n\n`,
    outcome: accepted([A, B]),
  },
  {
    name: "lines of spaces",
    content: `phone,x\n   \n${a},1\n \t \n`,
    outcome: accepted([A], ["2 row-too-few-columns", "4 row-too-few-columns"]),
  },
  {
    name: "lines of delimiters",
    content: `phone,x,y\n,,\n${a},1,2\n,,\n`,
    outcome: accepted([A], ["2 id-empty", "4 id-empty"]),
  },
  {
    name: "ragged rows",
    content: `phone,x,y\n${a},1,2\n${b}\n${b},1\n${b},1,2,3\n${c},1,2\n`,
    outcome: accepted([A, C], ["3 row-too-few-columns", "4 row-too-few-columns", "5 row-too-many-columns"]),
  },
  { name: "a delimiter behind each row", content: `phone,x\n${a},1,\n${b},2,\n`, outcome: accepted([A, B]) },
  { name: "no line end behind the last row", content: `phone,x\n${a},1\n${b},2`, outcome: accepted([A, B]) },
  { name: "CRLF", content: `phone,x\r\n${a},1\r\n\r\n${b},2\r\n`, outcome: accepted([A, B]) },
  {
    name: "CR alone",
    content: `phone,x\r${a},1\r${b},2\r`,
    outcome: refused("DATASET_FORMAT", /line 1 ends unlike.*CRLF/),
  },
  {
    name: "LF, then CRLF",
    content: `phone,x\n${a},1\n${b},2\r\n`,
    outcome: refused("DATASET_FORMAT", /line 3 ends unlike/),
  },
  {
    name: "CRLF, then LF",
    content: `phone,x\r\n${a},1\r\n${b},2\n`,
    outcome: refused("DATASET_FORMAT", /line 3 ends unlike/),
  },
  {
    name: "CRLF made of CRLF",
    content: `phone,x\r\r\n${a},1\r\r\n`,
    outcome: refused("DATASET_FORMAT", /line 1 ends unlike/),
  },
  {
    name: "a DOS end of file",
    content: `phone,x\r\n${a},1\r\n\u001a`,
    outcome: accepted([A], ["3 row-too-few-columns"]),
  },
  {
    name: "lines of a comment",
    content: `phone,x\n# from here on: branch 7\n${a},1\n`,
    outcome: accepted([A], ["2 row-too-few-columns"]),
  },
  {
    name: "a line of totals",
    content: `phone,x\n${a},1\n合计,1\n`,
    outcome: accepted([A], ["3 id-characters"]),
  },
  {
    name: "two files in one, each with its header",
    content: `phone,x\n${a},1\nphone,x\n${b},2\n`,
    outcome: accepted([A, B], ["3 id-characters"]),
  },
  {
    name: "a table as psql prints it",
    content: ` phone       | x \n-------------+---\n ${a} | 1\n(1 row)\n`,
    outcome: accepted([A], ["2 row-too-few-columns", "4 row-too-few-columns"]),
  },
  {
    name: "a cell of 10 MB",
    content: `phone,x\n${a},${"y".repeat(10_000_000)}\n${b},1\n`,
    outcome: accepted([B], ["2 row-too-long"]),
  },
  {
    name: "an id of 10 MB",
    content: `phone,x\n${"1".repeat(10_000_000)},1\n${b},1\n`,
    outcome: accepted([B], ["2 row-too-long"]),
  },
  {
    name: "a line of nearly 2 MiB",
    content: `phone,x\n${a},${"y".repeat(2_000_000)}\n${b},1\n`,
    outcome: accepted([A, B]),
  },
  {
    name: "10 MB without a line end",
    content: "1".repeat(10_000_000),
    outcome: refused("DATASET_FORMAT", /first line is too long/),
  },
  {
    name: "10,000 columns",
    content: `phone,${Array.from({ length: 9_999 }, (_, i) => `x${i}`).join(",")}\n${a}${",1".repeat(9_999)}\n${b},2\n`,
    outcome: refused("DATASET_FORMAT", /10000 columns/),
  },
  {
    name: "1,000 columns",
    content: `phone,${Array.from({ length: 999 }, (_, i) => `x${i}`).join(",")}\n${a}${",1".repeat(999)}\n${b},2\n`,
    outcome: accepted([A], ["3 row-too-few-columns"]),
  },
  { name: "one column", content: `phone\n${a}\n${b}\n`, outcome: accepted([A, B], [], "phone:id") },
  {
    name: "one column and blank lines",
    content: `phone\n\n${a}\n\n`,
    outcome: accepted([A], ["2 id-empty", "4 id-empty"]),
  },
  {
    name: "the same person in every row",
    content: `phone,x\n${a},1\n+86 ${a},2\n0086-138-0013-8000,3\n１３８００１３８０００,4\n`,
    outcome: accepted([A], ["3 duplicate", "4 duplicate", "5 duplicate"]),
  },
  {
    name: "a row in every way wrong",
    content: `phone,x\n${rows(40, String)}${a},"b"c\nx,y,z,"\n${b},1\n`,
    outcome: refused("DATASET_FORMAT", /the quote that opens on line 43 is never closed/),
  },
];

export const HEADERS: readonly BadInput[] = [
  { name: "quoted", content: `"phone","x"\n"${a}","1"\n`, outcome: accepted([A], [], "phone:id x:number") },
  { name: "behind a byte order mark", content: `\ufeffphone,x\n${a},1\n`, outcome: accepted([A]) },
  { name: "quoted behind a byte order mark", content: `\ufeff"phone","x"\n${a},1\n`, outcome: accepted([A]) },
  { name: "with white space", content: ` phone ,\tx \n${a},1\n`, outcome: accepted([A], [], "phone:id x:number") },
  {
    name: "over two lines",
    content: `phone,"x\ny"\n${a},1\nbad,1\n`,
    outcome: accepted([A], ["4 id-characters"], "phone:id x\ny:number"),
  },
  { name: "missing", content: `${a},1\n${b},2\n`, outcome: refused("DATASET_COLUMN_UNKNOWN", /phone.*first line/) },
  { name: "in another case", content: `Phone,x\n${a},1\n`, outcome: refused("DATASET_COLUMN_UNKNOWN", /phone/) },
  {
    name: "below a title",
    content: `Customers of 2026\nphone,x\n${a},1\n`,
    outcome: refused("DATASET_COLUMN_UNKNOWN", /phone/),
  },
  {
    name: "below a comment",
    content: `# of 2026\nphone,x\n${a},1\n`,
    outcome: refused("DATASET_COLUMN_UNKNOWN", /phone/),
  },
  {
    name: "below Excel's line for the delimiter",
    content: `sep=;\nphone;x\n${a};1\n`,
    outcome: refused("DATASET_FORMAT", /sep=/),
  },
  {
    name: "with a name twice",
    content: `phone,x,x\n${a},1,2\n`,
    outcome: refused("DATASET_FORMAT", /columns 2 and 3 have one name/),
  },
  {
    name: "with the id twice",
    content: `phone,phone\n${a},${b}\n`,
    outcome: refused("DATASET_FORMAT", /columns 1 and 2 have one name/),
  },
  {
    name: "with a blank name",
    content: `phone,,x\n${a},1,2\n`,
    outcome: refused("DATASET_FORMAT", /column 2 has no name/),
  },
  {
    name: "with a name of spaces",
    content: `phone,  ,x\n${a},1,2\n`,
    outcome: refused("DATASET_FORMAT", /column 2 has no name/),
  },
  {
    name: "with a delimiter behind it",
    content: `phone,x,\n${a},1,\n`,
    outcome: refused("DATASET_FORMAT", /column 3 has no name/),
  },
  { name: "with an open quote", content: `phone,"x\n${a},1\n`, outcome: refused("DATASET_FORMAT", /quote/) },
  { name: "with fewer names than cells", content: `phone\n${a},1\n`, outcome: refused("DATASET_ID_EMPTY", /phone/) },
  {
    name: "with SQL for a name",
    content: `phone,"x'); DROP TABLE t; --","y""z"\n${a},1,2\n`,
    outcome: accepted([A], [], `phone:id x'); DROP TABLE t; --:number y"z:number`),
  },
];

export const QUOTES: readonly BadInput[] = [
  {
    name: "never closed",
    content: `phone,x\n${a},1\n${b},"open\n${c},1\n`,
    outcome: refused("DATASET_FORMAT", /the quote that opens on line 3 is never closed/),
  },
  { name: "within a cell", content: `phone,x\n${a},5" pipe\n${b},it's\n`, outcome: accepted([A, B]) },
  {
    name: "and text behind",
    content: `phone,x\n${a},"5" pipe\n${b},ok\n`,
    outcome: accepted([B], ["2 row-quote-broken"]),
  },
  { name: "doubled", content: `phone,x\n${a},"say ""hi"""\n`, outcome: accepted([A]) },
  {
    name: "with a backslash",
    content: `phone,x\n${a},"say \\"hi\\""\n${b},ok\n`,
    outcome: accepted([B], ["2 row-quote-broken"]),
  },
  {
    name: "around delimiters and line ends",
    content: `phone,x\n${a},"1,5\n\n""\n,"\n${b},"a;b|c"\n`,
    outcome: accepted([A, B], [], "phone:id x:text"),
  },
  {
    name: "around an id with a line end",
    content: `phone,x\n"138\n00138000",1\n${b},2\n`,
    outcome: accepted([A, B]),
  },
  {
    name: "around a row",
    content: `phone,x\n"${a},1"\n${b},2\n`,
    outcome: accepted([B], ["2 row-too-few-columns"]),
  },
  { name: "of typography", content: `phone,x\n“${a}”,1\n${b},2\n`, outcome: accepted([B], ["2 id-characters"]) },
  { name: "of nothing", content: `phone,x\n"",1\n${b},""\n`, outcome: accepted([B], ["2 id-empty"]) },
];

export const DELIMITED: readonly BadInput[] = [
  { name: "semicolon", content: `phone;x\n${a};1,5\n`, outcome: accepted([A], [], "phone:id x:text") },
  { name: "tab", file: "input.tsv", content: `phone\tx\n${a}\t1\n`, outcome: accepted([A]) },
  { name: "bar", file: "input.txt", content: `phone|x\n${a}|1\n`, outcome: accepted([A]) },
  { name: "caret", content: `phone^x\n${a}^1\n`, outcome: accepted([A]) },
  {
    name: "other than the one that is told",
    content: `phone,x\n${a},1\n`,
    register: { delimiter: ";" },
    outcome: refused("DATASET_COLUMN_UNKNOWN", /phone/),
  },
  {
    name: "columns of spaces",
    content: `phone        x\n${a}  1\n`,
    outcome: refused("DATASET_COLUMN_UNKNOWN", /phone/),
  },
];
