/** An agreement in plain words, and what two versions of it differ in. */
import { describe, expect, test } from "vitest";
import type { AgreementDocument } from "../../proto/agreement/schema.ts";
import { LANGUAGES, type Language } from "../../proto/language.ts";
import { differencesBetween, type Effect } from "../../proto/terms/differences.ts";
import { differenceText, termsOf } from "../../proto/terms/terms.ts";
import { demoAgreement, HAS_CAR, withColumns } from "../support/demo-agreement.ts";
import { AGREEMENT, agreed } from "../support/policy-world.ts";

const BASE = AGREEMENT.document;

function linesOf(document: AgreementDocument, viewer: string, section: string, language: Language = "en"): string[] {
  const part = termsOf(document, viewer, language).find(({ id }) => id === section);
  return (part?.blocks ?? []).flatMap(({ lines }) => lines);
}

/** The document with one of its operations changed. */
function withOperation(operation: string, changes: object): AgreementDocument {
  const operations = BASE.operations.map((item) => (item.operation === operation ? { ...item, ...changes } : item));
  return agreed({ operations }).document;
}

describe("the terms", () => {
  test("tell the provider what the receiver learns, and the receiver the same as its own", () => {
    expect(linesOf(BASE, "bureau", "leaves").slice(0, 4)).toEqual([
      "The bank learns which people in its list are in yours, one by one.",
      "The bank learns what share of its list is in yours, as a whole percent, or that it is above 85%.",
      "The bank learns the size of your list, to within 9.1 %.",
      'Everybody in "repayments" takes part, or one of the segments that you publish.',
    ]);
    expect(linesOf(BASE, "bank", "arrives").slice(0, 2)).toEqual([
      "You learn which people in your list are in the bureau's, one by one.",
      "You learn what share of your list is in the bureau's, as a whole percent, or that it is above 85%.",
    ]);
    expect(linesOf(BASE, "bank", "leaves").slice(0, 2)).toEqual([
      "The bureau learns the size of your list, to within 9.1 %.",
      "The bureau does not learn who is in both lists, nor how many.",
    ]);
    expect(linesOf(BASE, "bureau", "leaves", "zh-CN")[0]).toBe("对方逐一获知对方名单中哪些人也在本方名单中。");
  });

  test("name every column that leaves in clear or is computed on, and no other", () => {
    const { datasets } = withColumns(demoAgreement(), [HAS_CAR, { name: "city", role: "filter" }]);
    const { document } = agreed({ datasets });
    for (const language of LANGUAGES) {
      const text = linesOf(document, "bureau", "leaves", language).join("\n");
      for (const column of ["has_car", "PAY_0", "PAY_2", "PAY_3", "PAY_4", "PAY_5", "PAY_6"])
        expect(text).toContain(column);
      expect(text).not.toMatch(/city|phone/);
      expect(linesOf(document, "bureau", "stays", language).join("\n")).toMatch(/phone.*\n.*city/);
      expect(linesOf(document, "bank", "leaves", language).join("\n")).not.toContain("has_car");
    }
  });

  test("say that a shared score tells the provider who matched", () => {
    const document = withOperation("score", { alignment: "shared" });
    expect(linesOf(document, "bank", "leaves")).toContain(
      "The bureau learns which of its people your audience found, one by one.",
    );
    expect(linesOf(document, "bureau", "arrives", "zh-CN")).toContain("本方逐一获知对方联合客群命中了本方的哪些客户。");
  });

  test("say who is asked, at which node", () => {
    const document = withOperation("audience", { approval: { receiver: "automatic", provider: "every-run" } });
    expect(linesOf(document, "bureau", "deciding")[0]).toBe(
      "At your node every run waits for a person; at the bank's node runs start without anybody being asked.",
    );
  });

  test("hold every number of the limits in both languages, and no word that is missing", () => {
    const { document } = agreed({
      floors: { input: 1234, result: 234, sizeRatio: 77 },
      budgets: { runsPerEpoch: 31, runsPerDay: 13, smallestDifference: 61, modelVersionsPerEpoch: 3 },
      noise: { kind: "discrete-laplace", scale: 8 },
    });
    for (const viewer of ["bank", "bureau"])
      for (const language of LANGUAGES) {
        const limits = linesOf(document, viewer, "limits", language).join("\n");
        for (const number of ["1,234", "234", "77", "31", "13", "61", "3", "8"]) expect(limits).toContain(number);
        expect(JSON.stringify(termsOf(document, viewer, language))).not.toMatch(/undefined|NaN|\[object/);
      }
  });
});

describe("a difference", () => {
  const { datasets } = withColumns(demoAgreement(), [HAS_CAR]);
  test.each<[string, AgreementDocument, string, Effect]>([
    ["a column in clear", agreed({ datasets }).document, "datasets.bureau/repayments.columns.has_car", "loosens"],
    [
      "an output less",
      withOperation("audience", { outputs: ["list"] }),
      "operations.audience/bank/customers/repayments/psi-vole.outputs",
      "tightens",
    ],
    [
      "an operation less",
      agreed({ operations: BASE.operations.slice(0, 1) }).document,
      "operations.score/bank/customers/repayments/psi-vole",
      "tightens",
    ],
    [
      "a shared alignment",
      withOperation("score", { alignment: "shared" }),
      "operations.score/bank/customers/repayments/psi-vole.alignment",
      "loosens",
    ],
    [
      "segments named",
      withOperation("audience", { segments: ["cars"] }),
      "operations.audience/bank/customers/repayments/psi-vole.segments",
      "tightens",
    ],
    [
      "a person asked",
      withOperation("audience", { approval: { provider: "first-run" } }),
      "operations.audience/bank/customers/repayments/psi-vole.approval.provider",
      "tightens",
    ],
    ["a lower floor", agreed({ floors: { result: 60 } }).document, "floors.result", "loosens"],
    ["a higher cap", agreed({ floors: { matchRateCapPercent: 90 } }).document, "floors.matchRateCapPercent", "loosens"],
    ["fewer runs", agreed({ budgets: { runsPerDay: 2 } }).document, "budgets.runsPerDay", "tightens"],
    ["noise", agreed({ noise: { kind: "discrete-laplace", scale: 8 } }).document, "noise", "tightens"],
    ["a longer life of tags", agreed({ retention: { tagDays: 400 } }).document, "retention.tagDays", "loosens"],
    ["an earlier end", agreed({ validUntil: "2027-01-01T00:00:00.000Z" }).document, "validUntil", "tightens"],
    ["a purpose less", agreed({ purposes: BASE.purposes.slice(0, 1) }).document, "purposes.credit-review", "tightens"],
    ["another title", agreed({ title: "Another" }).document, "title", "other"],
    ["another order", agreed({ purposes: [...BASE.purposes].reverse() }).document, "order", "other"],
  ])("%s is told, with what it does", (_what, after, path, effect) => {
    const found = differencesBetween(BASE, after);
    expect(found.map((item) => [item.path, item.effect])).toEqual([[path, effect]]);
    const opposite = { loosens: "tightens", tightens: "loosens", other: "other" }[effect];
    expect(differencesBetween(after, BASE).map((item) => [item.path, item.effect])).toEqual([[path, opposite]]);
    for (const language of LANGUAGES)
      for (const viewer of ["bank", "bureau"]) {
        const text = differenceText(found[0] as (typeof found)[number], viewer, language);
        expect(text.what).not.toBe("");
        expect(JSON.stringify(text)).not.toMatch(/undefined|NaN|\[object/);
        if (path !== "order") expect(text.before).not.toBe(text.after);
      }
  });

  test("is said from the reader's side", () => {
    const [found] = differencesBetween(BASE, agreed({ datasets }).document);
    expect(found && differenceText(found, "bureau", "en")).toEqual({
      what: 'Column "has_car" of your "repayments"',
      before: null,
      after: "leaves in clear, grade 2, personal information",
    });
    expect(found && differenceText(found, "bank", "zh-CN").what).toBe("对方（bureau）“repayments”的字段“has_car”");
  });

  test("is found for every field, and there is none exactly where the terms are the same", () => {
    const places = pathsOf(BASE).filter(([first]) => !["version", "supersedes", "format"].includes(String(first)));
    expect(places.length).toBeGreaterThan(80);
    for (const path of places) {
      const after = structuredClone(BASE);
      alter(after, path);
      expect(differencesBetween(BASE, after).length, path.join(".")).toBeGreaterThan(0);
    }
    expect(differencesBetween(BASE, structuredClone({ ...BASE, version: 2 }))).toEqual([]);
  });
});

type Path = readonly (string | number)[];

function pathsOf(value: unknown, at: Path = []): Path[] {
  if (value === null || typeof value !== "object") return [at];
  return Object.entries(value).flatMap(([key, item]) =>
    pathsOf(item, [...at, Array.isArray(value) ? Number(key) : key]),
  );
}

/** Another value of the same kind there. */
function alter(document: object, path: Path): void {
  const holder = path
    .slice(0, -1)
    .reduce<Record<string | number, unknown>>(
      (value, key) => value[key] as Record<string | number, unknown>,
      document as Record<string, unknown>,
    );
  const last = path.at(-1) as string | number;
  const value = holder[last];
  holder[last] =
    typeof value === "number" ? value + 1 : typeof value === "boolean" ? !value : value === null ? 7 : `${value}x`;
}
