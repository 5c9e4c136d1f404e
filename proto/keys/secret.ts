/** A value that is never printed: whatever turns it into text gets a redaction, and only `expose` gives it out. */

const REDACTED = "[secret]";

export class Secret<T extends string | Uint8Array> {
  readonly #value: T;

  constructor(value: T) {
    this.#value = value;
  }

  /** For the one place that uses it. */
  expose(): T {
    return this.#value;
  }

  toString(): string {
    return REDACTED;
  }

  toJSON(): string {
    return REDACTED;
  }

  /** What `console.log`, `util.inspect` and assertion messages show. */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return REDACTED;
  }
}
