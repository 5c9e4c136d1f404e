/** Fields of forms, each with its label, a hint and what is wrong with it. */
import { type ReactNode, useId } from "react";

interface FieldProps {
  readonly label: string;
  readonly hint?: ReactNode;
  readonly error?: string | undefined;
}

interface FrameProps extends FieldProps {
  readonly id: string;
  readonly children: ReactNode;
}

function Field({ id, label, hint, error, children }: FrameProps): ReactNode {
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      {children}
      {hint !== undefined && (
        <p className="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
      {error !== undefined && (
        <p className="field-error" id={`${id}-error`}>
          {error}
        </p>
      )}
    </div>
  );
}

/** What describes a field to who does not see it. */
function described(id: string, { hint, error }: FieldProps): { "aria-describedby"?: string; "aria-invalid"?: true } {
  const ids = [...(hint === undefined ? [] : [`${id}-hint`]), ...(error === undefined ? [] : [`${id}-error`])];
  return {
    ...(ids.length === 0 ? {} : { "aria-describedby": ids.join(" ") }),
    ...(error === undefined ? {} : { "aria-invalid": true }),
  };
}

interface TextFieldProps extends FieldProps {
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly type?: "text" | "password" | "number" | "date" | "search";
  readonly required?: boolean;
  readonly autoComplete?: string;
  readonly placeholder?: string;
  readonly maxLength?: number;
  /** More than one: several lines. */
  readonly lines?: number;
  /** Of a number. */
  readonly min?: number;
  readonly max?: number;
}

export function TextField({ value, onChange, lines = 1, type = "text", ...rest }: TextFieldProps): ReactNode {
  const id = useId();
  const { label, hint, error, ...input } = rest;
  const shared = { id, value, ...input, ...described(id, rest) };
  return (
    <Field id={id} label={label} hint={hint} error={error}>
      {lines > 1 ? (
        <textarea {...shared} rows={lines} onChange={(event) => onChange(event.target.value)} />
      ) : (
        <input {...shared} type={type} onChange={(event) => onChange(event.target.value)} />
      )}
    </Field>
  );
}

export interface Choice {
  readonly value: string;
  readonly label: string;
}

interface SelectFieldProps extends FieldProps {
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly choices: readonly Choice[];
  /** What stands there before anything is chosen; without it something always is. */
  readonly none?: string;
  readonly required?: boolean;
  readonly disabled?: boolean;
}

export function SelectField({ value, onChange, choices, none, ...rest }: SelectFieldProps): ReactNode {
  const id = useId();
  const { label, hint, error, ...select } = rest;
  return (
    <Field id={id} label={label} hint={hint} error={error}>
      <select
        id={id}
        value={value}
        {...select}
        {...described(id, rest)}
        onChange={(event) => onChange(event.target.value)}
      >
        {none !== undefined && <option value="">{none}</option>}
        {choices.map(({ value: choice, label: words }) => (
          <option key={choice} value={choice}>
            {words}
          </option>
        ))}
      </select>
    </Field>
  );
}

interface CheckFieldProps {
  readonly label: ReactNode;
  readonly checked: boolean;
  readonly onChange: (checked: boolean) => void;
  readonly disabled?: boolean;
}

export function CheckField({ label, checked, onChange, disabled = false }: CheckFieldProps): ReactNode {
  return (
    <label className="check">
      <input
        type="checkbox"
        checked={checked}
        disabled={disabled}
        onChange={(event) => onChange(event.target.checked)}
      />
      <span>{label}</span>
    </label>
  );
}

/** Several choices of which any number holds. */
export function CheckList({
  legend,
  choices,
  chosen,
  onChange,
}: {
  readonly legend: string;
  readonly choices: readonly Choice[];
  readonly chosen: readonly string[];
  readonly onChange: (chosen: string[]) => void;
}): ReactNode {
  return (
    <fieldset className="field">
      <legend>{legend}</legend>
      {choices.map(({ value, label }) => (
        <CheckField
          key={value}
          label={label}
          checked={chosen.includes(value)}
          onChange={(isChosen) =>
            onChange(
              choices.map((choice) => choice.value).filter((one) => (one === value ? isChosen : chosen.includes(one))),
            )
          }
        />
      ))}
    </fieldset>
  );
}
