/** Every decoder that is fuzzed. A new one belongs into the file of its kind; a test finds those that are missing. */
import type { FuzzTarget } from "../target.ts";
import { DOCUMENT_TARGETS } from "./documents.ts";
import { EVIDENCE_TARGETS } from "./evidence.ts";
import { HTTP_TARGETS } from "./http.ts";
import { MODEL_TARGETS } from "./models.ts";
import { STORED_TARGETS } from "./stored.ts";
import { WIRE_TARGETS } from "./wire.ts";

export const FUZZ_TARGETS: readonly FuzzTarget[] = [
  ...WIRE_TARGETS,
  ...DOCUMENT_TARGETS,
  ...EVIDENCE_TARGETS,
  ...MODEL_TARGETS,
  ...HTTP_TARGETS,
  ...STORED_TARGETS,
];
