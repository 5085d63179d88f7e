// Single values on one line: what they plainly mean, and which unquoted ones Kubernetes' YAML (1.1) and ours
// (1.2) read differently: those are refused rather than guessed.

/** Why an unquoted scalar is ambiguous, as a clause; undefined where all agree. */
export function ambiguityOf(source: string): string | undefined {
  if (/^(yes|on)$/i.test(source))
    return `${source} is true in YAML 1.1 and text in 1.2; write true, or put it in quotes`;
  if (/^(no|off)$/i.test(source))
    return `${source} is false in YAML 1.1 and text in 1.2; write false, or put it in quotes`;
  if (/^[-+]?0[0-9_]+$/.test(source))
    return `${source} is octal in YAML 1.1 and decimal in 1.2; drop the leading zero, or put it in quotes`;
  if (/^0o[0-7]+$/.test(source))
    return `${source} is text in YAML 1.1 and octal in 1.2; write it in decimal, or put it in quotes`;
  if (/^[-+]?0b[01_]+$/.test(source))
    return `${source} is binary in YAML 1.1 and text in 1.2; write it in decimal, or put it in quotes`;
  if (/^[-+]?[0-9][0-9_]*_[0-9_]*$/.test(source)) {
    return `${source} is a number in YAML 1.1 and text in 1.2; drop the underscores, or put it in quotes`;
  }
  return undefined;
}

/** What readers of YAML 1.1 take for a truth, a number (in tens, of other bases, of minutes and hours), a day or a sign of YAML's own. */
const OTHER_IN_1_1 = [
  /^(?:y|n|yes|no|on|off|=|<<)$/i,
  /^[-+]?\.?[0-9][0-9_,]*(?::[0-5]?[0-9])*(?:\.[0-9_]*)?(?:e[-+]?[0-9]+)?$/i,
  /^[-+]?0[xbo][0-9a-f_]+$/i,
  /^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:$|[Tt \t])/,
];

/** Whether a text without quotes would be more, or other, than a text to some reader of YAML 1.1. */
export function isOtherInYaml11(text: string): boolean {
  return OTHER_IN_1_1.some((pattern) => pattern.test(text));
}

/** The text inside quotes; undefined where it is not one simple quoted text. */
export function quotedValue(source: string): string | undefined {
  if (/^'(?:[^']|'')*'$/.test(source)) return source.slice(1, -1).replaceAll("''", "'");
  return /^"(?:[^"\\]|\\["\\/nrt])*"$/.test(source) ? (JSON.parse(source) as string) : undefined;
}

/** An unquoted text as what it means (YAML 1.2 §10.3); undefined where that is not plain. */
export function plainValue(source: string): unknown {
  if (!/^(?:[A-Za-z0-9_./$]|[-+](?=[^ ]))/.test(source) || /:(?: |$)| #/.test(source)) return undefined;
  if (ambiguityOf(source) !== undefined) return undefined;
  if (source === "true") return true;
  if (source === "false") return false;
  if (source === "null") return null;
  if (/^(?:true|false|null)$/i.test(source)) return undefined;
  if (/^(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,9})?$/.test(source)) return Number(source);
  // Whatever else could be a number is not plain.
  return /^[-+]?(?:[.0-9][0-9a-fA-FxXoOeE_.+-]*|\.(?:inf|nan))$/i.test(source) ? undefined : source;
}
