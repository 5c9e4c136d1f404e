/** An entry's inclusion proof, computed in the browser: RFC 6962 with the browser's own SHA-256. */
import { concat, fromBase64, fromHex, toHex } from "../../../proto/encoding/bytes.ts";
import { auditPathSides } from "../../../proto/evidence/audit-path.ts";

export interface ShownProof {
  /** Base64. */
  readonly entry: string;
  readonly index: number;
  /** Hex, from the leaf up. */
  readonly path: readonly string[];
  readonly checkpoint: { readonly size: number; readonly root: string };
}

/** Whether the entry leads to the checkpoint's root; `cannot` where the browser has no SHA-256, as on a page that came by plain
 * HTTP from another machine. */
export async function computeInclusion(
  { entry, index, path, checkpoint }: ShownProof,
  subtle: SubtleCrypto | undefined = globalThis.crypto.subtle,
): Promise<"holds" | "fails" | "cannot"> {
  if (subtle === undefined) return "cannot";
  const hash = async (...parts: readonly Uint8Array[]) => {
    return new Uint8Array(await subtle.digest("SHA-256", concat(...parts)));
  };
  const sides = auditPathSides({ index, size: checkpoint.size, length: path.length });
  if (sides === undefined) return "fails";
  let node = await hash(Uint8Array.of(0), fromBase64(entry));
  for (const [i, sibling] of path.map(fromHex).entries())
    node = await (sides[i] === "left" ? hash(Uint8Array.of(1), sibling, node) : hash(Uint8Array.of(1), node, sibling));
  return toHex(node) === checkpoint.root ? "holds" : "fails";
}
