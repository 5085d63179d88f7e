// Words of sh(1), for up.sh and down.sh.

/** As one word of sh(1), whatever is in it. */
export function quote(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** A path as up.sh names it, which stands in `dir`. */
export function short(dir: string, path: string): string {
  return quote(path.startsWith(`${dir}/`) ? path.slice(dir.length + 1) : path);
}
