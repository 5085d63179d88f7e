// File modes are written in octal (`defaultMode: 0400`): YAML 1.1, which Kubernetes reads, takes them so, 1.2 does not. In
// these fields nothing else can be meant.

/** The number that an unquoted text is as a mode; undefined elsewhere, and for what is no octal. */
export function parseOctalMode(pointer: string, source: string): number | undefined {
  if (!/\/(?:mode|defaultMode)$/.test(pointer)) return undefined;
  const [, digits] = /^0o?([0-7]{1,5})$/.exec(source) ?? [];
  return digits === undefined ? undefined : Number.parseInt(digits, 8);
}
