// An exit is a fact: a process ended with a code, was killed by a signal, or nobody can say any more.

/** `time`: when the reaper saw it; RFC 3339, UTC, nine digits of a second, so comparable as text. */
export type Exit =
  | { readonly kind: "exited"; readonly code: number; readonly time: string }
  | { readonly kind: "killed"; readonly signal: number; readonly time: string }
  /** The reaper was not there to see it. Never guessed. */
  | { readonly kind: "lost"; readonly time: string };

/** One line of the reaper's `exits` file. */
export interface ExitLine {
  readonly pid: number;
  readonly exit: Exit;
  /** Byte offset of the line's start in the file. */
  readonly offset: number;
}

/** The number a shell would show: the code, or 128 and the signal; a lost exit has none. */
export function shellStatus(exit: Exit): number | undefined {
  switch (exit.kind) {
    case "exited":
      return exit.code;
    case "killed":
      return 128 + exit.signal;
    case "lost":
      return undefined;
  }
}
