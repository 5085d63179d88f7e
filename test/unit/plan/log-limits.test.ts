import t from "tap";
import { aPlan } from "../../support/planning.ts";

const limits = (size?: string, files?: string) => {
  const annotations = {
    ...(size === undefined ? {} : { "peapod/logMaxSize": size }),
    ...(files === undefined ? {} : { "peapod/logMaxFiles": files }),
  };
  return aPlan({ annotations }).logs;
};

t.test("what is not said is the kubelet's", async (t) => {
  t.equal(limits(), undefined);
  t.same(limits("1Mi"), { maxSizeBytes: 1048576, maxFiles: 5 });
  t.same(limits(undefined, "2"), { maxSizeBytes: 10485760, maxFiles: 2 });
  t.same(limits("0", "1"), { maxSizeBytes: 0, maxFiles: 1 });
});

t.test("what is no amount is refused at its line", async (t) => {
  for (const size of ["", "-1", "1m", "10MB"]) {
    t.throws(
      () => limits(size),
      { code: "BAD_MANIFEST", message: /^annotation peapod\/logMaxSize: .* \(pod.yaml:\d+ / },
      size,
    );
  }
  for (const files of ["", "0", "1001", "1.5", "many"]) {
    t.throws(
      () => limits(undefined, files),
      { message: /peapod\/logMaxFiles: must be a whole number from 1 to 1000/ },
      files,
    );
  }
});
