// Where Node begins for peapod-oci; see doors/cli/peapod.cjs.

require("node:module").enableCompileCache({ directory: `${__dirname}/cache`, portable: true });
require("./oci-main.cjs");
