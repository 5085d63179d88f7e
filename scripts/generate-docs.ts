// Writes the documents that are made from code: docs/cli.md.

import { writeFileSync } from "node:fs";
import { makeCliDocs } from "../src/doors/cli/docs.ts";

writeFileSync(new URL("../docs/cli.md", import.meta.url), makeCliDocs());
