// Where Node begins: V8 takes the code that the build compiled, instead of compiling it again at each start.

require("node:module").enableCompileCache({ directory: `${__dirname}/cache`, portable: true });
require("./main.cjs");
