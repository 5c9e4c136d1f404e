/** A secret that is shown once, whole: to be copied, or selected where the browser has no clipboard. */
import { type ReactNode, useId } from "react";
import { Copy } from "../parts/values.tsx";

export function Once({ label, value }: { readonly label: string; readonly value: string }): ReactNode {
  const id = useId();
  return (
    <div className="field once">
      <label htmlFor={id}>{label}</label>
      <textarea id={id} readOnly rows={3} value={value} onFocus={(event) => event.target.select()} />
      <Copy text={value} />
    </div>
  );
}
