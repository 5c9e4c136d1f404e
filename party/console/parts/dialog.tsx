/** A question above the page that must be answered first. The browser's own: focus stays in it, Escape closes it. */
import { type ReactNode, useEffect, useId, useRef } from "react";

interface DialogProps {
  readonly title: string;
  readonly isOpen: boolean;
  /** What was answered is being done: it stays until that has ended, since closing it would not stop it. */
  readonly isBusy?: boolean;
  readonly onClose: () => void;
  readonly children: ReactNode;
  /** Buttons. */
  readonly actions?: ReactNode;
}

export function Dialog({ title, isOpen, isBusy = false, onClose, children, actions }: DialogProps): ReactNode {
  const id = useId();
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (isOpen && dialog.current?.open === false) dialog.current.showModal();
    if (!isOpen) dialog.current?.close();
  }, [isOpen]);
  return (
    <dialog
      ref={dialog}
      aria-labelledby={id}
      // A browser lets nobody hold it open against a second Escape.
      onClose={() => (isBusy ? dialog.current?.showModal() : onClose())}
    >
      <h2 id={id}>{title}</h2>
      {isOpen && children}
      {actions !== undefined && <div className="actions">{actions}</div>}
    </dialog>
  );
}
