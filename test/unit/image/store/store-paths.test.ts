import t from "tap";
import { asFileName } from "../../../../src/image/store/store-paths.ts";

t.test("a name is a file's name, whatever is in it, and two names are two", async (t) => {
  t.equal(asFileName("docker.io/library/nginx:1.27"), "docker.io%2Flibrary%2Fnginx%3A1.27");
  const long = (end: string) => `oci:/${"very/long/".repeat(60)}${end}`;
  t.ok(asFileName(long("a")).length <= 200);
  t.not(asFileName(long("a")), asFileName(long("b")));
  t.notOk(asFileName("../../etc/passwd").includes("/"));
});
