// Fills V8's code cache beside the bundles: every function is compiled now, not when it is first called, since most of a
// pod's way up is code that runs once. Run by build.ts; `node warm-compile-cache.cjs LIB`.

const { enableCompileCache, flushCompileCache } = require("node:module");
const { readdirSync } = require("node:fs");
const { join } = require("node:path");
const { setFlagsFromString } = require("node:v8");

const lib = process.argv[2];
enableCompileCache({ directory: join(lib, "cache"), portable: true });
process.argv = [process.execPath, join(lib, "peapod.cjs"), "help"];
setFlagsFromString("--no-lazy");
for (const name of readdirSync(lib)) if (name.endsWith(".cjs") && name !== "peapod.cjs") require(join(lib, name));
// V8 takes a cache only under the flags that it was written with.
setFlagsFromString("--lazy");
flushCompileCache();
