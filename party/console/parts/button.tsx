/** Buttons. A busy one says so and cannot be pressed again. */
import type { ReactNode } from "react";
import { Link } from "wouter";

/** `main`: what the page is for. `danger`: cannot be taken back. */
export type ButtonKind = "main" | "plain" | "danger";

interface ButtonProps {
  readonly kind?: ButtonKind;
  readonly type?: "button" | "submit";
  readonly isBusy?: boolean;
  readonly disabled?: boolean;
  readonly onClick?: () => void;
  readonly children: ReactNode;
}

export function Button({
  kind = "plain",
  type = "button",
  isBusy = false,
  disabled = false,
  onClick,
  children,
}: ButtonProps): ReactNode {
  return (
    <button type={type} className={`button ${kind}`} aria-busy={isBusy} disabled={disabled || isBusy} onClick={onClick}>
      {children}
    </button>
  );
}

/** A link that looks like a button: it goes somewhere and does nothing. */
export function ButtonLink({
  href,
  kind = "plain",
  children,
}: {
  readonly href: string;
  readonly kind?: ButtonKind;
  readonly children: ReactNode;
}): ReactNode {
  return (
    <Link href={href} className={`button ${kind}`}>
      {children}
    </Link>
  );
}
