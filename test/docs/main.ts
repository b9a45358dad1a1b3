import { writeFileSync } from "node:fs";
import { commandPage } from "./cli.ts";
import { errorsPage } from "./errors.ts";

// Writes the documents that are made from code.
writeFileSync(new URL("../../docs/errors.md", import.meta.url), errorsPage());
writeFileSync(new URL("../../docs/cli.md", import.meta.url), commandPage());
