/** Exports that came as one file each: looked at in memory as the folders that they stand for. Nothing is unpacked. */
import type { Files } from "../../proto/ports/ports.ts";

/** All that the verifier does with files. */
export type ReadFiles = Pick<Files, "read" | "list">;

/** `files`, where each bundle stands as a folder at its own path. `bundles`: by absolute path, what is in them by path below. */
export function withBundles(
  files: ReadFiles,
  bundles: ReadonlyMap<string, ReadonlyMap<string, Uint8Array>>,
): ReadFiles {
  const within = (path: string) => {
    for (const [place, contents] of bundles)
      if (path === place || path.startsWith(`${place}/`)) return { contents, below: path.slice(place.length + 1) };
    return undefined;
  };
  return {
    read: async (path) => {
      const found = within(path);
      return found === undefined ? files.read(path) : found.contents.get(found.below);
    },
    list: async (path) => {
      const found = within(path);
      if (found === undefined) return files.list(path);
      const prefix = found.below === "" ? "" : `${found.below.replace(/\/$/, "")}/`;
      if (found.contents.has(prefix.slice(0, -1))) throw new Error("a file, no folder");
      const names = [...found.contents.keys()].flatMap((name) =>
        name.startsWith(prefix) ? (name.slice(prefix.length).split("/", 1)[0] as string) : [],
      );
      return [...new Set(names)].sort();
    },
  };
}
