/** Valid values made from a zod schema, so that a route or a document that is added is fuzzed without anybody writing one. */
import type * as z from "zod";

type Def = { readonly type: string } & Readonly<Record<string, unknown>>;

/** What some schema of the project takes for a text or number; the first that fits is used. */
const TEXTS = [
  ...[
    "bank",
    "a",
    "customers",
    "2026-05-01T00:00:00.000Z",
    "ab".repeat(32),
    "0b".repeat(16),
    "marketing:joint",
    "marketing",
  ],
  ...[
    `bank/${"0c".repeat(16)}/2026`,
    "bank/jobs",
    "bank/cosigner",
    "bank/old-identity",
    "cd".repeat(64),
    "ef".repeat(72),
  ],
  ...[
    "0a1b-".repeat(7).concat("0a1b"),
    "PEER_GONE",
    "https://127.0.0.1:1/x",
    "http://127.0.0.1:1/",
    "85%",
    "1",
    "0",
    "true",
  ],
  ...[
    "/tmp/x.csv",
    "a and b",
    `entente1_${"a".repeat(40)}`,
    "phone",
    "x.csv",
    "postgresql://h/d",
    "person@bank.example",
  ],
  ...[
    "CNY",
    "0.1.0",
    "tier:a",
    "whsec_".concat("A".repeat(44)),
    `data:text/csv;base64,${"A".repeat(8)}`,
    "ab".repeat(8),
  ],
  ...["bank-customers", "10 minutes", "phone-e164", "phone-e164+opaque", "AB".repeat(20), "A".repeat(43), "2026", ""],
];
const NUMBERS = [1, 80, 0, 0.5, 3, 100, 365, 1000, 20, -1, 1e6];

const defOf = (schema: z.ZodType) => (schema as unknown as { _zod: { def: Def } })._zod.def;

/** Variants differ in which member of a union stands, and whether what may be absent is. */
function sample(schema: z.ZodType, variant: number, depth: number): unknown {
  const def = defOf(schema);
  const inner = (of: unknown, next = variant) => sample(of as z.ZodType, next, depth + 1);
  const accepted = (candidates: readonly unknown[]) => candidates.find((one) => schema.safeParse(one).success);
  switch (def.type) {
    case "object": {
      const members = Object.entries(def.shape as Record<string, z.ZodType>).map(([name, of], i): [string, unknown] => [
        name,
        inner(of, variant + (variant > 3 ? i : 0)),
      ]);
      return Object.fromEntries(members.filter(([, value]) => value !== undefined));
    }
    case "optional":
    case "default":
    case "prefault":
      return variant % 2 === 1 || depth > 8 ? undefined : inner(def.innerType);
    case "nullable":
      return variant % 2 === 1 || depth > 8 ? null : inner(def.innerType);
    case "readonly":
    case "nonoptional":
    case "catch":
      return inner(def.innerType);
    case "array": {
      const one = inner(def.element);
      const other = inner(def.element, variant + 1);
      return accepted([[one], [one, other], [], [one, one]]) ?? [one];
    }
    case "tuple": {
      const items = def.items as readonly z.ZodType[];
      const numbers = items.map((_, i) => i);
      return accepted([items.map((item) => inner(item)), numbers]) ?? [];
    }
    case "union": {
      const options = def.options as readonly z.ZodType[];
      // From some depth on the first: what contains itself ends.
      const at = depth > 6 ? 0 : variant % options.length;
      const rotated = [...options.slice(at), ...options.slice(0, at)];
      for (const option of rotated) {
        const value = sample(option, Math.floor(variant / options.length), depth + 1);
        if (schema.safeParse(value).success) return value;
      }
      return undefined;
    }
    case "record":
      return { [inner(def.keyType) as string]: inner(def.valueType) };
    case "pipe": {
      const value = inner(def.in);
      return schema.safeParse(value).success ? value : inner(def.out);
    }
    case "lazy":
      return inner((def.getter as () => z.ZodType)());
    case "enum": {
      const values = Object.values(def.entries as Record<string, string>);
      return values[variant % values.length];
    }
    case "literal":
      return (def.values as readonly unknown[])[0];
    case "boolean":
      return variant % 2 === 0;
    case "string":
    case "custom": {
      if (variant < 4) return accepted(TEXTS);
      const fitting = TEXTS.filter((text) => schema.safeParse(text).success);
      return fitting[variant % Math.max(1, fitting.length)];
    }
    case "number":
    case "int":
      return accepted(NUMBERS);
    case "null":
      return null;
    case "unknown":
    case "any":
      return accepted([{}, "a", 1]);
    default:
      return undefined;
  }
}

const VARIANTS = 10;

/** Different values that the schema takes. Throws when it can make none: then TEXTS lacks one that fits. */
export function samplesOf(schema: z.ZodType, what: string): readonly unknown[] {
  const all = Array.from({ length: VARIANTS }, (_, variant) => sample(schema, variant, 0));
  const good = all.filter((value) => value !== undefined && schema.safeParse(value).success);
  const unique = [...new Map(good.map((value) => [JSON.stringify(value), value])).values()];
  if (unique.length > 0) return unique;
  const [first] = all;
  const issue = schema.safeParse(first).error?.issues[0];
  throw new Error(`no sample of ${what}: ${issue?.path.join(".")}: ${issue?.message} in ${JSON.stringify(first)}`);
}
