// Writes the documents that are made from code: docs/cli.md and docs/manifest.md.

import { writeFileSync } from "node:fs";
import { makeCliDocs } from "../src/doors/cli/docs.ts";
import { makeManifestDocs } from "./manifest-docs.ts";

writeFileSync(new URL("../docs/cli.md", import.meta.url), makeCliDocs());
writeFileSync(new URL("../docs/manifest.md", import.meta.url), makeManifestDocs());
