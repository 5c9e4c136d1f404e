/** Finds what reads others' bytes in proto/: everything exported that looks like a decoder, so that none is added unfuzzed. */
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

const PROTO = fileURLToPath(new URL("../../../proto/", import.meta.url));
/** What is opened and checked there is the machine's own: files, databases, clocks. */
const NO_DECODERS_IN = ["gen/", "ports/", "database/", "limits/"];
const DECODES = /^(?:decode|parse|read|open|verify|check|from)(?:[A-Z]|$)|Reader$|From(?:Json|Wire|Bytes)$/;

/** As `codec/frame.ts#decodeHeader`, with what it is. */
export interface Decoder {
  readonly name: string;
  readonly value: unknown;
}

/** In name and form: looks like something that reads bytes, texts or documents of others. */
function isDecoder(name: string, value: unknown): boolean {
  if (typeof value === "function")
    return DECODES.test(name) || typeof value.prototype?.constructor.fromBytes === "function";
  if (typeof value !== "object" || value === null || "_zod" in value) return false;
  const isCodec = "decode" in value && "encode" in value;
  const isMethod = "path" in value && "request" in value && "response" in value;
  return isCodec || isMethod;
}

export async function decodersOfProto(): Promise<readonly Decoder[]> {
  const files = readdirSync(PROTO, { recursive: true, encoding: "utf8" })
    .filter(
      (file) =>
        file.endsWith(".ts") && file !== "build.ts" && !NO_DECODERS_IN.some((folder) => file.startsWith(folder)),
    )
    .sort();
  const found = await Promise.all(
    files.map(async (file) => {
      const module = (await import(/* @vite-ignore */ `../../../proto/${file}`)) as Record<string, unknown>;
      return Object.entries(module)
        .filter(([name, value]) => isDecoder(name, value))
        .map(([name, value]) => ({ name: `${file}#${name}`, value }));
    }),
  );
  return found.flat();
}

/** Not fuzzed by themselves, and why not. */
export const NO_DECODERS: Readonly<Record<string, string>> = {
  "agreement/agreement.ts#verifyAgreementSignature": "takes what `readAgreement` has read",
  "http/openapi.ts#openApiDocument": "writes a document and reads nothing",
  "agreement/references.ts#checkReferences": "takes what the schema has read; inside `makeAgreement`",
};
