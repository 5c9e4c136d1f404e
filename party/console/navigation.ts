/** The pages that whoever is signed in sees, for all that links to them. A context, since the list itself loads every page. */
import { createContext, useContext } from "react";
import type { PageEntry } from "./pages.ts";

export const PagesContext = createContext<readonly PageEntry[]>([]);

export function usePages(): readonly PageEntry[] {
  return useContext(PagesContext);
}
