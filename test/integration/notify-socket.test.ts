// A service manager's socket is peapod's own: runc, which would mount one into the container, does not hear of it.

import { join } from "node:path";
import { testWithPeapod } from "../support/peapod-host.ts";

testWithPeapod("a container does not learn of NOTIFY_SOCKET, nor find a socket of it", async (t, host) => {
  const script =
    'echo "[$NOTIFY_SOCKET]"; while read -r line; do case $line in *notify*) echo "$line";; esac; done </proc/mounts';
  const pod = host.aPod({ containers: [{ name: "web", run: script }] });
  const env = { NOTIFY_SOCKET: join(host.dir, "notify") };
  const { code, out, err } = await host.start(["run", pod.file], { env }).ended;
  t.equal(out, "[]\n", err);
  t.equal(code, 0);
});
