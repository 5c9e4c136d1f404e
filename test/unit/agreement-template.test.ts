import { describe, expect, test } from "vitest";
import { makeAgreement } from "../../proto/agreement/agreement.ts";
import { agreementJsonSchema } from "../../proto/agreement/schema.ts";
import { agreementTemplate, isUnsaid } from "../../proto/agreement/template.ts";

const PARTIES = [
  { name: "acme-bank", identity: "11".repeat(32) },
  { name: "telecom", identity: "22".repeat(32) },
] as const;

/** Every comment of a template is a whole line. */
function parsed(text: string): Record<string, unknown> {
  return JSON.parse(text.replaceAll(/^\s*\/\/.*$/gm, "")) as Record<string, unknown>;
}

describe.each(["audience", "score"] as const)("the template of %s", (kind) => {
  const draft = parsed(agreementTemplate(kind, { parties: PARTIES }));
  const agreement = makeAgreement(draft);

  test("without its comments is an agreement, with nothing left to default", () => {
    expect(agreement.document).toEqual(draft);
    expect(agreement.document.operations.map((item) => item.operation)).toEqual([kind]);
  });

  test("writes the defaults", () => {
    const { floors: _, budgets: __, noise: ___, retention: ____, ...rest } = draft;
    expect(makeAgreement(rest).document).toEqual(draft);
  });

  test("says something of every field, on a line of its own before it", () => {
    const lines = agreementTemplate(kind).split("\n");
    // A field of the document, of floors, budgets, retention: what is nested deeper is explained above its list.
    for (const [i, line] of lines.entries()) {
      if (!/^ {2}(?: {2})?"\w+": (?![[{]$)/.test(line)) continue;
      expect(lines[i - 1], line).toMatch(/^\s*\/\/ \S/);
    }
    expect(lines.every((line) => line.length <= 125)).toBe(true);
  });

  test("leaves identities to the node, names to be given, and dates", () => {
    const plain = parsed(agreementTemplate(kind)) as { parties: Record<string, unknown>[] };
    expect(plain.parties.map(({ name, identity }) => [name, identity])).toEqual([
      ["bank", undefined],
      ["bureau", undefined],
    ]);
    const dated = agreementTemplate(kind, {
      validFrom: "2030-01-01T00:00:00.000Z",
      validUntil: "2031-01-01T00:00:00.000Z",
    });
    expect(parsed(dated)).toMatchObject({
      validFrom: "2030-01-01T00:00:00.000Z",
      validUntil: "2031-01-01T00:00:00.000Z",
    });
  });
});

test("the JSON Schema is draft 2020-12, closed, and requires only what has no default", () => {
  const schema = agreementJsonSchema() as {
    $schema: string;
    additionalProperties: boolean;
    required: string[];
    properties: Record<string, { properties?: object; items?: { required: string[] } }>;
  };
  expect(schema.$schema).toBe("https://json-schema.org/draft/2020-12/schema");
  expect(schema.additionalProperties).toBe(false);
  expect(schema.required.sort()).toEqual(
    ["format", "title", "parties", "datasets", "operations", "purposes", "validFrom", "validUntil"].sort(),
  );
  const { document } = makeAgreement(parsed(agreementTemplate("score", { parties: PARTIES })));
  expect(Object.keys(schema.properties).sort()).toEqual(Object.keys(document).sort());
  // The group floor is of reports alone.
  const whole = { ...document, floors: { ...document.floors, group: 50 } };
  for (const part of ["floors", "budgets", "retention"] as const)
    expect(Object.keys(schema.properties[part]?.properties ?? {}).sort()).toEqual(Object.keys(whole[part]).sort());
});

test("a purpose in the template's words is known as such, and one in words of its writer's own is not", () => {
  const draft = parsed(agreementTemplate("audience"));
  const [unsaid] = draft.purposes as Record<string, string>[];
  const own = { id: "service", text: "Offer instalment plans", legalBasis: "Consent form 7" };
  expect([draft, { ...draft, purposes: [own] }, {}].map(isUnsaid)).toEqual([true, false, false]);
  expect(isUnsaid({ purposes: [own, { ...own, legalBasis: unsaid?.legalBasis }] })).toBe(true);
});
