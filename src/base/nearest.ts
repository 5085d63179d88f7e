// Which known name was meant by one that is not known: for "did you mean".

/** A hostile input can hold thousands of names and as many slips. */
const MAX_NAMES = 100;

/** The nearest of `names` to a slip of the pen, or undefined where none is near enough to be meant. */
export function nearestName(text: string, names: readonly string[]): string | undefined {
  if (text.length > 64) return undefined;
  const wanted = text.toLowerCase();
  const ending = names.find((name) => name.length > 2 && wanted.endsWith(`_${name.toLowerCase()}`));
  if (ending !== undefined) return ending;
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(text.length / 3)) + 1;
  for (const name of names.slice(0, MAX_NAMES)) {
    if (Math.abs(name.length - text.length) >= bestDistance) continue;
    const distance = editDistance(wanted, name.toLowerCase());
    // A distance as long as the name replaces all of it: that is another word.
    if (distance < bestDistance && distance < name.length) {
      best = name;
      bestDistance = distance;
    }
  }
  return best;
}

/** Insertions, deletions, replacements and swaps of neighbours that lead from one to the other. */
export function editDistance(from: string, to: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let row = 1; row <= from.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= to.length; column += 1) {
      const same = from[row - 1] === to[column - 1];
      const costs = [at(last, column) + 1, at(current, column - 1) + 1, at(last, column - 1) + (same ? 0 : 1)];
      const isSwap = row > 1 && column > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      if (isSwap) costs.push(at(beforeLast, column - 2) + 1);
      current.push(Math.min(...costs));
    }
    beforeLast = last;
    last = current;
  }
  return at(last, to.length);
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? Number.POSITIVE_INFINITY;
}
