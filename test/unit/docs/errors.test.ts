import { readFileSync } from "node:fs";
import t from "tap";
import { ERROR_CODES } from "../../../src/base/errors.ts";
import { STATUS_OF } from "../../../src/doors/cli/exit-codes.ts";
import { httpStatusOf } from "../../../src/engine/control/control-messages.ts";

t.test("docs/errors.md has each code once, with its exit status, HTTP status, meaning and remedy", async (t) => {
  const text = readFileSync(new URL("../../../docs/errors.md", import.meta.url), "utf8");
  const rows = [...text.matchAll(/^\| `([A-Z_]+)` \| (\d+) \| (\d+) \| ([^|]+) \| ([^|]+) \|$/gm)];
  t.same(
    rows.map(([, code, status, http]) => [code, Number(status), Number(http)]),
    ERROR_CODES.map((code) => [code, STATUS_OF[code], httpStatusOf(code)]),
  );
});
