/** What the command's exit codes mean. Of `audit` and `store check` the README's table says it more closely. */
export const EXIT = {
  done: 0,
  /** An error; a job that was refused or failed; evidence that was tampered with; a node that is not ready or not well. */
  failed: 1,
  /** Evidence that is incomplete or cannot be read; a store that is to be migrated. */
  incomplete: 2,
  /** EX_USAGE of sysexits.h. */
  usage: 64,
} as const;
