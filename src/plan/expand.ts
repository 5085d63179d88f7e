// `$(NAME)` in command, args and env, as Kubernetes expands it: `$$` is a dollar, a name that is not known stays as it
// stands, and so does a reference that is not closed. One pass: what a value brings in is not expanded again.

/** `lookUp` answers undefined for a name that is not known. */
export function expand(text: string, lookUp: (name: string) => string | undefined): string {
  return text.replace(/\$\$|\$\(([^)]*)\)/g, (whole, name: string | undefined) => {
    if (name === undefined) return "$";
    return lookUp(name) ?? whole;
  });
}
