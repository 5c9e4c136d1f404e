/** A button for what cannot be taken back: it asks first, and says what will happen. */
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import { Button, type ButtonKind } from "./button.tsx";
import { Dialog } from "./dialog.tsx";
import { useDoing } from "./doing.ts";
import { ErrorNote } from "./error-note.tsx";

interface ConfirmButtonProps {
  /** On the button, and on the one that confirms. */
  readonly label: string;
  /** The question. */
  readonly title: string;
  readonly kind?: ButtonKind;
  readonly disabled?: boolean;
  /** The dialog closes when it resolves and stays with the error when it rejects; in between it cannot be left. */
  readonly onConfirm: () => Promise<unknown>;
  /** What will happen; fields too. */
  readonly children: ReactNode;
}

export function ConfirmButton({
  label,
  title,
  kind = "danger",
  disabled = false,
  onConfirm,
  children,
}: ConfirmButtonProps): ReactNode {
  const { t } = useTranslation();
  const [isOpen, setIsOpen] = useState(false);
  const { isBusy, error, run } = useDoing();
  const confirm = async () => {
    if (await run(onConfirm)) setIsOpen(false);
  };
  return (
    <>
      <Button kind={kind} disabled={disabled} onClick={() => setIsOpen(true)}>
        {label}
      </Button>
      <Dialog
        title={title}
        isOpen={isOpen}
        isBusy={isBusy}
        onClose={() => setIsOpen(false)}
        actions={
          <>
            <Button kind={kind} isBusy={isBusy} onClick={() => void confirm()}>
              {label}
            </Button>
            <Button disabled={isBusy} onClick={() => setIsOpen(false)}>
              {t("parts.cancel")}
            </Button>
          </>
        }
      >
        {children}
        {error !== undefined && <ErrorNote error={error} />}
      </Dialog>
    </>
  );
}
