// A directory that goes last: tap's own testdir is removed before a test's teardowns have unmounted what is in it.

import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Text: a file; an object: a directory. */
export interface Tree {
  readonly [name: string]: string | Tree;
}

/**
 * @param t any test that can be torn down
 * @param emptyIt takes down what is mounted in it, before it is removed
 */
export function aTempDir(
  t: { teardown(undo: () => Promise<void>): void },
  tree: Tree = {},
  emptyIt: (dir: string) => Promise<unknown> = async () => undefined,
): string {
  const dir = realpathSync(mkdtempSync(join(tmpdir(), "peapod-test-")));
  fill(dir, tree);
  t.teardown(async () => {
    await emptyIt(dir);
    rmSync(dir, { recursive: true, force: true });
  });
  return dir;
}

function fill(dir: string, tree: Tree): void {
  for (const [name, what] of Object.entries(tree)) {
    const path = join(dir, name);
    if (typeof what === "string") writeFileSync(path, what);
    else {
      mkdirSync(path);
      fill(path, what);
    }
  }
}
