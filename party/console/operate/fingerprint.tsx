/** A fingerprint to be read out on the telephone. */
import type { ReactNode } from "react";
import { Copy } from "../parts/values.tsx";

export function Fingerprint({ value }: { readonly value: string }): ReactNode {
  return (
    <p className="fingerprint">
      <code>{value}</code> <Copy text={value} />
    </p>
  );
}
