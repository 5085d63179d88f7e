// Names of kernel parameters.

/** Between the name of a parameter and its place below /proc/sys. */
export function swapDotsAndSlashes(text: string): string {
  return text.replace(/[./]/g, (one) => (one === "." ? "/" : "."));
}
