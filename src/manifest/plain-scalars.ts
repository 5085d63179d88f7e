// Unquoted values that Kubernetes' YAML (1.1) and ours (1.2) read differently: refused rather than guessed.

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
