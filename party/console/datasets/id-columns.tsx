/** The columns that are a dataset's id, and what a column holds, in words. */
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { NORMALISERS, type NormaliserName } from "../../../proto/agreement/fields.ts";

interface IdColumn {
  readonly column: string;
  readonly normaliser: string;
}

function isNormaliser(name: string): name is NormaliserName {
  return (NORMALISERS as readonly string[]).includes(name);
}

export function IdColumns({ ids }: { readonly ids: readonly IdColumn[] }): ReactNode {
  const { t } = useTranslation();
  return ids
    .map(({ column, normaliser }) => {
      const kind = isNormaliser(normaliser) ? t(`terms.normalisers.${normaliser}`) : normaliser;
      return t("datasets.idOf", { column, normaliser: kind });
    })
    .join("; ");
}

const TYPES = ["id", "number", "text", "boolean"] as const;

export function ColumnType({ type }: { readonly type: string }): ReactNode {
  const { t } = useTranslation();
  const known = TYPES.find((name) => name === type);
  return known === undefined ? type : t(`terms.columnTypes.${known}`);
}
