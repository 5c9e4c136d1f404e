/** An error's kind and where it arose, without its message: a message may quote a value of the data. */
export function traceOf(thrown: unknown): object | undefined {
  if (!(thrown instanceof Error)) return undefined;
  const { code } = thrown as NodeJS.ErrnoException;
  return {
    type: thrown.name,
    ...(typeof code === "string" ? { code } : {}),
    at: stackOf(thrown),
    ...(thrown.cause === undefined ? {} : { cause: traceOf(thrown.cause) }),
  };
}

/** The stack's lines after the message. */
export function stackOf(error: Error): string[] {
  return (error.stack ?? "").split("\n").filter((line) => /^ +at /.test(line));
}
