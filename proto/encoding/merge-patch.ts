/** JSON Merge Patch (RFC 7396): a document that says what differs in another one. */

type Json = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * What `patch` makes of `target` (RFC 7396 section 2): members of objects are merged, `null` takes one away, anything else replaces
 * what was there. Neither is changed.
 */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const merged = new Map(Object.entries(isObject(target) ? target : {}));
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) merged.delete(name);
    else merged.set(name, mergePatch(merged.get(name), value));
  }
  // A member named `__proto__` stays a member.
  return Object.fromEntries(merged);
}
