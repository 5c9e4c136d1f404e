/**
 * What the console says to people comes from its two catalogues. Beside what the linter finds between tags, this looks at
 * attributes that are shown or read out, and at catalogue keys that nobody uses.
 */
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";

/** Attributes, also of our own parts, whose value a person reads or hears. */
const READ =
  /^(?:aria-label|title|alt|placeholder|label|legend|hint|caption|empty|lede|unit|none|head|text|description)$/;

/** `file:line what` for each word that stands in the code. `sources`: file names and texts of TypeScript with JSX. */
export function hardCodedWords(sources: ReadonlyMap<string, string>): string[] {
  const found: string[] = [];
  for (const [name, text] of sources) {
    const file = ts.createSourceFile(name, text, ts.ScriptTarget.Latest, true, ts.ScriptKind.TSX);
    const visit = (node: ts.Node): void => {
      const literal = literalIn(node);
      if (literal !== undefined && /\p{L}/u.test(literal)) {
        const { line } = file.getLineAndCharacterOfPosition(node.getStart());
        found.push(`${name}:${line + 1} ${JSON.stringify(literal)}`);
      }
      ts.forEachChild(node, visit);
    };
    visit(file);
  }
  return found;
}

/** The text of a literal that is shown: of a read attribute or property, or between tags in braces. */
function literalIn(node: ts.Node): string | undefined {
  if (ts.isJsxAttribute(node) && READ.test(node.name.getText())) return textOf(node.initializer);
  if (ts.isJsxExpression(node) && !ts.isJsxAttribute(node.parent)) return textOf(node);
  if (ts.isPropertyAssignment(node) && READ.test(node.name.getText())) return textOf(node.initializer);
  return undefined;
}

function textOf(node: ts.Node | undefined): string | undefined {
  if (node === undefined) return undefined;
  if (ts.isJsxExpression(node)) return textOf(node.expression);
  if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node)) return node.text;
  if (ts.isConditionalExpression(node)) return textOf(node.whenTrue) ?? textOf(node.whenFalse);
  return undefined;
}

/** Keys of `texts` that no source names: in full, or by the beginning of a template such as `nav.pages.${page}`. */
export function unusedKeys(texts: object, sources: ReadonlyMap<string, string>): string[] {
  const literals = new Set<string>();
  const beginnings = new Set<string>();
  for (const [name, text] of sources) {
    const visit = (node: ts.Node): void => {
      if (ts.isStringLiteralLike(node)) literals.add(node.text);
      if (ts.isTemplateExpression(node) && node.head.text.includes(".")) beginnings.add(node.head.text);
      ts.forEachChild(node, visit);
    };
    visit(ts.createSourceFile(name, text, ts.ScriptTarget.Latest, true, ts.ScriptKind.TSX));
  }
  return keysOf(texts)
    .map((key) => key.replace(/_(?:one|other)$/, ""))
    .filter((key) => !literals.has(key) && ![...beginnings].some((beginning) => key.startsWith(beginning)));
}

/** Every key in full, as `shell.menu`. */
export function keysOf(texts: object, before = ""): string[] {
  return Object.entries(texts).flatMap(([key, value]) =>
    typeof value === "string" ? [`${before}${key}`] : keysOf(value as object, `${before}${key}.`),
  );
}

/** The console's sources by name, its catalogues left out. */
export function consoleSources(root: string): Map<string, string> {
  const names = globSync("party/console/**/*.{ts,tsx}", { cwd: root })
    .map((name) => name.replaceAll("\\", "/"))
    .filter((name) => !/console\/(?:gen|text)\/|build\.ts$/.test(name));
  return new Map(names.sort().map((name) => [name, readFileSync(join(root, name), "utf8")]));
}
