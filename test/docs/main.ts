import { writeFileSync } from "node:fs";
import { errorsPage } from "./errors.ts";

// Writes the documents that are made from code.
writeFileSync(new URL("../../docs/errors.md", import.meta.url), errorsPage());
