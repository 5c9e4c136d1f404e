/** The schemas of the OpenAPI document as ones that can be run. */
import * as z from "zod";
import type { OpenApiDocument } from "../../proto/http/openapi.ts";

/** References in `schema` lead to the document's components. */
export function runnable(document: OpenApiDocument, schema: object): z.ZodType {
  const refers = JSON.stringify(schema).includes('"$ref"');
  const text = JSON.stringify(refers ? { ...schema, $defs: document.components.schemas } : schema);
  return z.fromJSONSchema(JSON.parse(text.replaceAll("#/components/schemas/", "#/$defs/")));
}
